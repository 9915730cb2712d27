/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What network.c and network_*.c share. */
#include "keeper/netspaces.h"
#include "keeper/network.h"
#include "keeper/rate.h"
#include "keeper/shape.h"
#include "keeper/stations.h"
#include "keeper/uplink.h"
#include "kernel/netlink_peers.h"
#include "kernel/netlink_watch.h"

#define LINKS_MAX 8

/* What receiving a packet costs until it is known. */
#define PACKET_NS 2000.0

struct attached {
	struct netlink_peer link;
	struct shape now;
	bool threaded;
	bool taken; /* what a keeper before this one has set there is no more */
};

struct workspace {
	char *name, *directory;
	char *promise; /* the name of the file of its terms; NULL: not known */
	uint64_t hash; /* of directory */
	struct terms terms;
	char **places;	/* as of the list, while it is gone through */
	int number;	/* of its gate, negative: none */
	bool not_found; /* its links cannot be looked for, */
	bool failed;	/* or something cannot be set there, */
	bool told;	/* and that was said */
	bool tried;	/* to set what is promised; until then nothing is kept */
	bool listed;
	bool due;	       /* its links are to be looked for, */
	bool turn;	       /* or whether its processes are where they were */
	unsigned int searches; /* while no link was known */
	/* its namespaces, all of them, as they were found last */
	ino_t spaces[NETSPACES_MAX];
	size_t n_spaces;
	bool spaces_known;
	/* the numbers of them (netlink_peers.h), and whether there are more that had none */
	int numbers[NETSPACES_MAX];
	size_t n_numbers;
	bool unnumbered;
	struct attached links[LINKS_MAX];
	size_t n_links;
	/* since its links were looked for, to have them received by threads: whose namespace is not found waits until then */
	bool threads_tried;
	/* what its packets cost: as of when that was learned last */
	double packet_ns;
	uint64_t behalf_ns, passed;
	/* as of the last look */
	struct network_counts counts;
	struct rate_truth reserve[TERMS_DIRECTIONS], limit[TERMS_DIRECTIONS];
};

struct network {
	struct shaper shaper;
	struct uplink uplink;
	struct stations stations;
	struct netlink_pairs pairs; /* of the host, */
	bool pairs_listed;	    /* once, */
	bool pairs_anew;	    /* and by this update */
	struct netlink_watch watch; /* of them */
	unsigned int updates;
	uint64_t until_ns;	    /* when an update has to end, 0: when it is done; */
	uint64_t began_ns;	    /* this one, */
	uint64_t part_until_ns;	    /* and when this part of it has to end */
	bool worked, late;	    /* in this part something was done, and no more can be */
	bool unfinished;	    /* the update is, */
	bool goes_on;		    /* and the one before it was */
	size_t find_from, set_from; /* where the last one has stopped */
	bool uplink_told[TERMS_DIRECTIONS], gate_told, stations_told;
	char *const *unreadable; /* names of the files of promises; NULL: all are known */
	bool programs_tried;	 /* to be loaded, for what works without them */
	struct error no_gates;	 /* why they could not be, for what does not, by this update */
	struct workspace *workspaces;
	size_t n;
	uint32_t
		*slots; /* places in workspaces by directory; a power of two of them, or none yet */
	size_t n_slots;
	unsigned int looks;
};

/* At the uplink it has a class of its own. */
bool network_has_class(const struct terms_net *terms);
/* Its packets are told by a number. What arrives is known by what was sent. */
bool network_is_numbered(const struct terms *terms);

/* NULL: it has no network terms. */
struct workspace *network_find(const struct network *network, const char *directory);

/* ---- network_links.c ---- */

/* Whether there is reason to look for its links again, */
bool network_links_are_due(const struct network *network, struct workspace *workspace);
/* and, by turns, to look whether there is: its processes may have gone to a namespace whose links were there before. */
bool network_has_turn(const struct network *network, const struct workspace *workspace);
bool network_is_where_it_was(struct workspace *workspace);
int network_find_links(const struct network *network, struct workspace *workspace,
		       struct error *err);
/* A link that is gone, or somebody else's by now, leaves its ifb behind; of one that is there all is taken back. */
void network_let_go(const struct network *network, struct workspace *workspace,
		    struct attached *gone);
/* What is noted of its links for it is there for PROMISE from now on; to be called before its own is another one. */
int network_set_promise(const struct network *network, const struct workspace *workspace,
			const char *promise, struct error *err);
/* Whether there is nothing to be done by network_set_links. */
bool network_links_are_set(const struct network *network, const struct workspace *workspace);
int network_set_links(const struct network *network, struct workspace *workspace,
		      struct error *err);

/* ---- network_uplink.c ---- */

int network_set_classes(struct network *network, enum terms_direction direction, struct error *err);
/* Also where it arrives, if that is known; at the links it is dropped in any case. */
void network_set_uplink_gate(struct network *network);
/* Where the uplink is a bridge's port, and something there asks whose what arrives is. */
int network_follow_stations(struct network *network, struct error *err);
