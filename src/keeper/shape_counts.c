// SPDX-License-Identifier: GPL-2.0-or-later
/* What is let through where something of ours is set. */
#include "keeper/shape.h"

int shape_all_counts(const struct shaper *shaper, netlink_take_root *take, void *data,
		     struct error *err)
{
	return netlink_qdisc_all_roots(shaper->netlink, QDISC_HANDLE(SHAPE_MAJOR, 0), take, data,
				       err);
}

void shape_add_passed(const struct shaper *shaper, const struct netlink_peer *link,
		      struct qdisc_counts *counts)
{
	uint64_t bytes, packets;

	if (!shaper->gates)
		return;
	gates_hold_counts(shaper->gates, link->index, &bytes, &packets);
	counts->bytes += bytes;
	counts->packets += packets;
}
