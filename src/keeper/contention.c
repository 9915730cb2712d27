// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/contention.h"

bool contention_look(struct contention *c, const struct contention_bounds *bounds, uint64_t bytes,
		     uint64_t now_ns)
{
	bool was = contention_is(c), full;
	double seconds = (double)(now_ns - c->at_ns) / 1e9;

	if (c->at_ns && now_ns - c->at_ns < CONTENTION_LOOK_NS)
		return false;
	/* another interface counts from the beginning */
	full = c->at_ns && bytes > c->bytes &&
	       (double)(bytes - c->bytes) * 8 > (double)bounds->above_bps * seconds;
	c->bytes = bytes;
	c->at_ns = now_ns;
	if (full)
		c->until_ns = now_ns + bounds->rest_ns;
	else if (now_ns >= c->until_ns)
		c->until_ns = 0;
	return contention_is(c) != was;
}
