// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The book's file begins with a line of JSON,
 *
 *	{"version": 2, "found": [{"means", "where", "inode", "what", "text", "term", "none", "promise"}, ...],
 *	 "carried": {"WORKSPACE": {...}, ...}}
 *
 * where "term" is there only when it is true, "none" only beside it, and "promise" only when it is known. What was noted
 * since then follows, a line with an entry each, what was forgotten, and what is carried now:
 *
 *	{"forgotten": {"where", "what"}}
 *	{"carried": {...}}
 *
 * Nothing may be set before it is in the file, and with thousands of entries to write all of them for each would take a
 * hundred times as long as to set what they are about. The end of the last line may be missing, of a keeper that was
 * killed in that moment; then what it is about was not set.
 *
 * When half of the file would tell nothing any more, or an entry has changed, it is replaced as a whole, by its first line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "keeper/book_internal.h"

#define BOOK_FILE "found.json"
#define BOOK_VERSION 2
#define BOOK_VERSION_FIRST 1 /* forgets nothing by itself */
#define BOOK_MAX_BYTES (64u << 20)

/* ---- reading ---- */

static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

/* -EINVAL: it is no entry. Of one place the later one holds. */
static int take_entry(struct book *book, struct json_object *entry)
{
	struct json_object *inode = NULL, *term = NULL;
	struct found found = {.means = member(entry, "means"),
			      .where = member(entry, "where"),
			      .what = member(entry, "what"),
			      .text = member(entry, "text"),
			      .none = member(entry, "none"),
			      .promise = member(entry, "promise"),
			      .inherited = true};
	int r;

	if (!found.means || !found.where || !found.what || !found.text)
		return -EINVAL;
	json_object_object_get_ex(entry, "inode", &inode);
	json_object_object_get_ex(entry, "term", &term);
	found.inode = inode ? json_object_get_uint64(inode) : 0;
	found.term = term && json_object_get_boolean(term);
	book_drop(book, found.where, found.what);
	r = book_append(book, &found);
	if (r == 0)
		book->items[book->n - 1]->written = true;
	return r;
}

static bool is_known(int version)
{
	return version >= BOOK_VERSION_FIRST && version <= BOOK_VERSION;
}

static int take_root(struct book *book, struct json_object *root)
{
	struct json_object *version, *found, *carried;
	int r = 0;

	if (!json_object_is_type(root, json_type_object) ||
	    !json_object_object_get_ex(root, "version", &version) ||
	    !is_known(json_object_get_int(version)) ||
	    !json_object_object_get_ex(root, "found", &found) ||
	    !json_object_is_type(found, json_type_array) ||
	    !json_object_object_get_ex(root, "carried", &carried) ||
	    !json_object_is_type(carried, json_type_object))
		return -EINVAL;
	for (size_t i = 0; i < json_object_array_length(found) && r == 0; i++)
		r = take_entry(book, json_object_array_get_idx(found, i));
	if (r < 0)
		return r;
	book->carried = json_object_get(carried);
	/* what follows would be of another version than it says */
	book->changed = json_object_get_int(version) != BOOK_VERSION;
	return 0;
}

/* LENGTH is the line's. What it is about is longer by about half. */
static size_t dead_with(size_t length)
{
	return length * 5 / 2;
}

static int take_forgotten(struct book *book, struct json_object *forgotten, size_t length)
{
	const char *where = member(forgotten, "where"), *what = member(forgotten, "what");

	if (!where || !what)
		return -EINVAL;
	book_drop(book, where, what);
	book->dead_bytes += dead_with(length);
	return 0;
}

static int take_carried(struct book *book, struct json_object *carried, size_t length)
{
	if (!json_object_is_type(carried, json_type_object))
		return -EINVAL;
	json_object_put(book->carried);
	book->carried = json_object_get(carried);
	book->dead_bytes += book->carried_bytes;
	book->carried_bytes = length;
	return 0;
}

static int take_later(struct book *book, struct json_object *line, size_t length)
{
	struct json_object *value;

	if (json_object_object_get_ex(line, "forgotten", &value))
		return take_forgotten(book, value, length);
	if (json_object_object_get_ex(line, "carried", &value))
		return take_carried(book, value, length);
	return take_entry(book, line);
}

static int take_line(struct book *book, const char *line, size_t length, bool first)
{
	_cleanup_json_ struct json_object *value = NULL;
	int r = json_parse(BOOK_FILE, line, length, &value, NULL);

	if (r == 0)
		r = first ? take_root(book, value) : take_later(book, value, length);
	return r == -ENOMEM ? -ENOMEM : r < 0 ? -EINVAL : 0;
}

static int take_lines(struct book *book, const char *text)
{
	bool first = true;
	int r = 0;

	for (const char *at = text, *end; r == 0 && (first || *at); at = *end ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		/* the begin of a line, of which no more was written */
		if (!first && end == at)
			continue;
		r = take_line(book, at, (size_t)(end - at), first);
		/* was being written; the next one must not go on from there */
		if (r == -EINVAL && !first && !*end) {
			book->changed = true;
			return 0;
		}
		first = false;
	}
	return r;
}

