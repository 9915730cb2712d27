// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink_link.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "kernel/netlink.h"

static void read_attribute(const struct nlattr *attr, struct netlink_link *link)
{
	const struct nlattr *nested;

	switch (netlink_type(attr)) {
	case IFLA_IFNAME:
		snprintf(link->name, sizeof(link->name), "%s", netlink_string(attr));
		break;
	case IFLA_ADDRESS:
		if (netlink_length(attr) == sizeof(link->address))
			memcpy(link->address, netlink_value(attr), sizeof(link->address));
		break;
	case IFLA_MASTER:
		link->master = (int)netlink_u32(attr);
		break;
	case IFLA_MTU:
		link->mtu = netlink_u32(attr);
		break;
	case IFLA_STATS64:
		/* aligned to four bytes only */
		if (netlink_length(attr) >= offsetof(struct rtnl_link_stats64, rx_errors))
			memcpy(&link->sent_bytes,
			       (const char *)netlink_value(attr) +
				       offsetof(struct rtnl_link_stats64, tx_bytes),
			       sizeof(link->sent_bytes));
		break;
	case IFLA_LINKINFO:
		netlink_for_each_nested(nested, attr) {
			if (netlink_type(nested) == IFLA_INFO_KIND)
				snprintf(link->kind, sizeof(link->kind), "%s",
					 netlink_string(nested));
		}
		break;
	}
}

static int read_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *info = netlink_payload(message);
	struct netlink_link *link = data;
	const struct nlattr *attr;

	*link = (struct netlink_link){.index = info->ifi_index, .up = info->ifi_flags & IFF_UP};
	netlink_for_each(attr, message, sizeof(*info))
		read_attribute(attr, link);
	return NETLINK_STOP;
}

int netlink_link_by_name(struct netlink *netlink, const char *name, struct netlink_link *link,
			 struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	struct netlink_link found = {0};
	int r;

	if (strlen(name) >= IFNAMSIZ)
		return error_errno(err, ENODEV, "find the interface '%s'", name);
	netlink_put_string(request, IFLA_IFNAME, name);
	r = netlink_query(netlink, request, read_link, &found);
	if (r < 0)
		return error_errno(err, r, "find the interface '%s'", name);
	*link = found;
	return 0;
}

int netlink_link_by_index(struct netlink *netlink, int index, struct netlink_link *link,
			  struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *info = netlink_payload(request);
	struct netlink_link found = {0};
	int r;

	info->ifi_index = index;
	r = netlink_query(netlink, request, read_link, &found);
	if (r < 0)
		return error_errno(err, r, "find the interface of index %d", index);
	*link = found;
	return 0;
}

struct port_count {
	int bridge;
	int ports;
};

static int count_port(const struct nlmsghdr *message, void *data)
{
	struct port_count *count = data;
	struct netlink_link link;

	read_link(message, &link);
	/* Asked for by IFLA_MASTER below, but kernels before 4.6 answer with all. */
	if (link.master == count->bridge)
		count->ports++;
	return NETLINK_GO_ON;
}

