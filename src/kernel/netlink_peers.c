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
#include <stdlib.h>
#include <string.h>

#include "kernel/netlink.h"

#define TRIES 3

static int read_nsid(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attr;

	netlink_for_each(attr, message, sizeof(struct rtgenmsg)) {
		if (netlink_type(attr) == NETNSA_NSID)
			*(int32_t *)data = (int32_t)netlink_u32(attr);
	}
	return NETLINK_GO_ON;
}

int netlink_namespace_number(struct netlink *netlink, int netns_fd, int *number, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
	int32_t nsid = NETNSA_NSID_NOT_ASSIGNED;
	int r;

	netlink_put_u32(request, NETNSA_FD, (uint32_t)netns_fd);
	r = netlink_query(netlink, request, read_nsid, &nsid);
	if (r == 0 && nsid < 0)
		r = -ENODEV;
	if (r < 0)
		return error_errno(err, r, "find the network namespace's number");
	*number = nsid;
	return 0;
}

struct netlink_pair {
	int32_t nsid;
	struct netlink_peer peer;
};

void netlink_pairs_clear(struct netlink_pairs *pairs)
{
	free(pairs->items);
	*pairs = (struct netlink_pairs){0};
}

static int append(struct netlink_pairs *pairs, const struct netlink_pair *pair)
{
	if (pairs->n == pairs->room) {
		size_t room = pairs->room ? pairs->room * 2 : 16;
		struct netlink_pair *more = reallocarray(pairs->items, room, sizeof(*more));

		pairs->lost |= !more;
		if (!more)
			return NETLINK_STOP;
		pairs->items = more;
		pairs->room = room;
	}
	pairs->items[pairs->n++] = *pair;
	return NETLINK_GO_ON;
}

static void read_kind(const struct nlattr *attr, char *kind, size_t size)
{
	const struct nlattr *nested;

	netlink_for_each_nested(nested, attr) {
		if (netlink_type(nested) == IFLA_INFO_KIND)
			snprintf(kind, size, "%s", netlink_string(nested));
	}
}

bool netlink_is_pair(const char *kind)
{
	return strcmp(kind, "veth") == 0 || strcmp(kind, "netkit") == 0;
}

static int see_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *info = netlink_payload(message);
	struct netlink_pair pair = {.nsid = NETNSA_NSID_NOT_ASSIGNED,
				    .peer.index = info->ifi_index};
	struct netlink_peer *peer = &pair.peer;
	const struct nlattr *attr;

	netlink_for_each(attr, message, sizeof(*info)) {
		switch (netlink_type(attr)) {
		case IFLA_IFNAME:
			snprintf(peer->name, sizeof(peer->name), "%s", netlink_string(attr));
			break;
		case IFLA_LINK:
			peer->peer_index = (int)netlink_u32(attr);
			break;
		case IFLA_LINK_NETNSID:
			pair.nsid = (int32_t)netlink_u32(attr);
			break;
		case IFLA_LINKINFO:
			read_kind(attr, peer->kind, sizeof(peer->kind));
			break;
		}
	}
	/* a macvlan's parent may be elsewhere, too, and is no other end */
	if (pair.nsid < 0 || !netlink_is_pair(peer->kind))
		return NETLINK_GO_ON;
	return append(data, &pair);
}

static int list_once(struct netlink *netlink, struct netlink_pairs *pairs)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request =
		netlink_begin(buffer, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));

	pairs->n = 0;
	pairs->lost = false;
	/* to add counters up over all CPUs is half of the work */
	netlink_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return netlink_query(netlink, request, see_link, pairs);
}

static int by_number(const void *a, const void *b)
{
	const struct netlink_pair *x = a, *y = b;
	int order = (x->nsid > y->nsid) - (x->nsid < y->nsid);

	return order ? order : x->peer.index - y->peer.index;
}

int netlink_pairs_list(struct netlink *netlink, struct netlink_pairs *pairs, struct error *err)
{
	int r = -EINTR;

	/* links come and go, while others are listed, too */
	for (int tries = 0; r == -EINTR && tries < TRIES; tries++)
		r = list_once(netlink, pairs);
	if (pairs->lost)
		return error_oom(err);
	if (r < 0)
		return error_errno(err, r, "list the interfaces");
	if (pairs->n)
		qsort(pairs->items, pairs->n, sizeof(*pairs->items), by_number);
	return 0;
}

size_t netlink_pairs_with(const struct netlink_pairs *pairs, int number, struct netlink_peer *peers,
			  size_t max)
{
	size_t low = 0, high = pairs->n, found = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pairs->items[middle].nsid < number)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < pairs->n && pairs->items[low].nsid == number && found < max; low++)
		peers[found++] = pairs->items[low].peer;
	return found;
}

int netlink_peers_in(struct netlink *netlink, int netns_fd, struct netlink_peer *peers, size_t max,
		     size_t *n, struct error *err)
{
	struct netlink_pairs pairs = {0};
	int number, r = netlink_pairs_list(netlink, &pairs, err);

	if (r == 0)
		r = netlink_namespace_number(netlink, netns_fd, &number, err);
	if (r == 0)
		*n = netlink_pairs_with(&pairs, number, peers, max);
	netlink_pairs_clear(&pairs);
	return r;
}
