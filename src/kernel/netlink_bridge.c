// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink_bridge.h"

#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/netlink.h"

struct stations {
	netlink_take_station *take;
	void *data;
};

/*
 * A dump has also what the ports themselves listen to, which is of no master, and the addresses of the bridge and its
 * ports, which are permanent (net/bridge/br_fdb.c, fdb_to_nud).
 */
static int see_station(const struct nlmsghdr *message, void *data)
{
	const struct ndmsg *about = netlink_payload(message);
	struct netlink_station station = {.port = about->ndm_ifindex};
	bool of_bridge = false, has_address = false;
	const struct stations *stations = data;
	const struct nlattr *attr;

	netlink_for_each(attr, message, sizeof(*about)) {
		if (netlink_type(attr) == NDA_MASTER)
			of_bridge = true;
		if (netlink_type(attr) != NDA_LLADDR ||
		    netlink_length(attr) != sizeof(station.address))
			continue;
		memcpy(station.address, netlink_value(attr), sizeof(station.address));
		has_address = true;
	}
	if (of_bridge && has_address && !(about->ndm_state & NUD_PERMANENT))
		stations->take(stations->data, &station);
	return NETLINK_GO_ON;
}

int netlink_bridge_stations(struct netlink *netlink, int bridge, netlink_take_station *take,
			    void *data, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request =
		netlink_begin(buffer, RTM_GETNEIGH, NLM_F_DUMP, sizeof(struct ifinfomsg));
	struct ifinfomsg *about = netlink_payload(request);
	struct stations stations = {take, data};
	int r;

	about->ifi_family = AF_BRIDGE;
	netlink_put_u32(request, IFLA_MASTER, (uint32_t)bridge);
	r = netlink_query(netlink, request, see_station, &stations);
	return r < 0 ? error_errno(err, r, "list who is behind the bridge of index %d", bridge) : 0;
}
