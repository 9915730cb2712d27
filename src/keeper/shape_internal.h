/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What shape.c and shape_root.c share. */
#include "keeper/link_place.h"
#include "keeper/shape.h"

#define SHAPE_QDISC QDISC_HANDLE(SHAPE_MAJOR, 0)

/* In the book, of an interface whose root is ours. */
#define SHAPE_ROOT "qdisc"

/* Of an interface there is nothing to be put back but that it was not there. */
int shape_note(const struct shaper *shaper, const struct link_place *where, int index,
	       const char *what, struct error *err);
int shape_note_at(const struct shaper *shaper, int index, const char *what, struct error *err);
bool shape_is_noted(const struct shaper *shaper, int index, const char *what, struct found *found);
void shape_forget_one(const struct shaper *shaper, int index, const char *what);
void shape_forget_ifb(const struct shaper *shaper, const char *name);
/* As shape_take_root; WHERE the book has it. */
int shape_note_root(const struct shaper *shaper, const struct link_place *where, const char *name,
		    int index, uint32_t default_minor, struct error *err);
/* Somebody else may have put another one in its place. */
int shape_drop_root(struct netlink *netlink, int index, struct error *err);
