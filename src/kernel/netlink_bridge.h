/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who is behind which port of a bridge, as the bridge itself knows (its forwarding database, bridge(8)), and its VLANs. */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct netlink;

struct netlink_station {
	int port; /* index of the interface to which the bridge sends what is for it */
	unsigned char address[6];
	uint16_t vlan; /* in which that is so; 0: the bridge has learned it without */
};

/*
 * Calls TAKE with each of the bridge of index BRIDGE, but for the bridge's own addresses; with one that is known in
 * more than one VLAN once for each. What is for an address that is not known goes into all ports.
 */
typedef void netlink_take_station(void *data, const struct netlink_station *station);
int netlink_bridge_stations(struct netlink *netlink, int bridge, netlink_take_station *take,
			    void *data, struct error *err);

/* How a bridge tells VLANs apart. */
struct netlink_bridge_vlans {
	bool filters;	   /* or every frame is of one and the same, whatever its tag */
	uint16_t protocol; /* of the tags that count: ETH_P_8021Q, ETH_P_8021AD */
	uint16_t
		untagged; /* which one a frame without a tag is of that comes by PORT; 0: it is dropped */
};

/* Of the bridge of index BRIDGE and of PORT, an interface that is a port of it. */
int netlink_bridge_vlans(struct netlink *netlink, int bridge, int port,
			 struct netlink_bridge_vlans *vlans, struct error *err);
