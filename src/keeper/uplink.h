/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reserves of what workspaces send to the outside: classes of HTB at the root of the host's uplink, one for each
 * workspace with a reserve, and one for everybody else together. Each has its rate for certain and may use all
 * that the others leave, in proportion to the shares.
 *
 * Whose a packet is, is in its mark, which a program at the host's end of the workspace's link puts there:
 * addresses no longer tell, where the host translates them.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "keeper/shape.h"

struct uplink {
	char name[IFNAMSIZ]; /* "": none */
	uint64_t rate_bps;   /* 0: not known */
	/* uplink.c's own */
	int index; /* of the interface whose root is ours, 0: none */
	uint64_t rest_bps;
	struct uplink_reserve *set;
	size_t n_set;
};

/*
 * The host's uplink: TEXT, "eth0=1gbit" or "eth0", or with NULL the link of the default route; and what its driver
 * says it carries when TEXT does not. Without any the name is empty. -EINVAL for a TEXT that is no such thing.
 */
int uplink_find(const char *text, struct uplink *uplink, struct error *err);

struct uplink_reserve {
	int number;	/* of the workspace's gate */
	uint32_t share; /* 0: TERMS_SHARE */
	uint64_t reserve_bps;
};

/*
 * Sets these reserves and no others; with none of them the uplink gets its default back. -EBUSY: somebody else
 * shapes there. -ERANGE: more is reserved than there is.
 */
int uplink_set(struct uplink *uplink, const struct shaper *shaper,
	       const struct uplink_reserve *reserves, size_t n, struct error *err);

/* What the class of NUMBER has let through. -ENOENT: it has none. */
int uplink_counts(const struct uplink *uplink, const struct shaper *shaper, int number,
		  struct qdisc_counts *counts);

void uplink_clear(struct uplink *uplink);
