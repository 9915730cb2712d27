/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The network terms of all workspaces: whoever made their links, they are found by the network namespaces of
 * their processes, and found again when they change. A workspace in the host's own network namespace has no
 * link of its own, and nothing of it can be kept.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "keeper/control.h"
#include "keeper/gate.h"
#include "keeper/writer.h"
#include "kernel/netlink_qdisc.h"
#include "plan/terms.h"

struct network;

/* Does nothing yet. WRITER must outlive it. UPLINK as in uplink_find. */
int network_open(struct network **network, struct writer *writer, const char *uplink,
		 struct error *err);
/*
 * What a killed keeper has set of links is taken back, but for those that this one has come to, and what may be for one
 * of the promises that are UNREADABLE (names of files; NULL: none), until UNTIL_NS (CLOCK_MONOTONIC; 0: all of it). True:
 * there is more.
 */
bool network_take_back(struct writer *writer, char *const *unreadable, uint64_t until_ns);
/*
 * The same of the links that an update comes to, at which others may have something too: those promises are UNREADABLE from now
 * on, which is kept until others are given.
 */
void network_spare(struct network *network, char *const *unreadable);
/* What was set stays. */
void network_close(struct network *network);

struct network_workspace {
	const char *name;
	const char *directory; /* of its control group: who it is, and where its processes are */
	char **places;	     /* its groups of all hierarchies that limit or bill CPU; may be NULL */
	const char *promise; /* the name of the file of its terms, for the book; may be NULL */
	const struct terms *terms;
};

/*
 * Brings what is set in line with the workspaces of LIST and the links they have now. To be called when the
 * list has changed, and about twice a second: a link that came or changed is seen then, and one that was there before
 * somebody of the workspace has joined its namespace within ten calls. What cannot be kept of a workspace is told by a
 * warning, once. Returns 1 when its time (network_work_until) was over before it was done: the next call goes on there,
 * soon.
 */
int network_update(struct network *network, const struct network_workspace *list, size_t n,
		   struct error *err);

/* When the next update has to end, by CLOCK_MONOTONIC; 0: when it is done. */
void network_work_until(struct network *network, uint64_t until_ns);

/*
 * Looks, each round, whether the uplink is so full that those who reserved something of it need it, or no longer is, and
 * sets what follows from that.
 */
int network_watch(struct network *network, uint64_t now_ns, struct error *err);
/* Nobody will watch any more: reserves have whatever they could need. */
int network_leave(struct network *network, struct error *err);

/* Whether the workspace has network terms or a gate, so that it is worth to be in the list. */
bool network_concerns(const struct terms *terms);

/*
 * Shuts the gate of a workspace, to be renewed each round: CORES may be spent on receiving; 0 opens it.
 * BEHALF_NS is what it has been charged so far for work elsewhere, from which what a packet costs is learned.
 */
void network_gate(struct network *network, const char *directory, double cores, uint64_t behalf_ns);

/* Reads what was let through, and judges what was promised by it. Twice a second, after network_update. */
void network_look(struct network *network, uint64_t now_ns);

/* How a reserve or a limit is kept, in bits/s; NULL: there is none. */
const struct control_truth *network_truth(const struct network *network, const char *directory,
					  enum terms_direction direction, bool reserve);

/* What a workspace has been let through by its limits, and what its gate dropped, since it was first seen. */
struct network_counts {
	struct qdisc_counts limited[TERMS_DIRECTIONS];
	struct qdisc_counts reserved[TERMS_DIRECTIONS]; /* by its classes at the uplink */
	struct gate_counts gate;
	bool gate_shut;
};
/* False: nothing is known of it. */
bool network_counts(const struct network *network, const char *directory,
		    struct network_counts *counts);
