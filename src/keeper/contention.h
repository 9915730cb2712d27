/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether something that carries so much has so much to carry that it matters: at once when it is more than some bound
 * between two looks, and no longer when it was not for some time. Of an uplink that is more than half of what it carries,
 * when one could be in another's way, and half a minute; of a reserve, most of it, and a second. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

#define CONTENTION_PART 0.5
#define CONTENTION_LOOK_NS 20000000ull /* looks that are nearer to each other are none */
#define CONTENTION_REST_NS 30000000000ull

struct contention {
	uint64_t bytes, at_ns; /* of the last look; 0: there was none */
	uint64_t until_ns;     /* 0: there is none */
};

static inline bool contention_is(const struct contention *c)
{
	return c->until_ns != 0;
}

struct contention_bounds {
	uint64_t above_bps;
	uint64_t rest_ns; /* until it is over */
};

/* BYTES is all that it has carried up to NOW_NS. True: it has begun, or is over. */
bool contention_look(struct contention *c, const struct contention_bounds *bounds, uint64_t bytes,
		     uint64_t now_ns);
