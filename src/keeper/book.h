/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The book of what was found: before anything is set, what was there is written down here, so that it can be
 * put back by this keeper when it ends, or by the next one when this one was killed. Beside it, what of
 * the controller's memory outlives a keeper.
 *
 * An entry is a text of a means at a place: {"cgroup", "/sys/fs/cgroup/cpu/x", inode, "cpu.shares", "1024"}.
 * The inode tells whether the place is still the same one. Where an interface is: link_place.h.
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
	const char *
		promise; /* the name of the file that promises it; NULL: not known, or of no single one */
	bool inherited; /* a keeper before this one has noted it, and this one did not yet */
};

/* Opens the book in directory DIR; empty when there is none, or when it is damaged (*DAMAGED). */
int book_open(int dir, struct book **book, bool *damaged, struct error *err);
void book_close(struct book *book);
void cleanup_book(struct book **book);

/*
 * Notes what was found, unless that is there already for the same place; whose promise it is for holds then, if FOUND
 * has one. In memory, until book_flush.
 */
int book_note(struct book *book, const struct found *found, struct error *err);
/* Whatever is noted of WHERE is there for PROMISE from now on. */
int book_set_promise(struct book *book, const char *where, const char *promise, struct error *err);
/* The same of what is there for BEFORE alone: at one place may be what several are promised. */
int book_move_promise(struct book *book, const char *where, const char *before, const char *promise,
		      struct error *err);
/* What may be for one of PROMISES (book_may_be_for) of what is noted of WHERE is as if a keeper before this one had noted it. */
void book_leave_to(struct book *book, const char *where, char *const *promises);
/* Whatever is noted of WHERE is forgotten. */
void book_forget(struct book *book, const char *where);
/* The same of what this keeper has noted. */
void book_forget_own(struct book *book, const char *where);
/* The same of what a keeper before this one has noted, but for what may be for one of PROMISES (book_may_be_for). */
void book_forget_inherited(struct book *book, const char *where, char *const *promises);
/* Entry I alone. */
void book_forget_at(struct book *book, size_t i);
/* Only what was noted of WHAT there. */
void book_forget_one(struct book *book, const char *where, const char *what);
/* Says of an entry that TEXT is the term itself, and NONE what is there without. */
void book_set_term(struct book *book, const char *where, const char *what, const char *text,
		   const char *none);
/* Says of an entry that TEXT is what is to be put back; whose it is stays. */
int book_set_text(struct book *book, const char *where, const char *what, const char *text,
		  struct error *err);
/* Writes what has changed. Nothing may be set before that. */
int book_flush(struct book *book, struct error *err);

/* Whether a keeper before this one has noted anything of WHERE that this one has not. */
bool book_has_inherited(const struct book *book, const char *where);

/* The entry, or false; the strings are the book's. */
bool book_find(const struct book *book, const char *where, const char *what, struct found *found);

/* Whether it may be for one of PROMISES, names of files: for whom it is may not be known. */
bool book_may_be_for(const struct found *found, char *const *promises);

size_t book_entries(const struct book *book);
/* Entry I; the newest last: what was set first is undone last. */
struct found book_entry(const struct book *book, size_t i);

/* What the controller remembers, by workspace; VALUE is taken over. NULL of book_carried: nothing. */
void book_carry(struct book *book, const char *name, struct json_object *value);
struct json_object *book_carried(const struct book *book, const char *name);
void book_carry_nothing(struct book *book);

/*
 * All that could be is put back. The file is replaced, at one go, by what is left, or removed if nothing is; what was carried
 * is no more.
 */
int book_end(struct book *book, struct error *err);
