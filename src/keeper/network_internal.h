/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What network.c and network_look.c share. */
#include "keeper/network.h"
#include "keeper/rate.h"
#include "keeper/shape.h"
#include "keeper/stations.h"
#include "keeper/uplink.h"

#define LINKS_MAX 8

/* What receiving a packet costs until it is known. */
#define PACKET_NS 2000.0

struct attached {
	struct netlink_peer link;
	struct shape now;
	bool threaded;
};

struct workspace {
	char *name, *directory;
	uint64_t hash; /* of directory */
	struct terms terms;
	char **places; /* as of the list, while it is gone through */
	int number;    /* of its gate, negative: none */
	bool failed;   /* something cannot be kept of it, */
	bool told;     /* and that was said */
	bool listed;
	unsigned int searches; /* while no link was known */
	struct attached links[LINKS_MAX];
	size_t n_links;
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
	struct netlink_pairs pairs; /* of the host, as of this update */
	unsigned int updates;
	bool uplink_told[TERMS_DIRECTIONS], gate_told, stations_told;
	bool programs_tried; /* to be loaded, for what works without them */
	struct workspace *workspaces;
	size_t n;
	unsigned int looks;
};

/* NULL: it has no network terms. */
struct workspace *network_find(const struct network *network, const char *directory);
