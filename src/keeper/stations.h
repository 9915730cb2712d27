/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whose what arrives is where the uplink is a port of a bridge: what is for a workspace then has the hardware address
 * of an interface of its own, and the bridge knows behind which port, and so behind which link, that is. The gates'
 * programs are told of each (gates_set_station); whoever has another's address has what is for it, too.
 */
#include <stddef.h>

#include "base/error.h"
#include "keeper/gate.h"
#include "kernel/netlink_bridge.h"

struct netlink;
struct station;

struct stations {
	struct station *items; /* by address and VLAN */
	size_t n;
	struct netlink_bridge_vlans vlans;
};

/* The bridge, and that port of it which is the uplink, by index. */
struct station_bridge {
	int bridge; /* 0: there is none, and nobody is known */
	int port;
};

/* The interface of index PORT is a link of the workspace with NUMBER. */
struct station_port {
	int port, number;
	size_t n_addresses; /* counted by stations_follow */
};

/*
 * Brings what the programs know in line with the bridge of AT, of whose ports these N of PORTS are workspaces', in any
 * order.
 */
int stations_follow(struct stations *stations, struct netlink *netlink, struct gates *gates,
		    const struct station_bridge *at, struct station_port *ports, size_t n,
		    struct error *err);
void stations_clear(struct stations *stations);
