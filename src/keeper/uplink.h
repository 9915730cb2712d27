/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reserves and shares at the host's uplink.
 *
 *	sent	 classes at its root, as long as there is so much to be sent that one could be in another's way
 *		 (contention.h): what passes a class is some percent slower. Until then it is only counted. Whose a
 *		 packet is, is in its mark and tc_index, as a program at the host's end of the workspace's link puts it:
 *		 addresses no longer tell, where the host translates them.
 *	arriving what it receives passes an ifb ("bhi" and its index), whose classes together carry a little less than
 *		 the uplink, so that packets wait there and not before it. Whose a packet is, is learned from what
 *		 is sent (bpf/gate.bpf.c). Senders that answer to what is lost or late send no more than
 *		 gets through; a flood of others has filled the uplink before anybody here can do anything.
 *		 Of a reserve that is used nothing is lent (classes.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "keeper/classes.h"
#include "keeper/contention.h"
#include "keeper/shape.h"

struct uplink {
	char name[IFNAMSIZ]; /* "": none */
	uint64_t rate_bps;   /* 0: not known */
	bool stays; /* nobody looks any more: what is reserved has its classes whatever is sent */
	/* uplink.c's own */
	int bridge; /* whose port it is, as of the last time it was looked for; 0: none */
	struct classes sent, arriving;
	struct contention contention;
	struct netlink_peer counted_link;  /* where what is sent is counted; index 0: nowhere */
	int sent_index;			   /* of the interface whose root is ours, 0: none */
	struct netlink_peer arriving_link; /* whose packets are redirected; index 0: none */
	struct netlink_peer known_link; /* at which it is known whose a packet is; index 0: none */
	struct netlink_peer
		gated_link; /* where what is for those whose gate is shut is dropped; index 0: nowhere */
};

/*
 * The host's uplink: TEXT, "eth0=1gbit" or "eth0", or with NULL the link of the default route; and what its driver
 * says it carries when TEXT does not. Without any the name is empty. -EINVAL for a TEXT that is no such thing.
 */
int uplink_find(const char *text, struct uplink *uplink, struct error *err);
struct topology;
/* The same where what the host has was read already. */
int uplink_choose(const char *text, const struct topology *host, struct uplink *uplink,
		  struct error *err);

/* Of an uplink's rate, what can be promised of what arrives. */
uint64_t uplink_arriving_bps(uint64_t rate_bps);

/* What a keeper before this one has set there is taken back. */
void uplink_take_back(const struct uplink *uplink, const struct shaper *shaper);

/*
 * Sets these classes and no others; with none of them the uplink gets its default back. -EBUSY: somebody else
 * shapes there. -ERANGE: more is reserved than there is. When it fails, what was there before stays, but for an
 * interface that is gone; nothing is set half.
 */
int uplink_set(struct uplink *uplink, const struct shaper *shaper, enum terms_direction direction,
	       const struct class_terms *list, size_t n, struct error *err);

/* Looks at how much it sends. True: uplink_set is to be called again for that. */
bool uplink_look(struct uplink *uplink, const struct shaper *shaper, uint64_t now_ns);

/* Looks at who uses a reserve of what arrives, and lends what nobody uses. */
int uplink_withhold(struct uplink *uplink, const struct shaper *shaper, uint64_t now_ns,
		    struct error *err);

/*
 * Drops, or no longer, where it arrives what is for those whose gate is shut. Without an uplink there is
 * nothing to be done.
 */
int uplink_gate(struct uplink *uplink, const struct shaper *shaper, bool wanted, struct error *err);

/* Whether anybody there reads the marks of packets; and whether what is learned of addresses at links is asked for. */
bool uplink_reads_marks(const struct uplink *uplink, const struct shaper *shaper);
bool uplink_asks_whose(const struct uplink *uplink, const struct shaper *shaper);

/* What the class of each NUMBER has let through, at COUNTS[NUMBER], where it has one; its gate counts the rest. */
int uplink_counts(const struct uplink *uplink, const struct shaper *shaper,
		  enum terms_direction direction, struct qdisc_counts *counts, size_t n,
		  struct error *err);

void uplink_clear(struct uplink *uplink);
