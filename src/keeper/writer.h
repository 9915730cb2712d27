/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The one way in which settings are written, for all means: what was found is in the book before
 * anything is set, a dry run prints instead, and everything can be undone.
 *
 * A means is a file means_NAME.c. For a workspace it does
 *
 *	find	reads what is set now, and notes it (writer_note); the keeper then flushes the book
 *	set	writes what should hold (writer_set), as often as that changes
 *	undo	puts one entry of the book back
 *
 * and has a line in the table of writer.c with its name and its undo.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "keeper/book.h"

struct writer {
	struct book *book;
	FILE *dry; /* instead of writing, tell it here; NULL: write */
	bool json; /* as lines of JSON */
	bool lost; /* the book of a keeper before this one is: what is set may be what it has left */
	const char *promise; /* the file of whose it is what is noted; NULL: nobody's alone */
	void (*went_on)(
		void); /* something more was put back, of much; NULL: nobody wants to know */
	uint64_t writes;
};

/*
 * For means that write files: notes for MEANS what FILE in DIRECTORY holds. *TEXT, the caller's to free, is
 * what it holds now. May be called again.
 */
int writer_note_file(struct writer *writer, const char *means, const char *directory,
		     const char *file, char **text, struct error *err);

/*
 * For means that set something of links: notes FOUND, in the file too, for the promise that the writer has. Of what
 * several have at the same link nobody knows for which one it is.
 */
int writer_note_link(struct writer *writer, const struct found *found, struct error *err);

/* Writes TEXT to FILE in DIRECTORY, on behalf of workspace NAME. -ENOENT: the directory is gone. */
int writer_set_file(struct writer *writer, const char *name, const char *directory,
		    const char *file, const char *text, struct error *err);

/* Of a dry run: what would be set, WHAT of WHERE to TEXT, on behalf of workspace NAME. */
void writer_tell(struct writer *writer, const char *name, const char *where, const char *what,
		 const char *text);

/*
 * Puts back everything in the book, newest first, but for what burst_undo_all does. The file has then what is left to be put
 * back, also of what failed, or is gone. Places that are gone, or are others by now, are passed over. Returns the last failure;
 * the others are not tried less for it.
 */
int writer_undo_all(struct writer *writer, struct error *err);

/*
 * The same for what was found at one place, which is left to itself from now on. GONE: nothing is promised there any
 * more, and what was found as a term itself goes, too; else that stays.
 */
int writer_undo(struct writer *writer, const char *where, bool gone, struct error *err);

/* The same for all that one means has set. */
int writer_undo_means(struct writer *writer, const char *means, struct error *err);

/*
 * What a keeper before this one has set at WHERE, and this one has not come to yet: nothing is promised there by whom that
 * was for. But what may be for one of the promises SPARED (names of files; NULL: none) stays, and is noted.
 */
int writer_undo_inherited(struct writer *writer, const char *where, char *const *spared,
			  struct error *err);

/* The same, but what other means have set at the same places stays; of the place WHERE alone, or NULL: all. */
int writer_undo_only(struct writer *writer, const char *means, const char *where,
		     struct error *err);
