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

struct book {
	int dir;
	struct noted **items; /* in the order in which they were noted */
	size_t n, room;
	struct noted *
		*buckets; /* the same by where they are; a power of two of them, or none yet */
	size_t n_buckets;
	struct json_object *carried;
	bool there;   /* the file, to append to it */
	bool changed; /* what the file has is no more so: it is to be written as a whole */
};

/* Puts a copy of FOUND at the end. -ENOMEM. */
int book_append(struct book *book, const struct found *found);
void book_empty(struct book *book);
