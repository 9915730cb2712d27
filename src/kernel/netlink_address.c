// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/strings.h"
#include "kernel/netlink.h"

struct ipv4_text ipv4_format(uint32_t address)
{
	struct ipv4_text text;

	snprintf(text.text, sizeof(text.text), "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
		 address >> 8 & 255, address & 255);
	return text;
}

int ipv4_parse(const char *text, uint32_t *address)
{
	struct in_addr parsed;

	if (inet_pton(AF_INET, text, &parsed) != 1)
		return -EINVAL;
	*address = ntohl(parsed.s_addr);
	return 0;
}

int ipv4_range_parse(const char *text, struct ipv4_range *range)
{
	const char *slash = strchr(text, '/');
	struct ipv4_range parsed;
	char base[16];
	uint64_t prefix;

	if (!slash || (size_t)(slash - text) >= sizeof(base))
		return -EINVAL;
	memcpy(base, text, (size_t)(slash - text));
	base[slash - text] = '\0';
	if (ipv4_parse(base, &parsed.base) < 0 || string_to_u64(slash + 1, 10, &prefix) < 0 ||
	    prefix > 32)
		return -EINVAL;
	parsed.prefix = (unsigned int)prefix;
	if (parsed.base & ~ipv4_range_mask(&parsed))
		return -EINVAL;
	*range = parsed;
	return 0;
}

uint32_t ipv4_range_mask(const struct ipv4_range *range)
{
	/* a shift by 32 is not defined */
	return range->prefix ? UINT32_MAX << (32 - range->prefix) : 0;
}

bool ipv4_range_overlap(const struct ipv4_range *a, const struct ipv4_range *b)
{
	uint32_t mask = ipv4_range_mask(a) & ipv4_range_mask(b);

	return (a->base & mask) == (b->base & mask);
}

int netlink_address_add(struct netlink *netlink, int index, uint32_t address, unsigned int prefix,
			struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
						 sizeof(struct ifaddrmsg));
	struct ifaddrmsg *info = netlink_payload(request);
	int r;

	info->ifa_family = AF_INET;
	info->ifa_prefixlen = (unsigned char)prefix;
	info->ifa_scope = RT_SCOPE_UNIVERSE;
	info->ifa_index = (unsigned int)index;
	netlink_put_u32(request, IFA_LOCAL, htonl(address));
	netlink_put_u32(request, IFA_ADDRESS, htonl(address));
	r = netlink_request(netlink, request);
	if (r < 0 && r != -EEXIST)
		return error_errno(err, r, "give the interface of index %d the address %s/%u",
				   index, ipv4_format(address).text, prefix);
	return 0;
}

int netlink_route_add_default(struct netlink *netlink, int index, uint32_t gateway,
			      struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
						 sizeof(struct rtmsg));
	struct rtmsg *info = netlink_payload(request);
	int r;

	info->rtm_family = AF_INET;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	netlink_put_u32(request, RTA_OIF, (uint32_t)index);
	netlink_put_u32(request, RTA_GATEWAY, htonl(gateway));
	r = netlink_request(netlink, request);
	if (r < 0 && r != -EEXIST)
		return error_errno(err, r, "add a default route by %s", ipv4_format(gateway).text);
	return 0;
}

struct overlap {
	const struct ipv4_range *range;
	int except;
	bool found;
	struct ipv4_range conflict;
};

static int see_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *info = netlink_payload(message);
	struct ipv4_range route = {.prefix = info->rtm_dst_len};
	struct overlap *overlap = data;
	const struct nlattr *attr;
	int interface = 0;

	if (info->rtm_table != RT_TABLE_MAIN || info->rtm_dst_len == 0)
		return NETLINK_GO_ON;
	netlink_for_each(attr, message, sizeof(*info)) {
		if (netlink_type(attr) == RTA_DST)
			route.base = ntohl(netlink_u32(attr));
		else if (netlink_type(attr) == RTA_OIF)
			interface = (int)netlink_u32(attr);
	}
	if (interface && interface == overlap->except)
		return NETLINK_GO_ON;
	if (!ipv4_range_overlap(&route, overlap->range))
		return NETLINK_GO_ON;
	overlap->found = true;
	overlap->conflict = route;
	return NETLINK_STOP;
}

int netlink_route_find_overlap(struct netlink *netlink, const struct ipv4_range *range, int except,
			       struct ipv4_range *conflict, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request =
		netlink_begin(buffer, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg));
	struct rtmsg *info = netlink_payload(request);
	struct overlap overlap = {.range = range, .except = except};
	int r;

	info->rtm_family = AF_INET;
	r = netlink_query(netlink, request, see_route, &overlap);
	if (r < 0)
		return error_errno(err, r, "read the routes");
	if (overlap.found)
		*conflict = overlap.conflict;
	return overlap.found;
}
