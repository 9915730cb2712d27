// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The book is one JSON file, replaced as a whole:
 *
 *	{"version": 1, "found": [{"means", "where", "inode", "what", "text", "term", "none"}, ...],
 *	 "carried": {"WORKSPACE": {...}, ...}}
 *
 * where "term" is there only when it is true, and "none" only beside it.
 */
#include "keeper/book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"

#define BOOK_FILE "found.json"
#define BOOK_VERSION 1
#define BOOK_MAX_BYTES (64u << 20)

struct book {
	int dir;
	struct json_object *root, *found, *carried; /* the latter two are parts of root */
	bool changed;
};

static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool is_entry(struct json_object *entry)
{
	return member(entry, "means") && member(entry, "where") && member(entry, "what") &&
	       member(entry, "text");
}

static bool is_sound(struct json_object *root)
{
	struct json_object *version, *found, *carried;

	if (!json_object_is_type(root, json_type_object) ||
	    !json_object_object_get_ex(root, "version", &version) ||
	    json_object_get_int(version) != BOOK_VERSION ||
	    !json_object_object_get_ex(root, "found", &found) ||
	    !json_object_is_type(found, json_type_array) ||
	    !json_object_object_get_ex(root, "carried", &carried) ||
	    !json_object_is_type(carried, json_type_object))
		return false;
	for (size_t i = 0; i < json_object_array_length(found); i++) {
		if (!is_entry(json_object_array_get_idx(found, i)))
			return false;
	}
	return true;
}

static void begin(struct book *book)
{
	book->root = json_object_new_object();
	json_add_u64(book->root, "version", BOOK_VERSION);
	json_add_array(book->root, "found");
	json_add_object(book->root, "carried");
}

int book_open(int dir, struct book **out, bool *damaged, struct error *err)
{
	_cleanup_(cleanup_book) struct book *book = calloc(1, sizeof(*book));
	int r;

	if (!book)
		return error_oom(err);
	book->dir = dir;
	r = json_parse_file_at(dir, BOOK_FILE, BOOK_MAX_BYTES, &book->root, err);
	if (r < 0 && r != -ENOENT && r != -EINVAL)
		return r;
	*damaged = r == -EINVAL || (r == 0 && !is_sound(book->root));
	if (r < 0 || *damaged) {
		json_object_put(book->root);
		begin(book);
	}
	json_object_object_get_ex(book->root, "found", &book->found);
	json_object_object_get_ex(book->root, "carried", &book->carried);
	*out = take_ptr(book);
	return 0;
}

void book_close(struct book *book)
{
	if (!book)
		return;
	json_object_put(book->root);
	free(book);
}

void cleanup_book(struct book **book)
{
	book_close(*book);
}

size_t book_entries(const struct book *book)
{
	return json_object_array_length(book->found);
}

struct found book_entry(const struct book *book, size_t i)
{
	struct json_object *entry = json_object_array_get_idx(book->found, i);
	struct json_object *inode = NULL, *term = NULL;

	json_object_object_get_ex(entry, "inode", &inode);
	json_object_object_get_ex(entry, "term", &term);
	return (struct found){.means = member(entry, "means"),
			      .where = member(entry, "where"),
			      .what = member(entry, "what"),
			      .text = member(entry, "text"),
			      .inode = inode ? json_object_get_uint64(inode) : 0,
			      .term = term && json_object_get_boolean(term),
			      .none = member(entry, "none")};
}

static size_t index_of(const struct book *book, const char *where, const char *what)
{
	size_t n = book_entries(book);

	for (size_t i = 0; i < n; i++) {
		struct json_object *entry = json_object_array_get_idx(book->found, i);

		if (strcmp(member(entry, "where"), where) == 0 &&
		    strcmp(member(entry, "what"), what) == 0)
			return i;
	}
	return n;
}

bool book_find(const struct book *book, const char *where, const char *what, struct found *found)
{
	size_t i = index_of(book, where, what);

	if (i == book_entries(book))
		return false;
	*found = book_entry(book, i);
	return true;
}

int book_note(struct book *book, const struct found *found, struct error *err)
{
	struct json_object *entry;
	struct found known;

	if (book_find(book, found->where, found->what, &known)) {
		if (known.inode == found->inode)
			return 0;
		json_object_array_del_idx(book->found, index_of(book, found->where, found->what),
					  1);
	}
	entry = json_object_new_object();
	if (!entry)
		return error_oom(err);
	json_add_string(entry, "means", found->means);
	json_add_string(entry, "where", found->where);
	json_add_u64(entry, "inode", found->inode);
	json_add_string(entry, "what", found->what);
	json_add_string(entry, "text", found->text);
	if (found->term)
		json_add_bool(entry, "term", true);
	if (found->term && found->none)
		json_add_string(entry, "none", found->none);
	json_object_array_add(book->found, entry);
	book->changed = true;
	return 0;
}

void book_forget(struct book *book, const char *where)
{
	for (size_t i = book_entries(book); i-- > 0;) {
		if (strcmp(book_entry(book, i).where, where) != 0)
			continue;
		json_object_array_del_idx(book->found, i, 1);
		book->changed = true;
	}
}

void book_forget_of(struct book *book, const char *where, uint64_t inode)
{
	for (size_t i = book_entries(book); i-- > 0;) {
		struct found found = book_entry(book, i);

		if (found.inode != inode || strcmp(found.where, where) != 0)
			continue;
		json_object_array_del_idx(book->found, i, 1);
		book->changed = true;
	}
}

void book_forget_at(struct book *book, size_t i)
{
	json_object_array_del_idx(book->found, i, 1);
	book->changed = true;
}

void book_forget_one(struct book *book, const char *where, const char *what)
{
	size_t i = index_of(book, where, what);

	if (i == book_entries(book))
		return;
	json_object_array_del_idx(book->found, i, 1);
	book->changed = true;
}

void book_set_term(struct book *book, const char *where, const char *what, const char *text,
		   const char *none)
{
	size_t i = index_of(book, where, what);
	struct json_object *entry;
	struct found known;

	if (i == book_entries(book))
		return;
	known = book_entry(book, i);
	if (known.term && known.none && strcmp(known.none, none) == 0 &&
	    strcmp(known.text, text) == 0)
		return;
	entry = json_object_array_get_idx(book->found, i);
	json_add_string(entry, "text", text);
	json_add_bool(entry, "term", true);
	json_add_string(entry, "none", none);
	book->changed = true;
}

int book_flush(struct book *book, struct error *err)
{
	int r;

	if (!book->changed)
		return 0;
	/* not durable: neither a control group nor a link outlives a power failure */
	r = file_replace_at(book->dir, BOOK_FILE, json_text(book->root, false), 0600, false, err);
	book->changed = r < 0;
	return r;
}

void book_carry(struct book *book, const char *name, struct json_object *value)
{
	json_object_object_add(book->carried, name, value);
	book->changed = true;
}

struct json_object *book_carried(const struct book *book, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(book->carried, name, &value);
	return value;
}

void book_carry_nothing(struct book *book)
{
	if (json_object_object_length(book->carried) == 0)
		return;
	json_object_object_del(book->root, "carried");
	book->carried = json_add_object(book->root, "carried");
	book->changed = true;
}

void book_remove(struct book *book)
{
	unlinkat(book->dir, BOOK_FILE, 0);
	book->changed = false;
}
