/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Classes of HTB at the root of an interface: one for each workspace with a reserve or a share, one for everybody else
 * together. Each has its rate for certain and may use all that the others leave, in proportion to the shares.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keeper/shape.h"

struct class_terms {
	int number;	      /* of the workspace's gate */
	uint32_t share;	      /* 0: TERMS_SHARE */
	uint64_t reserve_bps; /* 0: none, and the least there can be */
};

struct class_set;

struct classes {
	enum terms_direction direction; /* in which a gate's program gives the classes */
	int index;			/* of the interface whose root is ours, 0: none */
	/* classes.c's own */
	uint64_t rate_bps, rest_bps;
	struct class_set *set;
	size_t n_set;
	uint16_t *at;	       /* where in SET, from 1 on, the one of a number is; 0: it has none */
	uint64_t withheld_bps; /* of the reserves, what is not lent */
	bool half_set;	       /* of that, some know and some do not */
};

/* The class of everybody else: the default, to be given to whoever makes the root. */
#define CLASSES_REST 2

/*
 * Sets these classes of LIST and no others, at the interface of INDEX, whose root is there and ours, and which carries
 * RATE_BPS. -ERANGE: more is reserved than that.
 */
int classes_set(struct classes *classes, const struct shaper *shaper, int index, uint64_t rate_bps,
		const struct class_terms *list, size_t n, struct error *err);

/* Whether LIST would fit. -ERANGE with a sentence about LINK. */
int classes_check(const char *link, uint64_t rate_bps, const struct class_terms *list, size_t n,
		  struct error *err);

/*
 * Looks at who uses its reserve. Of that nothing is lent, and for a second after: who comes over a wire by TCP has been
 * slowed by all that others have sent before, and does not ask for its reserve again until they send less.
 */
int classes_withhold(struct classes *classes, const struct shaper *shaper, uint64_t now_ns,
		     struct error *err);
/* Everything is lent. */
int classes_lend(struct classes *classes, const struct shaper *shaper, struct error *err);

/* Nobody has a class any more; the root is the caller's to take away. */
void classes_forget(struct classes *classes, const struct shaper *shaper);
void classes_clear(struct classes *classes);

/* What all of them have let through. COUNTS has the place of NUMBER at [NUMBER], N of them. */
int classes_counts(const struct classes *classes, const struct shaper *shaper,
		   struct qdisc_counts *counts, size_t n, struct error *err);
