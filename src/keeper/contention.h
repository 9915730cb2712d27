/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether something that carries so much has so much to carry that one could be in another's way: at once when it is more
 * than half of that between two looks, and no longer when it was not for half a minute. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

#define CONTENTION_PART 0.5
#define CONTENTION_LOOK_NS 20000000ull	  /* looks that are nearer to each other are none */
#define CONTENTION_REST_NS 30000000000ull /* until it is over */

struct contention {
	uint64_t bytes, at_ns; /* of the last look; 0: there was none */
	uint64_t until_ns;     /* 0: there is none */
};

static inline bool contention_is(const struct contention *c)
{
	return c->until_ns != 0;
}

/* BYTES is all that it has carried up to NOW_NS. True: it has begun, or is over. */
bool contention_look(struct contention *c, uint64_t rate_bps, uint64_t bytes, uint64_t now_ns);
