/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Network interfaces: looking them up, making them, removing them. Sentences name the interface.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct netlink;

struct netlink_link {
	int index;
	int master; /* index of the bridge it is a port of, 0: none */
	bool up;    /* IFF_UP: it was switched on, not that it has a carrier */
	unsigned int mtu;
	uint64_t sent_bytes; /* since it is there */
	char name[IFNAMSIZ];
	char kind[16];		  /* "veth", "bridge", ...; empty for hardware */
	unsigned char address[6]; /* of the hardware, where it has one of that length */
};

/* -ENODEV when there is no such interface. */
int netlink_link_by_name(struct netlink *netlink, const char *name, struct netlink_link *link,
			 struct error *err);
int netlink_link_by_index(struct netlink *netlink, int index, struct netlink_link *link,
			  struct error *err);

/* How many ports the bridge of index BRIDGE has, or a negative errno. */
int netlink_link_count_ports(struct netlink *netlink, int bridge, struct error *err);

/*
 * A new bridge, switched off, without spanning tree and without IPv6 addresses of its own, so that
 * it stays silent. Its hardware address is random but fixed: a bridge without one of its own takes
 * that of a port, and changes it under its neighbours as ports come and go. -EEXIST.
 */
int netlink_bridge_create(struct netlink *netlink, const char *name, struct error *err);

/* The far end of a veth pair. */
struct netlink_veth_peer {
	const char *name;
	int netns_fd;		  /* a descriptor of its network namespace */
	unsigned char address[6]; /* hardware address; all zero: a random one */
};

/*
 * A new pair of veth interfaces in one step: NAME here, a port of the bridge of index MASTER (0: of
 * none) and switched on, and PEER, switched off. -EEXIST.
 */
int netlink_veth_create(struct netlink *netlink, const char *name, int master,
			const struct netlink_veth_peer *peer, struct error *err);

/*
 * A new macvlan interface in bridge mode on the interface of index PARENT, which it leaves as it is; switched
 * off, in the namespace of INSIDE, whose hardware address is taken if it is not zero. -EOPNOTSUPP where
 * the kernel has none.
 */
int netlink_macvlan_create(struct netlink *netlink, int parent,
			   const struct netlink_veth_peer *inside, struct error *err);

int netlink_link_set_up(struct netlink *netlink, int index, struct error *err);

/* 0 also when there is no such interface. The other end of a veth goes with it. */
int netlink_link_delete(struct netlink *netlink, const char *name, struct error *err);

/*
 * The kernel waits for all CPUs when interfaces go (rcu_barrier in netdev_run_todo, net/core/dev.c): 20 ms, for one as for all
 * of a group. -ENODEV: there is no interface of that name, or none in the group.
 */
int netlink_link_set_group(struct netlink *netlink, const char *name, uint32_t group,
			   struct error *err);
int netlink_link_delete_group(struct netlink *netlink, uint32_t group, struct error *err);
