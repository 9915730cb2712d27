/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What book.c, which finds things in the book, and book_file.c, which reads and writes it, share. */
#include "keeper/book.h"

struct noted {
	struct noted *next; /* in its bucket */
	char *means, *where, *what, *text;
	char *none, *promise; /* NULL: not known */
	uint64_t inode, hash; /* of WHERE */
	bool term;
	bool inherited;
	bool written; /* the file has it */
};

/* What the file has, and is no more. */
struct forgotten {
	char *where, *what;
};

struct book {
	int dir;
	struct noted **items; /* in the order in which they were noted */
	size_t n, room;
	struct noted *
		*buckets; /* the same by where they are; a power of two of them, or none yet */
	size_t n_buckets;
	struct json_object *carried;
	struct forgotten *forgotten; /* of which the file is to be told */
	size_t n_forgotten, room_forgotten;
	bool carried_anew; /* the same of what is carried */
	bool there;	   /* the file, to append to it */
	bool changed;	   /* something in the file is no more so: it is to be written as a whole */
	/* of the file: all of it, what is told anew since or no more, and what was carried last */
	size_t bytes, dead_bytes, carried_bytes;
};

/* Puts a copy of FOUND at the end. -ENOMEM. */
int book_append(struct book *book, const struct found *found);
/* What is noted of WHAT there goes, and the file is not to be told of it: it tells that itself. */
void book_drop(struct book *book, const char *where, const char *what);
void book_clear_forgotten(struct book *book);
void book_empty(struct book *book);
