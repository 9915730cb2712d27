/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How a network namespace is connected: the interfaces here whose other ends are in it. Asked of this side: what
 * the other one says of itself is not to be believed.
 */
#include <net/if.h>
#include <stddef.h>

#include "base/error.h"

struct netlink;

struct netlink_peer {
	int index;	/* here */
	int peer_index; /* of the other end, there */
	char name[IFNAMSIZ];
	char kind[16]; /* "veth", "netkit" */
};

/*
 * The interfaces of NETLINK's namespace that are ends of pairs with the namespace NETNS_FD, at most MAX of
 * them. None is no error. -ENODEV: the two namespaces are not connected, or are the same one.
 */
int netlink_peers_in(struct netlink *netlink, int netns_fd, struct netlink_peer *peers, size_t max,
		     size_t *n, struct error *err);
