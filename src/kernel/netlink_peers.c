// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel numbers the namespaces that a namespace has to do with (nsid, net/core/net_namespace.c), and
 * says of an end of a pair by that number where the other one is.
 */
#include "kernel/netlink_peers.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "kernel/netlink.h"

static int read_nsid(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attr;

	netlink_for_each(attr, message, sizeof(struct rtgenmsg)) {
		if (netlink_type(attr) == NETNSA_NSID)
			*(int32_t *)data = (int32_t)netlink_u32(attr);
	}
	return NETLINK_GO_ON;
}

static int find_nsid(struct netlink *netlink, int netns_fd, int32_t *nsid)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
	int r;

	*nsid = NETNSA_NSID_NOT_ASSIGNED;
	netlink_put_u32(request, NETNSA_FD, (uint32_t)netns_fd);
	r = netlink_query(netlink, request, read_nsid, nsid);
	return r < 0 ? r : *nsid < 0 ? -ENODEV : 0;
}

struct peers {
	int32_t nsid;
	struct netlink_peer *all;
	size_t max, n;
};

static void read_kind(const struct nlattr *attr, char *kind, size_t size)
{
	const struct nlattr *nested;

	netlink_for_each_nested(nested, attr) {
		if (netlink_type(nested) == IFLA_INFO_KIND)
			snprintf(kind, size, "%s", netlink_string(nested));
	}
}

static int see_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *info = netlink_payload(message);
	struct netlink_peer peer = {.index = info->ifi_index};
	int32_t nsid = NETNSA_NSID_NOT_ASSIGNED;
	struct peers *peers = data;
	const struct nlattr *attr;

	netlink_for_each(attr, message, sizeof(*info)) {
		switch (netlink_type(attr)) {
		case IFLA_IFNAME:
			snprintf(peer.name, sizeof(peer.name), "%s", netlink_string(attr));
			break;
		case IFLA_LINK:
			peer.peer_index = (int)netlink_u32(attr);
			break;
		case IFLA_LINK_NETNSID:
			nsid = (int32_t)netlink_u32(attr);
			break;
		case IFLA_LINKINFO:
			read_kind(attr, peer.kind, sizeof(peer.kind));
			break;
		}
	}
	/* a macvlan's parent may be elsewhere, too, and is no other end */
	if (nsid != peers->nsid ||
	    (strcmp(peer.kind, "veth") != 0 && strcmp(peer.kind, "netkit") != 0))
		return NETLINK_GO_ON;
	peers->all[peers->n++] = peer;
	return peers->n < peers->max ? NETLINK_GO_ON : NETLINK_STOP;
}

int netlink_peers_in(struct netlink *netlink, int netns_fd, struct netlink_peer *peers, size_t max,
		     size_t *n, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request =
		netlink_begin(buffer, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	struct peers found = {.all = peers, .max = max};
	int r = find_nsid(netlink, netns_fd, &found.nsid);

	if (r < 0)
		return error_errno(err, r, "find the network namespace's number");
	r = netlink_query(netlink, request, see_link, &found);
	if (r < 0)
		return error_errno(err, r, "list the interfaces");
	*n = found.n;
	return 0;
}
