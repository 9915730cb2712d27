/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reserves of containers that are in groups of others: a weight counts among siblings only, so that of the groups above
 * has to be raised as well. It is raised by what the reserve is being asked for, and not by all of it: while its
 * container sleeps, others in the same group are not to have it.
 */
#include <stddef.h>

#include "keeper/roster.h"
#include "keeper/writer.h"

#define ABOVE_MEANS "above"

struct above_group;

/* All zero at first. */
struct above {
	struct above_group *groups;
	size_t n;
	unsigned int generation; /* of the roster it was made from */
};

/* Once in each round, after the controller. */
void above_round(struct above *above, struct writer *writer, const struct roster *roster);
/* What was set stays. */
void above_clear(struct above *above);
