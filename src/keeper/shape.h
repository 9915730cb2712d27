/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Shaping at the host's end of one link of a workspace. The kernel can only hold back what it sends, so
 *
 *	ingress	what the host sends into the link waits in a class of HTB at its root
 *	egress	what the host receives from it is redirected through an ifb ("bhe" and the link's
 *		index), and waits in a class there
 *	gate	what the host sends into it passes the gate's program first
 *
 * All of it goes with the link, but for the ifb.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "bpf/gate.h"
#include "keeper/gate.h"
#include "keeper/writer.h"
#include "kernel/netlink_peers.h"
#include "kernel/netlink_qdisc.h"

struct netlink;

/* The major number of our qdiscs, and the priority of our filters: others can tell, and so can we. */
#define SHAPE_MAJOR GATE_QDISC_MAJOR
#define SHAPE_PRIORITY 0xbe1f

/* Of its entries in the book. */
#define SHAPE_MEANS "link"
/* And what it is of one that is about an ifb, which is where that says. */
#define SHAPE_IFB_NOTED "ifb"

/* Whose arriving packets an ifb holds back: the letter is in its name, with the index of the link. */
enum shape_ifb_use {
	SHAPE_IFB_LINK = 'e',
	SHAPE_IFB_UPLINK = 'i',
};

struct shape_ifb {
	char name[IFNAMSIZ];
};

struct shape_ifb shape_ifb_of(enum shape_ifb_use use, int index);

struct shape {
	uint64_t ingress_limit_bps, egress_limit_bps; /* bits per second, 0: none */
	bool gate;
	bool mark;  /* what is received from it carries the workspace's number */
	bool learn; /* addresses of what is sent into it are learned as the workspace's */
	int ifb;    /* of what is there: the index of the ifb of its egress limit */
};

struct shaper {
	struct netlink *netlink; /* of the host */
	struct writer *writer;
	struct gates *gates; /* NULL: no link has a gate */
};

/*
 * Makes NOW what is there of the link WANTED, on behalf of workspace NAME, whose gate has NUMBER. *NOW follows as far as
 * it went; of what failed nothing is left. -EBUSY: somebody else shapes there. -ENODEV: the link is gone.
 */
int shape_link(const struct shaper *shaper, const char *name, const struct netlink_peer *link,
	       int number, const struct shape *wanted, struct shape *now, struct error *err);

/* Whether there is nothing to be done for WANTED. */
bool shape_is(const struct shape *now, const struct shape *wanted);

/* Who else may need what is at a link. */
struct shape_others {
	/*
	 * Names of files of promises that cannot be read; NULL: there are none. What may be for one of them stays as if a
	 * keeper before this one had left it.
	 */
	char *const *unreadable;
	bool shared; /* somebody else whose link it is has something there, which the book has to keep */
};

/* What GONE has had is in *NOW no more. */
void shape_lacks(struct shape *now, const struct shape *gone);
/* Nor what *NOW says itself. */
void shape_lacks_all(struct shape *now);

/*
 * Takes back what *NOW says, and forgets what the book has of it. Of a link that is gone there is the ifb left; of
 * one that is there, also the place for filters goes, if that is ours and nobody else uses it.
 */
int shape_let_go(const struct shaper *shaper, const char *name, const struct netlink_peer *link,
		 int number, const struct shape_others *others, struct shape *now,
		 struct error *err);

/* Our HTB at its root goes, if it is there, and the book forgets it. */
int shape_leave_root(const struct shaper *shaper, int index, struct error *err);

/* -EBUSY: somebody else's is at the root. */
int shape_check_root(const struct shaper *shaper, const char *link, int index, struct error *err);

/*
 * Makes our HTB the root of an interface, in place of the kernel's default only; DEFAULT_MINOR as in
 * netlink_qdisc_add_htb. 0 when it is there. -EBUSY: somebody else has one there.
 */
int shape_take_root(const struct shaper *shaper, const char *link, int index,
		    uint32_t default_minor, struct error *err);

/*
 * An ifb NAME, for what the interface of INDEX receives, with our HTB at its root; *IFB is its index. There already: as it
 * is.
 */
int shape_make_ifb(const struct shaper *shaper, const char *name, int index, uint32_t default_minor,
		   int *ifb, struct error *err);
/* From now on what the host receives from LINK passes that ifb. */
int shape_redirect(const struct shaper *shaper, const struct netlink_peer *link, int ifb,
		   struct error *err);
/* And no longer; the ifb NAME goes, and the book forgets both. */
int shape_redirect_end(const struct shaper *shaper, const struct netlink_peer *link,
		       const char *name, struct error *err);
/* Learns of connections at LINK, the uplink, or no longer. */
int shape_learn_at_uplink(const struct shaper *shaper, const struct netlink_peer *link, bool on,
			  struct error *err);
/* What arrives at LINK, the uplink, passes the gates of those whose it is, or no longer. */
int shape_gate_at_uplink(const struct shaper *shaper, const struct netlink_peer *link, bool on,
			 struct error *err);
/* What it receives passes the ifb only when there is more than BPS of it; 0: all does. */
int shape_hold_at_uplink(const struct shaper *shaper, const struct netlink_peer *link, uint64_t bps,
			 struct error *err);
/* What LINK, the uplink, sends is counted while no class does, or no longer. */
int shape_count_at_uplink(const struct shaper *shaper, const struct netlink_peer *link, bool on,
			  struct error *err);
/* The place for filters goes, if it is ours and nobody uses it any more. */
int shape_leave_place(const struct shaper *shaper, const struct netlink_peer *link,
		      struct error *err);

/* Whether this kernel can limit links: tried in a network namespace of its own. -EOPNOTSUPP with a sentence. */
int shape_probe(struct error *err);

/*
 * What all interfaces at whose roots an HTB of ours is have let through by it, at one go: TAKE is called with the index
 * of each, which for an egress limit is that of the link's ifb.
 */
int shape_all_counts(const struct shaper *shaper, netlink_take_root *take, void *data,
		     struct error *err);
/* And what is received from LINK that has passed its ifb by. */
void shape_add_passed(const struct shaper *shaper, const struct netlink_peer *link,
		      struct qdisc_counts *counts);

/* Takes one entry of the book back: what was set on a link. For writer.c. */
int shape_undo(const struct found *found, struct error *err);

/* Whether that is of an ifb of ours, and goes with it. */
bool shape_is_of_ifb(const struct book *book, const struct found *found);
/* Takes all ifbs back that the book has, in one go; what leads to them is gone already. */
int shape_undo_ifbs(struct book *book, struct error *err);