int netlink_link_count_ports(struct netlink *netlink, int bridge, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request =
		netlink_begin(buffer, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	struct port_count count = {.bridge = bridge};
	int r;

	netlink_put_u32(request, IFLA_MASTER, (uint32_t)bridge);
	r = netlink_query(netlink, request, count_port, &count);
	if (r < 0)
		return error_errno(err, r, "list the ports of the bridge of index %d", bridge);
	return count.ports;
}

/* No link-local address, hence no neighbour discovery from this interface (if_link.h). */
static void put_without_ipv6(struct nlmsghdr *request)
{
	struct nlattr *families = netlink_nest_begin(request, IFLA_AF_SPEC);
	struct nlattr *ipv6 = netlink_nest_begin(request, AF_INET6);

	netlink_put_u8(request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	netlink_nest_end(request, ipv6);
	netlink_nest_end(request, families);
}

/*
 * Makes the link REQUEST describes, silent in IPv6. A kernel without IPv6, or with it switched off,
 * refuses the option for that (EAFNOSUPPORT, EOPNOTSUPP); then there is nothing to silence.
 */
static int request_silent_link(struct netlink *netlink, struct nlmsghdr *request)
{
	uint32_t without_bytes = request->nlmsg_len;
	int r;

	put_without_ipv6(request);
	r = netlink_request(netlink, request);
	if (r == -EAFNOSUPPORT || r == -EOPNOTSUPP) {
		request->nlmsg_len = without_bytes;
		r = netlink_request(netlink, request);
	}
	return r;
}

int netlink_bridge_create(struct netlink *netlink, const char *name, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
						 sizeof(struct ifinfomsg));
	unsigned char address[6];
	struct nlattr *info, *options;
	int r;

	if (strlen(name) >= IFNAMSIZ)
		return error_errno(err, ENAMETOOLONG, "make the bridge '%s'", name);
	if (getrandom(address, sizeof(address), 0) != sizeof(address))
		return error_errno(err, errno, "make the bridge '%s'", name);
	address[0] = (unsigned char)((address[0] & 0xfc) | 0x02); /* local, not multicast */
	netlink_put_string(request, IFLA_IFNAME, name);
	netlink_put(request, IFLA_ADDRESS, sizeof(address), address);
	info = netlink_nest_begin(request, IFLA_LINKINFO);
	netlink_put_string(request, IFLA_INFO_KIND, "bridge");
	options = netlink_nest_begin(request, IFLA_INFO_DATA);
	netlink_put_u32(request, IFLA_BR_STP_STATE, 0);
	netlink_put_u8(request, IFLA_BR_MCAST_SNOOPING, 0);
	netlink_nest_end(request, options);
	netlink_nest_end(request, info);
	r = request_silent_link(netlink, request);
	if (r < 0)
		return error_errno(err, r, "make the bridge '%s'", name);
	return 0;
}

static void put_veth_peer(struct nlmsghdr *request, const struct netlink_veth_peer *peer)
{
	static const unsigned char random_address[6];
	struct nlattr *info = netlink_nest_begin(request, IFLA_LINKINFO);
	struct nlattr *options, *other;

	netlink_put_string(request, IFLA_INFO_KIND, "veth");
	options = netlink_nest_begin(request, IFLA_INFO_DATA);
	other = netlink_nest_begin(request, VETH_INFO_PEER);
	/* The peer is described as a request of its own, header included. */
	netlink_put_room(request, sizeof(struct ifinfomsg));
	netlink_put_string(request, IFLA_IFNAME, peer->name);
	netlink_put_u32(request, IFLA_NET_NS_FD, (uint32_t)peer->netns_fd);
	if (memcmp(peer->address, random_address, sizeof(random_address)) != 0)
		netlink_put(request, IFLA_ADDRESS, sizeof(peer->address), peer->address);
	netlink_nest_end(request, other);
	netlink_nest_end(request, options);
	netlink_nest_end(request, info);
}

int netlink_veth_create(struct netlink *netlink, const char *name, int master,
			const struct netlink_veth_peer *peer, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
						 sizeof(struct ifinfomsg));
	struct ifinfomsg *info = netlink_payload(request);
	int r;

	if (strlen(name) >= IFNAMSIZ || strlen(peer->name) >= IFNAMSIZ)
		return error_errno(err, ENAMETOOLONG, "make the interface '%s'", name);
	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	netlink_put_string(request, IFLA_IFNAME, name);
	if (master)
		netlink_put_u32(request, IFLA_MASTER, (uint32_t)master);
	put_veth_peer(request, peer);
	r = request_silent_link(netlink, request);
	if (r < 0)
		return error_errno(err, r, "make the interface '%s'", name);
	return 0;
}

int netlink_macvlan_create(struct netlink *netlink, int parent,
			   const struct netlink_veth_peer *inside, struct error *err)
{
	static const unsigned char random_address[6];
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
						 sizeof(struct ifinfomsg));
	struct nlattr *info, *options;
	int r;

	if (strlen(inside->name) >= IFNAMSIZ)
		return error_errno(err, ENAMETOOLONG, "make the interface '%s'", inside->name);
	netlink_put_string(request, IFLA_IFNAME, inside->name);
	netlink_put_u32(request, IFLA_LINK, (uint32_t)parent);
	netlink_put_u32(request, IFLA_NET_NS_FD, (uint32_t)inside->netns_fd);
	if (memcmp(inside->address, random_address, sizeof(random_address)) != 0)
		netlink_put(request, IFLA_ADDRESS, sizeof(inside->address), inside->address);
	info = netlink_nest_begin(request, IFLA_LINKINFO);
	netlink_put_string(request, IFLA_INFO_KIND, "macvlan");
	options = netlink_nest_begin(request, IFLA_INFO_DATA);
	netlink_put_u32(request, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	netlink_nest_end(request, options);
	netlink_nest_end(request, info);
	r = request_silent_link(netlink, request);
	if (r < 0)
		return error_errno(err, r, "make the macvlan interface '%s'", inside->name);
	return 0;
}

int netlink_link_set_up(struct netlink *netlink, int index, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *info = netlink_payload(request);
	int r;

	info->ifi_index = index;
	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	r = netlink_request(netlink, request);
	if (r < 0)
		return error_errno(err, r, "switch the interface of index %d on", index);
	return 0;
}

int netlink_link_delete(struct netlink *netlink, const char *name, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	int r;

	netlink_put_string(request, IFLA_IFNAME, name);
	r = netlink_request(netlink, request);
	if (r < 0 && r != -ENODEV)
		return error_errno(err, r, "remove the interface '%s'", name);
	return 0;
}

int netlink_link_set_group(struct netlink *netlink, const char *name, uint32_t group,
			   struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	int r;

	netlink_put_string(request, IFLA_IFNAME, name);
	netlink_put_u32(request, IFLA_GROUP, group);
	r = netlink_request(netlink, request);
	return r < 0 ? error_errno(err, r, "put the interface '%s' into a group", name) : 0;
}

int netlink_link_delete_group(struct netlink *netlink, uint32_t group, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	int r;

	netlink_put_u32(request, IFLA_GROUP, group);
	r = netlink_request(netlink, request);
	return r < 0 ? error_errno(err, r, "remove the interfaces of a group") : 0;
}