/* Empty when it is DAMAGED; -EINVAL then. */
static int read_book(struct book *book, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read_at(book->dir, BOOK_FILE, BOOK_MAX_BYTES, &text, NULL, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	r = take_lines(book, text);
	if (r == -EINVAL) {
		book_empty(book);
		json_object_put(book->carried);
		book->carried = NULL;
		return r;
	}
	book->there = r == 0;
	book->bytes = strlen(text);
	return r < 0 ? error_oom(err) : 0;
}

int book_open(int dir, struct book **out, bool *damaged, struct error *err)
{
	_cleanup_(cleanup_book) struct book *book = calloc(1, sizeof(*book));
	int r;

	if (!book)
		return error_oom(err);
	book->dir = dir;
	r = read_book(book, err);
	*damaged = r == -EINVAL;
	if (r < 0 && !*damaged)
		return r;
	if (!book->carried)
		book->carried = json_object_new_object();
	*out = take_ptr(book);
	return 0;
}

/* ---- writing ---- */

static struct json_object *json_of(const struct noted *noted)
{
	struct json_object *entry = json_object_new_object();

	json_add_string(entry, "means", noted->means);
	json_add_string(entry, "where", noted->where);
	json_add_u64(entry, "inode", noted->inode);
	json_add_string(entry, "what", noted->what);
	json_add_string(entry, "text", noted->text);
	if (noted->term)
		json_add_bool(entry, "term", true);
	json_add_string(entry, "none", noted->term ? noted->none : NULL);
	json_add_string(entry, "promise", noted->promise);
	return entry;
}

static void is_written(struct book *book, size_t first)
{
	for (size_t i = first; i < book->n; i++)
		book->items[i]->written = true;
	book_clear_forgotten(book);
	book->carried_anew = false;
}

/* Not durable: neither a control group nor a link outlives a power failure. */
static int write_all(struct book *book, struct error *err)
{
	_cleanup_json_ struct json_object *root = json_object_new_object();
	struct json_object *found;
	const char *text;
	int r;

	json_add_u64(root, "version", BOOK_VERSION);
	found = json_add_array(root, "found");
	for (size_t i = 0; i < book->n; i++)
		json_object_array_add(found, json_of(book->items[i]));
	json_object_object_add(root, "carried", json_object_get(book->carried));
	text = json_text(root, false);
	r = file_replace_at(book->dir, BOOK_FILE, text, 0600, false, err);
	if (r < 0)
		return r;
	is_written(book, 0);
	book->there = true;
	book->changed = false;
	book->bytes = strlen(text);
	book->dead_bytes = book->carried_bytes = 0;
	return 0;
}

/* New ones are at the end. */
static size_t first_unwritten(const struct book *book)
{
	size_t i = book->n;

	while (i && !book->items[i - 1]->written)
		i--;
	return i;
}

/* The lines of what the file does not have yet, and what of it and of them tells nothing any more. */
struct lines {
	char *text;
	size_t bytes, dead_bytes, carried_bytes;
};

static void put_line(FILE *to, struct json_object *line)
{
	fprintf(to, "\n%s", json_text(line, false));
	json_object_put(line);
}

/* Before what is new, which may be of the same place. */
static void put_forgotten(FILE *to, const struct book *book)
{
	for (size_t i = 0; i < book->n_forgotten; i++) {
		struct json_object *line = json_object_new_object();
		struct json_object *forgotten = json_add_object(line, "forgotten");

		json_add_string(forgotten, "where", book->forgotten[i].where);
		json_add_string(forgotten, "what", book->forgotten[i].what);
		put_line(to, line);
	}
}

static void put_carried(FILE *to, const struct book *book)
{
	struct json_object *line = json_object_new_object();

	json_object_object_add(line, "carried", json_object_get(book->carried));
	put_line(to, line);
}

static int make_lines(const struct book *book, size_t first, struct lines *lines)
{
	FILE *to = open_memstream(&lines->text, &lines->bytes);

	if (!to)
		return -ENOMEM;
	put_forgotten(to, book);
	fflush(to);
	lines->dead_bytes = dead_with(lines->bytes);
	for (size_t i = first; i < book->n; i++)
		put_line(to, json_of(book->items[i]));
	fflush(to);
	lines->carried_bytes = lines->bytes;
	if (book->carried_anew)
		put_carried(to, book);
	if (fclose(to))
		return -ENOMEM;
	lines->carried_bytes = lines->bytes - lines->carried_bytes;
	if (book->carried_anew)
		lines->dead_bytes += book->carried_bytes;
	return 0;
}

static int append(struct book *book, const struct lines *lines, struct error *err)
{
	_cleanup_close_ int fd =
		openat(book->dir, BOOK_FILE, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? -errno : fd_write_all(fd, lines->text, lines->bytes);

	if (r < 0) {
		/* a part of it may be there */
		book->changed = true;
		return error_errno(err, r, "write '%s'", BOOK_FILE);
	}
	book->bytes += lines->bytes;
	book->dead_bytes += lines->dead_bytes;
	if (book->carried_anew)
		book->carried_bytes = lines->carried_bytes;
	return 0;
}

static int append_new(struct book *book, size_t first, struct error *err)
{
	struct lines lines = {0};
	int r = make_lines(book, first, &lines);

	if (r < 0)
		r = error_oom(err);
	else if (book->dead_bytes + lines.dead_bytes > (book->bytes + lines.bytes) / 2)
		r = write_all(book, err);
	else
		r = append(book, &lines, err);
	free(lines.text);
	if (r == 0)
		is_written(book, first);
	return r;
}

int book_flush(struct book *book, struct error *err)
{
	size_t first = first_unwritten(book);

	if (!book->changed && first == book->n && !book->n_forgotten && !book->carried_anew)
		return 0;
	return book->changed || !book->there ? write_all(book, err) : append_new(book, first, err);
}

int book_end(struct book *book, struct error *err)
{
	book_carry_nothing(book);
	if (book->n)
		return write_all(book, err);
	unlinkat(book->dir, BOOK_FILE, 0);
	book_clear_forgotten(book);
	book->there = book->changed = book->carried_anew = false;
	return 0;
}
