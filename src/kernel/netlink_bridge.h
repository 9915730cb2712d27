/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who is behind which port of a bridge, as the bridge itself knows (its forwarding database, bridge(8)). */
#include <stdint.h>

#include "base/error.h"

struct netlink;

struct netlink_station {
	int port; /* index of the interface to which the bridge sends what is for it */
	unsigned char address[6];
};

/*
 * Calls TAKE with each of the bridge of index BRIDGE, but for the bridge's own addresses; with one that is known in
 * more than one VLAN once for each. What is for an address that is not known goes into all ports.
 */
typedef void netlink_take_station(void *data, const struct netlink_station *station);
int netlink_bridge_stations(struct netlink *netlink, int bridge, netlink_take_station *take,
			    void *data, struct error *err);
