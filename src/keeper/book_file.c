// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The book's file begins with a line of JSON,
 *
 *	{"version": 1, "found": [{"means", "where", "inode", "what", "text", "term", "none", "promise"}, ...],
 *	 "carried": {"WORKSPACE": {...}, ...}}
 *
 * where "term" is there only when it is true, "none" only beside it, and "promise" only when it is known. What was noted
 * since then follows, a line with an entry each: nothing may be set before it is in the file, and with thousands of
 * entries to write all of them for each would take a hundred times as long as to set what they are about. The end of the
 * last line may be missing, of a keeper that was killed in that moment; then what it is about was not set.
 *
 * When more has changed than that something was noted the file is replaced as a whole, by its first line.
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
#define BOOK_VERSION 1
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
	book_forget_one(book, found.where, found.what);
	r = book_append(book, &found);
	if (r == 0)
		book->items[book->n - 1]->written = true;
	return r;
}

static int take_root(struct book *book, struct json_object *root)
{
	struct json_object *version, *found, *carried;
	int r = 0;

	if (!json_object_is_type(root, json_type_object) ||
	    !json_object_object_get_ex(root, "version", &version) ||
	    json_object_get_int(version) != BOOK_VERSION ||
	    !json_object_object_get_ex(root, "found", &found) ||
	    !json_object_is_type(found, json_type_array) ||
	    !json_object_object_get_ex(root, "carried", &carried) ||
	    !json_object_is_type(carried, json_type_object))
		return -EINVAL;
	for (size_t i = 0; i < json_object_array_length(found) && r == 0; i++)
		r = take_entry(book, json_object_array_get_idx(found, i));
	if (r == 0)
		book->carried = json_object_get(carried);
	return r;
}

static int take_line(struct book *book, const char *line, size_t length, bool first)
{
	_cleanup_json_ struct json_object *value = NULL;
	int r = json_parse(BOOK_FILE, line, length, &value, NULL);

	if (r == 0)
		r = first ? take_root(book, value) : take_entry(book, value);
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

/* Not durable: neither a control group nor a link outlives a power failure. */
static int write_all(struct book *book, struct error *err)
{
	_cleanup_json_ struct json_object *root = json_object_new_object();
	struct json_object *found;
	int r;

	json_add_u64(root, "version", BOOK_VERSION);
	found = json_add_array(root, "found");
	for (size_t i = 0; i < book->n; i++)
		json_object_array_add(found, json_of(book->items[i]));
	json_object_object_add(root, "carried", json_object_get(book->carried));
	r = file_replace_at(book->dir, BOOK_FILE, json_text(root, false), 0600, false, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < book->n; i++)
		book->items[i]->written = true;
	book->there = true;
	book->changed = false;
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

static int write_lines(int fd, const struct book *book, size_t first)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	FILE *lines = open_memstream(&text, &length);

	if (!lines)
		return -ENOMEM;
	for (size_t i = first; i < book->n; i++) {
		_cleanup_json_ struct json_object *entry = json_of(book->items[i]);

		fprintf(lines, "\n%s", json_text(entry, false));
	}
	return fclose(lines) ? -ENOMEM : fd_write_all(fd, text, length);
}

static int append_new(struct book *book, size_t first, struct error *err)
{
	_cleanup_close_ int fd =
		openat(book->dir, BOOK_FILE, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? -errno : write_lines(fd, book, first);

	if (r < 0) {
		/* a part of it may be there */
		book->changed = true;
		return error_errno(err, r, "write '%s'", BOOK_FILE);
	}
	for (size_t i = first; i < book->n; i++)
		book->items[i]->written = true;
	return 0;
}

int book_flush(struct book *book, struct error *err)
{
	size_t first = first_unwritten(book);

	if (book->changed || (!book->there && first < book->n))
		return write_all(book, err);
	return first < book->n ? append_new(book, first, err) : 0;
}

void book_remove(struct book *book)
{
	unlinkat(book->dir, BOOK_FILE, 0);
	book->there = book->changed = false;
}
