// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink_move.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"

/* Who has more than these on one interface has not thought of moving it. */
#define ADDRESSES_MAX 256

struct address_value {
	uint16_t length; /* 0: there is none */
	unsigned char bytes[16];
};

struct address {
	unsigned char family, prefix;
	uint32_t flags; /* IFA_F_* */
	struct address_value local, address, broadcast;
};

struct addresses {
	int index;
	size_t n;
	bool overflow;
	struct address all[ADDRESSES_MAX];
};

static void keep_value(const struct nlattr *attr, struct address_value *value)
{
	uint16_t length = netlink_length(attr);

	if (length > sizeof(value->bytes))
		return;
	value->length = length;
	memcpy(value->bytes, netlink_value(attr), length);
}

static void read_values(const struct nlmsghdr *message, struct address *a)
{
	const struct ifaddrmsg *info = netlink_payload(message);
	const struct nlattr *attr;

	*a = (struct address){
		.family = info->ifa_family,
		.prefix = info->ifa_prefixlen,
		.flags = info->ifa_flags,
	};
	netlink_for_each(attr, message, sizeof(*info)) {
		switch (netlink_type(attr)) {
		case IFA_LOCAL:
			keep_value(attr, &a->local);
			break;
		case IFA_ADDRESS:
			keep_value(attr, &a->address);
			break;
		case IFA_BROADCAST:
			keep_value(attr, &a->broadcast);
			break;
		case IFA_FLAGS:
			a->flags = netlink_u32(attr);
			break;
		}
	}
}

/* What came by DHCP or router advertisements, and link-local ones, belong to where it was. */
static int see_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *info = netlink_payload(message);
	struct addresses *seen = data;
	struct address a;

	if ((int)info->ifa_index != seen->index || info->ifa_scope != RT_SCOPE_UNIVERSE)
		return NETLINK_GO_ON;
	read_values(message, &a);
	if (!(a.flags & IFA_F_PERMANENT))
		return NETLINK_GO_ON;
	if (seen->n == ADDRESSES_MAX) {
		seen->overflow = true;
		return NETLINK_STOP;
	}
	seen->all[seen->n++] = a;
	return NETLINK_GO_ON;
}

static int read_addresses(struct netlink *netlink, struct addresses *seen)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request =
		netlink_begin(buffer, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	int r = netlink_query(netlink, request, see_address, seen);

	return r < 0 ? r : seen->overflow ? -E2BIG : 0;
}

static void put_value(struct nlmsghdr *request, uint16_t type, const struct address_value *value)
{
	if (value->length)
		netlink_put(request, type, value->length, value->bytes);
}

static int add_address(struct netlink *netlink, int index, const struct address *a)
{
	const uint32_t kept = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_NOPREFIXROUTE;
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE,
						 sizeof(struct ifaddrmsg));
	struct ifaddrmsg *info = netlink_payload(request);

	info->ifa_family = a->family;
	info->ifa_prefixlen = a->prefix;
	info->ifa_scope = RT_SCOPE_UNIVERSE;
	info->ifa_index = (unsigned int)index;
	netlink_put_u32(request, IFA_FLAGS, a->flags & kept);
	put_value(request, IFA_LOCAL, &a->local);
	put_value(request, IFA_ADDRESS, &a->address);
	put_value(request, IFA_BROADCAST, &a->broadcast);
	return netlink_request(netlink, request);
}

static int set_link(struct netlink *netlink, int index, const char *name, int netns_fd)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *info = netlink_payload(request);

	info->ifi_index = index;
	if (netns_fd >= 0)
		netlink_put_u32(request, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	netlink_put_string(request, IFLA_IFNAME, name);
	return netlink_request(netlink, request);
}

static int settle(const struct netlink_move *move, const struct addresses *addresses,
		  struct error *err)
{
	struct netlink_link link;
	int r = netlink_link_by_name(move->to, move->wanted_name, &link, err);

	for (size_t i = 0; r == 0 && !move->bare && i < addresses->n; i++) {
		r = add_address(move->to, link.index, &addresses->all[i]);
		if (r < 0)
			return error_errno(err, r, "give '%s' its addresses back",
					   move->wanted_name);
	}
	return r == 0 && move->up ? netlink_link_set_up(move->to, link.index, err) : r;
}

int netlink_link_move(const struct netlink_move *move, struct error *err)
{
	_cleanup_free_ struct addresses *addresses = calloc(1, sizeof(*addresses));
	struct netlink_link link, other;
	int r;

	if (!addresses)
		return error_oom(err);
	r = netlink_link_by_name(move->from, move->name, &link, err);
	if (r < 0)
		return r;
	/* The kernel moves first and renames then (do_setlink, net/core/rtnetlink.c). */
	if (netlink_link_by_name(move->to, move->wanted_name, &other, NULL) == 0)
		return error_errno(err, EEXIST, "move '%s' to another network namespace as '%s'",
				   move->name, move->wanted_name);
	addresses->index = link.index;
	r = read_addresses(move->from, addresses);
	if (r < 0)
		return error_errno(err, r, "read the addresses of '%s'", move->name);
	r = set_link(move->from, link.index, move->wanted_name, move->to_fd);
	if (r < 0)
		return error_errno(err, r, "move '%s' to another network namespace as '%s'",
				   move->name, move->wanted_name);
	return settle(move, addresses, err);
}

int netlink_link_rename(struct netlink *netlink, int index, const char *name, struct error *err)
{
	int r = set_link(netlink, index, name, -EBADF);

	return r < 0 ? error_errno(err, r, "rename an interface to '%s'", name) : 0;
}
