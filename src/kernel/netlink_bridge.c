// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink_bridge.h"

#include <arpa/inet.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
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
		if (netlink_type(attr) == NDA_VLAN && netlink_length(attr) >= sizeof(station.vlan))
			memcpy(&station.vlan, netlink_value(attr), sizeof(station.vlan));
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

/* ---- VLANs ---- */

static void read_option(const struct nlattr *attr, struct netlink_bridge_vlans *vlans)
{
	uint16_t protocol;

	if (netlink_type(attr) == IFLA_BR_VLAN_FILTERING && netlink_length(attr) >= 1)
		vlans->filters = *(const uint8_t *)netlink_value(attr) != 0;
	if (netlink_type(attr) != IFLA_BR_VLAN_PROTOCOL || netlink_length(attr) < sizeof(protocol))
		return;
	memcpy(&protocol, netlink_value(attr), sizeof(protocol));
	vlans->protocol = ntohs(protocol);
}

static int see_bridge(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attr, *info, *option;

	netlink_for_each(attr, message, sizeof(struct ifinfomsg)) {
		if (netlink_type(attr) != IFLA_LINKINFO)
			continue;
		netlink_for_each_nested(info, attr) {
			if (netlink_type(info) != IFLA_INFO_DATA)
				continue;
			netlink_for_each_nested(option, info)
				read_option(option, data);
		}
	}
	return NETLINK_STOP;
}

/* The one for what has no tag is never part of a range (br_vlan_can_enter_range in net/bridge/br_vlan.c). */
static int see_vlan(const struct nlmsghdr *message, void *data)
{
	struct netlink_bridge_vlans *vlans = data;
	const struct nlattr *attr, *nested;
	struct bridge_vlan_info info;

	netlink_for_each(attr, message, sizeof(struct br_vlan_msg)) {
		if (netlink_type(attr) != BRIDGE_VLANDB_ENTRY)
			continue;
		netlink_for_each_nested(nested, attr) {
			if (netlink_type(nested) != BRIDGE_VLANDB_ENTRY_INFO ||
			    netlink_length(nested) < sizeof(info))
				continue;
			memcpy(&info, netlink_value(nested), sizeof(info));
			if (info.flags & BRIDGE_VLAN_INFO_PVID)
				vlans->untagged = info.vid;
		}
	}
	return NETLINK_GO_ON;
}

static int read_untagged(struct netlink *netlink, int port, struct netlink_bridge_vlans *vlans)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request =
		netlink_begin(buffer, RTM_GETVLAN, NLM_F_DUMP, sizeof(struct br_vlan_msg));
	struct br_vlan_msg *about = netlink_payload(request);

	about->family = AF_BRIDGE;
	about->ifindex = (uint32_t)port;
	return netlink_query(netlink, request, see_vlan, vlans);
}

int netlink_bridge_vlans(struct netlink *netlink, int bridge, int port,
			 struct netlink_bridge_vlans *vlans, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *about = netlink_payload(request);
	struct netlink_bridge_vlans found = {.protocol = ETH_P_8021Q};
	int r;

	about->ifi_index = bridge;
	r = netlink_query(netlink, request, see_bridge, &found);
	if (r == 0 && found.filters)
		r = read_untagged(netlink, port, &found);
	if (r < 0)
		return error_errno(err, r, "ask the bridge of index %d for its VLANs", bridge);
	*vlans = found;
	return 0;
}
