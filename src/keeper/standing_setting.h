/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One value of a file in a control group: set, with what was found in the book, and taken back. For standing.c and
 * standing_disk.c.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "keeper/standing.h"
#include "keeper/writer.h"

struct standing_setting {
	const char *directory, *file;
	const char *disk;  /* "8:0"; NULL: the file is of one value */
	const char *key;   /* of a disk's line with many values: "rbps"; NULL: it has one */
	const char *text;  /* to be written */
	const char *none;  /* what is written for no limit */
	const char *means; /* NULL: STANDING_MEANS */
	uint64_t term;	   /* of a container: its maker may have set this; 0: not */
	bool changed;	   /* and whoever changed the term since has set it in any case */
};

int standing_set_one(struct writer *writer, const char *name, const struct standing_setting *s,
		     struct error *err);

/*
 * What was found is put back, by whichever keeper; if that was the term itself, there is none from now on. What a cap has
 * found is left to be put back when that is lifted.
 */
int standing_take_back(struct writer *writer, const struct standing_setting *s, struct error *err);

/* Whether a term is to be set, or, whichever keeper has set it, to be taken back. */
bool standing_is_due(const struct standing_value *value, uint64_t wanted);

/* Of failures one after the other the first is told: RESULT with what is in ERR, or else R with WHY. */
int standing_first(int result, int r, const struct error *why, struct error *err);

/* The part of standing_set that is about disks: standing_disk.c. */
int standing_set_disks(struct writer *writer, const char *name, struct standing *standing,
		       const struct terms *terms, struct error *err);
/* What is set of them is not known any more. */
void standing_forget_disks(struct standing *standing);
