/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How a network namespace is connected: the interfaces here whose other ends are in it. Asked of this side: what
 * the other one says of itself is not to be believed.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct netlink;

struct netlink_peer {
	int index;	/* here */
	int peer_index; /* of the other end, there */
	char name[IFNAMSIZ];
	char kind[16]; /* "veth", "netkit" */
};

/* All ends of pairs here whose other ends are in other namespaces. To list them is what is dear: a host may have many. */
struct netlink_pair;
struct netlink_pairs {
	struct netlink_pair *items;
	size_t n, room;
	bool lost; /* there was no memory for all */
};

/* *PAIRS, all zero or from the last call, is the caller's to netlink_pairs_clear. */
int netlink_pairs_list(struct netlink *netlink, struct netlink_pairs *pairs, struct error *err);
void netlink_pairs_clear(struct netlink_pairs *pairs);

/*
 * Of PAIRS, listed in NETLINK's namespace, those with the namespace NETNS_FD, at most MAX of them. None is no error.
 * -ENODEV: the two namespaces are not connected, or are the same one.
 */
int netlink_pairs_with(struct netlink *netlink, const struct netlink_pairs *pairs, int netns_fd,
		       struct netlink_peer *peers, size_t max, size_t *n, struct error *err);

/* Both at once, for one namespace. */
int netlink_peers_in(struct netlink *netlink, int netns_fd, struct netlink_peer *peers, size_t max,
		     size_t *n, struct error *err);
