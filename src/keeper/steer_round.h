/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The part of the keeper's round that is about where the kernel works for others. */
#include <stdint.h>

#include "keeper/roster.h"
#include "keeper/writer.h"

struct steer_round {
	struct cpus steered; /* work was last moved away from here, if it could be, */
	uint64_t due_ns;     /* and from then on may be again */
};

/*
 * Work that is in the way of somebody with a reserve, and can be done elsewhere, is done elsewhere, before anybody
 * is throttled for it. With no other CPU there is no elsewhere. Not ten times a second for the same CPUs: whatever
 * disturbs for hours is looked for when a new link may have come.
 */
void steer_round(struct steer_round *round, struct writer *writer, struct roster *roster,
		 uint64_t now_ns);
