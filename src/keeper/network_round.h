/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The part of the keeper's round that is about networks. */
#include <stdbool.h>
#include <stdint.h>

#include "keeper/network.h"
#include "keeper/roster.h"
#include "keeper/writer.h"

struct network_round {
	const char *uplink;	 /* as in uplink_find */
	struct network *network; /* NULL: nobody has had network terms yet */
	uint64_t period_ns;	 /* of rounds */
	bool whole;		 /* all that is to be set is set at once, however long that takes */
	bool settled; /* nothing is left but what may be of promises that cannot be read, */
	unsigned int generation; /* by the roster as of then */
	uint64_t due_ns;	 /* when links are looked for next, */
	uint64_t look_due_ns;	 /* and what they have let through */
	bool failed;		 /* told */
};

/* This keeper ends, and nothing of what it has set is put back: it has to do by itself. */
void network_round_leave(struct network_round *round);

/*
 * Sets what the roster's workspaces have of network terms, twice a second, and their gates as the controller
 * decided. Where there is much to be set, for a part of each round until it is done. What fails is told by a warning, and tried again.
 */
void network_round(struct network_round *round, struct writer *writer, const struct roster *roster,
		   uint64_t now_ns);
