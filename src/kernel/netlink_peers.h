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

/* Whether a link of this kind is an end of a pair. */
bool netlink_is_pair(const char *kind);

/* All ends of pairs here whose other ends are in other namespaces. To list them is what is dear: a host may have many. */
struct netlink_pair;
struct netlink_pairs {
	struct netlink_pair *items; /* by the number of the namespace of the other end */
	size_t n, room;
	bool lost; /* there was no memory for all */
};

/* *PAIRS, all zero or from the last call, is the caller's to netlink_pairs_clear. */
int netlink_pairs_list(struct netlink *netlink, struct netlink_pairs *pairs, struct error *err);
void netlink_pairs_clear(struct netlink_pairs *pairs);

/*
 * By what number NETLINK's namespace knows the namespace NETNS_FD, as long as both are there. -ENODEV: it does not, so
 * that they are not connected, or they are the same one.
 */
int netlink_namespace_number(struct netlink *netlink, int netns_fd, int *number, struct error *err);

/* Of PAIRS, listed in a namespace that knows the other one by NUMBER, those with it, at most MAX of them; how many. */
size_t netlink_pairs_with(const struct netlink_pairs *pairs, int number, struct netlink_peer *peers,
			  size_t max);

/* All of that at once, for one namespace. None is no error. */
int netlink_peers_in(struct netlink *netlink, int netns_fd, struct netlink_peer *peers, size_t max,
		     size_t *n, struct error *err);
