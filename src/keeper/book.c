// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries are found by where they are: a keeper of many workspaces has thousands of them, and notes each. To take one
 * away moves those after it, which is a move of pointers, and seldom.
 */
#include "keeper/book_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"

#define BUCKETS_LEAST 64

/* ---- the entries ---- */

static void noted_free(struct noted *noted)
{
	free(noted->means);
	free(noted->where);
	free(noted->what);
	free(noted->text);
	free(noted->none);
	free(noted->promise);
	free(noted);
}

static struct noted **bucket_of(const struct book *book, uint64_t hash)
{
	return &book->buckets[hash & (book->n_buckets - 1)];
}

static void put_into_bucket(struct book *book, struct noted *noted)
{
	struct noted **bucket = bucket_of(book, noted->hash);

	noted->next = *bucket;
	*bucket = noted;
}

static int make_room(struct book *book)
{
	size_t room = book->room ? book->room * 2 : BUCKETS_LEAST;
	struct noted **items, **buckets;

	if (book->n < book->room)
		return 0;
	items = reallocarray(book->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	book->items = items;
	buckets = calloc(room, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	free(book->buckets);
	book->buckets = buckets;
	book->n_buckets = book->room = room;
	for (size_t i = 0; i < book->n; i++)
		put_into_bucket(book, book->items[i]);
	return 0;
}

static struct noted *copy_of(const struct found *found)
{
	struct noted *noted = calloc(1, sizeof(*noted));

	if (!noted)
		return NULL;
	*noted = (struct noted){
		.means = strdup(found->means),
		.where = strdup(found->where),
		.what = strdup(found->what),
		.text = strdup(found->text),
		.none = found->none ? strdup(found->none) : NULL,
		.promise = found->promise ? strdup(found->promise) : NULL,
		.inode = found->inode,
		.hash = string_hash(found->where),
		.term = found->term,
		.inherited = found->inherited,
	};
	if (noted->means && noted->where && noted->what && noted->text &&
	    (noted->none || !found->none) && (noted->promise || !found->promise))
		return noted;
	noted_free(noted);
	return NULL;
}

int book_append(struct book *book, const struct found *found)
{
	struct noted *noted;

	if (make_room(book) < 0)
		return -ENOMEM;
	noted = copy_of(found);
	if (!noted)
		return -ENOMEM;
	put_into_bucket(book, noted);
	book->items[book->n++] = noted;
	return 0;
}

static void leave_bucket(struct book *book, const struct noted *noted)
{
	struct noted **at = bucket_of(book, noted->hash);

	while (*at != noted)
		at = &(*at)->next;
	*at = noted->next;
}

static void drop_at(struct book *book, size_t i)
{
	struct noted *noted = book->items[i];

	leave_bucket(book, noted);
	book->n--;
	memmove(&book->items[i], &book->items[i + 1], (book->n - i) * sizeof(*book->items));
	noted_free(noted);
}

/* Where it cannot be told for itself, the file is written as a whole. */
static void tell_forgotten(struct book *book, const struct noted *noted)
{
	size_t room = book->room_forgotten ? book->room_forgotten * 2 : BUCKETS_LEAST;
	struct forgotten one = {.where = strdup(noted->where), .what = strdup(noted->what)}, *more;

	if (book->n_forgotten == book->room_forgotten) {
		more = reallocarray(book->forgotten, room, sizeof(*more));
		if (more) {
			book->forgotten = more;
			book->room_forgotten = room;
		}
	}
	if (one.where && one.what && book->n_forgotten < book->room_forgotten) {
		book->forgotten[book->n_forgotten++] = one;
		return;
	}
	free(one.where);
	free(one.what);
	book->changed = true;
}

void book_forget_at(struct book *book, size_t i)
{
	/* one that the file has not is as if it had never been */
	if (book->items[i]->written)
		tell_forgotten(book, book->items[i]);
	drop_at(book, i);
}

static size_t place_of(const struct book *book, const struct noted *noted)
{
	size_t i = book->n;

	while (book->items[--i] != noted)
		;
	return i;
}

static void forget(struct book *book, const struct noted *noted)
{
	book_forget_at(book, place_of(book, noted));
}

void book_clear_forgotten(struct book *book)
{
	for (size_t i = 0; i < book->n_forgotten; i++) {
		free(book->forgotten[i].where);
		free(book->forgotten[i].what);
	}
	book->n_forgotten = 0;
}

void book_empty(struct book *book)
{
	for (size_t i = 0; i < book->n; i++)
		noted_free(book->items[i]);
	free(book->items);
	free(book->buckets);
	book->items = book->buckets = NULL;
	book->n = book->room = book->n_buckets = 0;
	book_clear_forgotten(book);
	free(book->forgotten);
	book->forgotten = NULL;
	book->room_forgotten = 0;
}

/* The next of WHERE from NOTED on, the first one of its bucket. */
static struct noted *of_place(struct noted *noted, uint64_t hash, const char *where)
{
	while (noted && (noted->hash != hash || strcmp(noted->where, where) != 0))
		noted = noted->next;
	return noted;
}

static struct noted *first_of(const struct book *book, const char *where)
{
	uint64_t hash = string_hash(where);

	return book->n_buckets ? of_place(*bucket_of(book, hash), hash, where) : NULL;
}

static struct noted *next_of(const struct noted *noted)
{
	return of_place(noted->next, noted->hash, noted->where);
}

static struct noted *look_up(const struct book *book, const char *where, const char *what)
{
	struct noted *noted = first_of(book, where);

	while (noted && strcmp(noted->what, what) != 0)
		noted = next_of(noted);
	return noted;
}

void book_drop(struct book *book, const char *where, const char *what)
{
	const struct noted *noted = look_up(book, where, what);

	if (noted)
		drop_at(book, place_of(book, noted));
}

/* ---- what is asked of it ---- */

void book_close(struct book *book)
{
	if (!book)
		return;
	book_empty(book);
	json_object_put(book->carried);
	free(book);
}

void cleanup_book(struct book **book)
{
	book_close(*book);
}

size_t book_entries(const struct book *book)
{
	return book->n;
}

static struct found as_found(const struct noted *noted)
{
	return (struct found){.means = noted->means,
			      .where = noted->where,
			      .what = noted->what,
			      .text = noted->text,
			      .inode = noted->inode,
			      .term = noted->term,
			      .none = noted->none,
			      .promise = noted->promise,
			      .inherited = noted->inherited};
}

struct found book_entry(const struct book *book, size_t i)
{
	return as_found(book->items[i]);
}

bool book_find(const struct book *book, const char *where, const char *what, struct found *found)
{
	const struct noted *noted = look_up(book, where, what);

	if (noted)
		*found = as_found(noted);
	return noted != NULL;
}

bool book_may_be_for(const struct found *found, char *const *promises)
{
	return promises && (!found->promise || strv_has(promises, found->promise));
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Another text in the place of *AT; NULL: none. */
static int replace(struct book *book, char **at, const char *text)
{
	char *copy;

	if (is_same_text(*at, text))
		return 0;
	copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	book->changed = true;
	return 0;
}

int book_note(struct book *book, const struct found *found, struct error *err)
{
	struct noted *known = look_up(book, found->where, found->what);

	if (known && known->inode == found->inode) {
		known->inherited = false;
		return found->promise && replace(book, &known->promise, found->promise) < 0
			       ? error_oom(err)
			       : 0;
	}
	if (known)
		forget(book, known);
	return book_append(book, found) < 0 ? error_oom(err) : 0;
}

int book_set_promise(struct book *book, const char *where, const char *promise, struct error *err)
{
	for (struct noted *at = first_of(book, where); at; at = next_of(at)) {
		if (replace(book, &at->promise, promise) < 0)
			return error_oom(err);
	}
	return 0;
}

int book_move_promise(struct book *book, const char *where, const char *before, const char *promise,
		      struct error *err)
{
	for (struct noted *at = first_of(book, where); at; at = next_of(at)) {
		if (is_same_text(at->promise, before) && replace(book, &at->promise, promise) < 0)
			return error_oom(err);
	}
	return 0;
}

void book_forget(struct book *book, const char *where)
{
	struct noted *noted;

	while ((noted = first_of(book, where)))
		forget(book, noted);
}

void book_leave_to(struct book *book, const char *where, char *const *promises)
{
	for (struct noted *at = first_of(book, where); at; at = next_of(at)) {
		const struct found found = as_found(at);

		at->inherited |= book_may_be_for(&found, promises);
	}
}

void book_forget_own(struct book *book, const char *where)
{
	for (struct noted *at = first_of(book, where), *next; at; at = next) {
		next = next_of(at);
		if (!at->inherited)
			forget(book, at);
	}
}

void book_forget_inherited(struct book *book, const char *where, char *const *promises)
{
	for (struct noted *at = first_of(book, where), *next; at; at = next) {
		const struct found found = as_found(at);

		next = next_of(at);
		if (at->inherited && !book_may_be_for(&found, promises))
			forget(book, at);
	}
}

bool book_has_inherited(const struct book *book, const char *where)
{
	const struct noted *at = first_of(book, where);

	while (at && !at->inherited)
		at = next_of(at);
	return at != NULL;
}

void book_forget_one(struct book *book, const char *where, const char *what)
{
	const struct noted *noted = look_up(book, where, what);

	if (noted)
		forget(book, noted);
}

void book_set_term(struct book *book, const char *where, const char *what, const char *text,
		   const char *none)
{
	struct noted *noted = look_up(book, where, what);

	if (!noted || replace(book, &noted->text, text) < 0 ||
	    replace(book, &noted->none, none) < 0)
		return;
	book->changed |= !noted->term;
	noted->term = true;
}

int book_set_text(struct book *book, const char *where, const char *what, const char *text,
		  struct error *err)
{
	struct noted *noted = look_up(book, where, what);

	return noted && replace(book, &noted->text, text) < 0 ? error_oom(err) : 0;
}

void book_carry(struct book *book, const char *name, struct json_object *value)
{
	json_object_object_add(book->carried, name, value);
	book->carried_anew = true;
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
	json_object_put(book->carried);
	book->carried = json_object_new_object();
	book->carried_anew = true;
}
