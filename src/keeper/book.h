/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The book of what was found: before anything is set, what was there is written down here, so that it can be
 * put back by this keeper when it ends, or by the next one when this one was killed. Beside it, what of
 * the controller's memory outlives a keeper.
 *
 * An entry is a text of a means at a place: {"cgroup", "/sys/fs/cgroup/cpu/x", inode, "cpu.shares", "1024"}.
 * The inode tells whether the place is still the same one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct json_object;
struct book;

struct found {
	const char *means; /* whose entry it is: the means that can undo it */
	const char *where, *what, *text;
	uint64_t inode; /* of WHERE; 0: not a file */
	/*
	 * Whoever made the container, or changed it, has set there what is promised: when the keeper ends that stays,
	 * as TEXT, and when the term or the promise is taken back NONE is put in its place.
	 */
	bool term;
	const char *none; /* NULL: not known */
};

/* Opens the book in directory DIR; empty when there is none, or when it is damaged (*DAMAGED). */
int book_open(int dir, struct book **book, bool *damaged, struct error *err);
void book_close(struct book *book);
void cleanup_book(struct book **book);

/* Notes what was found, unless that is there already for the same place. In memory, until book_flush. */
int book_note(struct book *book, const struct found *found, struct error *err);
/* Whatever is noted of WHERE is forgotten. */
void book_forget(struct book *book, const char *where);
/* The same of the one that had INODE: another may have its place by now. */
void book_forget_of(struct book *book, const char *where, uint64_t inode);
/* Entry I alone. */
void book_forget_at(struct book *book, size_t i);
/* Only what was noted of WHAT there. */
void book_forget_one(struct book *book, const char *where, const char *what);
/* Says of an entry that TEXT is the term itself, and NONE what is there without. */
void book_set_term(struct book *book, const char *where, const char *what, const char *text,
		   const char *none);
/* Writes the book if it was changed. Nothing may be set before that. */
int book_flush(struct book *book, struct error *err);

/* The entry, or false; the strings are the book's. */
bool book_find(const struct book *book, const char *where, const char *what, struct found *found);

size_t book_entries(const struct book *book);
/* Entry I; the newest last: what was set first is undone last. */
struct found book_entry(const struct book *book, size_t i);

/* What the controller remembers, by workspace; VALUE is taken over. NULL of book_carried: nothing. */
void book_carry(struct book *book, const char *name, struct json_object *value);
struct json_object *book_carried(const struct book *book, const char *name);
void book_carry_nothing(struct book *book);

/* Removes the file: there is nothing to put back. */
void book_remove(struct book *book);
