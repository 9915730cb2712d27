// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All changes are made under the lock of the leases, in an order in which a killed process leaves
 * nothing untold:
 *
 *	attach:  range, bridge, lease, pair of links, then what is inside the container
 *	release: links, lease; with the last one the bridge, then the range
 *
 * A bridge that exists while no range is recorded was made by somebody else and is not touched. The
 * range is recorded before the bridge is made, and everything about the bridge is done again by each
 * attach, which finishes what a killed one began.
 *
 * A container's namespace takes its end of the pair with it, and then the kernel removes the other
 * one, some time later. The lease of a container that nobody deleted is therefore known to be stale
 * once neither its state directory nor its link exists; such leases are taken back on the way.
 */
#include "runtime/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"
#include "runtime/leases.h"

#define INSIDE_LINK "eth0"
/* 10.177.0.0/16 and those that follow it */
#define FIRST_RANGE 0x0ab10000u
#define RANGES 15
#define RANGE_PREFIX 16

/* Room for the bridge and at least one workspace; more than a class A network nobody needs. */
static int check_range(const struct ipv4_range *range, struct error *err)
{
	if (range->prefix < 8 || range->prefix > 30)
		return error_set(err, EINVAL,
				 "a prefix of /%u cannot be used, those from /8 to /30 can",
				 range->prefix);
	return 0;
}

static int use_range(struct netlink *netlink, const struct ipv4_range *range, struct error *err)
{
	struct ipv4_range conflict;
	int r = check_range(range, err);

	if (r == 0)
		r = netlink_route_find_overlap(netlink, range, 0, &conflict, err);
	if (r > 0)
		return error_set(err, EADDRINUSE,
				 "%s/%u cannot be used: a route of this host leads to %s/%u",
				 ipv4_format(range->base).text, range->prefix,
				 ipv4_format(conflict.base).text, conflict.prefix);
	return r;
}

static int find_range(struct netlink *netlink, struct ipv4_range *range, struct error *err)
{
	for (uint32_t i = 0; i < RANGES; i++) {
		struct ipv4_range tried = {FIRST_RANGE + (i << (32 - RANGE_PREFIX)), RANGE_PREFIX};
		int r = use_range(netlink, &tried, err);

		if (r == 0)
			*range = tried;
		if (r != -EADDRINUSE)
			return r;
	}
	return error_set(err, EADDRINUSE,
			 "this host has routes to all of 10.177.0.0/16 to 10.191.0.0/16, "
			 "choose another with --subnet");
}

/* The first attach decides; *ASKED is NULL when anything will do. */
static int decide_range(struct leases *leases, struct netlink *netlink,
			const struct ipv4_range *asked, struct error *err)
{
	struct ipv4_range range = leases_range(leases);
	struct netlink_link bridge;
	int r;

	if (range.prefix) {
		if (asked && (asked->base != range.base || asked->prefix != range.prefix))
			return error_set(err, EBUSY,
					 "it has %s/%u as long as there are workspaces in it",
					 ipv4_format(range.base).text, range.prefix);
		return 0;
	}
	if (netlink_link_by_name(netlink, NETWORK_BRIDGE, &bridge, NULL) == 0)
		return error_set(err, EEXIST,
				 "there is an interface '" NETWORK_BRIDGE
				 "' that behalf did not make");
	if (asked) {
		range = *asked;
		r = use_range(netlink, &range, err);
	} else {
		r = find_range(netlink, &range, err);
	}
	return r < 0 ? r : leases_set_range(leases, &range, err);
}

static int make_bridge(const struct leases *leases, struct netlink *netlink,
		       struct netlink_link *bridge, struct error *err)
{
	struct ipv4_range range = leases_range(leases);
	int r = netlink_bridge_create(netlink, NETWORK_BRIDGE, err);

	if (r < 0 && r != -EEXIST)
		return r;
	r = netlink_link_by_name(netlink, NETWORK_BRIDGE, bridge, err);
	if (r == 0)
		r = netlink_address_add(netlink, bridge->index, range.base + 1, range.prefix, err);
	if (r == 0 && !bridge->up)
		r = netlink_link_set_up(netlink, bridge->index, err);
	return r;
}

static bool is_stale(const struct lease *lease, struct netlink *netlink)
{
	_cleanup_free_ char *directory = string_format("%s/%s", lease->root, lease->id);
	struct netlink_link link;

	return directory && access(directory, F_OK) < 0 && errno == ENOENT &&
	       netlink_link_by_name(netlink, lease->link, &link, NULL) == -ENODEV;
}

static int drop_stale(struct leases *leases, struct netlink *netlink, struct error *err)
{
	size_t i = 0;
	int r;

	while (i < leases_count(leases)) {
		const struct lease *lease = leases_get(leases, i);

		if (!is_stale(lease, netlink)) {
			i++;
			continue;
		}
		r = leases_remove(leases, lease->address, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * The hardware address follows from the IP address, so that what neighbours remember of an address
 * stays true when it is given out again.
 */
static int make_links(struct netlink *netlink, const struct lease *lease, int bridge, int netns_fd,
		      struct error *err)
{
	uint32_t a = lease->address;
	struct netlink_veth_peer peer = {
		.name = INSIDE_LINK,
		.netns_fd = netns_fd,
		.address = {0x02, 0xbe, (unsigned char)(a >> 24), (unsigned char)(a >> 16),
			    (unsigned char)(a >> 8), (unsigned char)a},
	};

	return netlink_veth_create(netlink, lease->link, bridge, &peer, err);
}

static int configure_inside(int netns_fd, const struct network_attachment *attachment,
			    struct error *err)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct netlink_link link;
	int r = netlink_open_in(netns_fd, &netlink, err);

	if (r == 0)
		r = netlink_link_by_name(netlink, INSIDE_LINK, &link, err);
	if (r == 0)
		r = netlink_address_add(netlink, link.index, attachment->address,
					attachment->prefix, err);
	if (r == 0)
		r = netlink_link_set_up(netlink, link.index, err);
	if (r == 0)
		r = netlink_route_add_default(netlink, link.index, attachment->gateway, err);
	return r;
}

static int attach_locked(const char *root, const char *id, int netns_fd,
			 const struct ipv4_range *range, struct network_attachment *attachment,
			 struct error *err)
{
	_cleanup_(cleanup_leases) struct leases *leases = NULL;
	_cleanup_netlink_ struct netlink *netlink = NULL;
	const struct lease *lease;
	struct netlink_link bridge;
	int r = netlink_open(&netlink, err);

	if (r == 0)
		r = leases_open(true, &leases, err);
	if (r == 0)
		r = drop_stale(leases, netlink, err);
	if (r == 0)
		r = decide_range(leases, netlink, range, err);
	if (r == 0)
		r = make_bridge(leases, netlink, &bridge, err);
	if (r == 0)
		r = leases_add(leases, root, id, &lease, err);
	if (r == 0)
		r = make_links(netlink, lease, bridge.index, netns_fd, err);
	if (r < 0)
		return r;
	attachment->address = lease->address;
	attachment->gateway = leases_range(leases).base + 1;
	attachment->prefix = leases_range(leases).prefix;
	memcpy(attachment->link, lease->link, sizeof(attachment->link));
	return 0;
}

static int range_from_environment(struct ipv4_range *range, const struct ipv4_range **asked,
				  struct error *err)
{
	const char *text = getenv("BEHALF_SUBNET");

	if (!text || !*text)
		return 0;
	if (ipv4_range_parse(text, range) < 0)
		return error_set(err, EINVAL,
				 "BEHALF_SUBNET '%s': a network is wanted, as 10.177.0.0/16", text);
	*asked = range;
	return 0;
}

int network_attach(const char *root, const char *id, int netns_fd, const struct ipv4_range *range,
		   struct network_attachment *attachment, struct error *err)
{
	struct network_attachment made = {0};
	struct error undo_err = {0};
	struct ipv4_range from_environment;
	int r = range ? 0 : range_from_environment(&from_environment, &range, err);

	if (r < 0)
		return r;
	r = attach_locked(root, id, netns_fd, range, &made, err);
	if (r == 0)
		r = configure_inside(netns_fd, &made, err);
	if (r < 0) {
		network_release(root, id, &undo_err);
		return error_prefix(err, "private network");
	}
	*attachment = made;
	return 0;
}

static int release_leases(struct leases *leases, struct netlink *netlink, const char *root,
			  const char *id, struct error *err)
{
	size_t i = 0;
	int r;

	while (i < leases_count(leases)) {
		const struct lease *lease = leases_get(leases, i);

		if (strcmp(lease->root, root) != 0 || strcmp(lease->id, id) != 0) {
			i++;
			continue;
		}
		r = netlink_link_delete(netlink, lease->link, err);
		if (r == 0)
			r = leases_remove(leases, lease->address, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int network_release(const char *root, const char *id, struct error *err)
{
	_cleanup_(cleanup_leases) struct leases *leases = NULL;
	_cleanup_netlink_ struct netlink *netlink = NULL;
	int r = leases_open(false, &leases, err);

	/* They are root's alone: who may not look at them has none there. */
	if (r == -ENOENT || r == -EACCES)
		return 0;
	if (r == 0)
		r = netlink_open(&netlink, err);
	if (r == 0)
		r = release_leases(leases, netlink, root, id, err);
	if (r == 0)
		r = drop_stale(leases, netlink, err);
	/* An attach that failed before its first lease leaves a range and perhaps a bridge. */
	if (r == 0 && leases_count(leases) == 0) {
		if (leases_range(leases).prefix)
			r = netlink_link_delete(netlink, NETWORK_BRIDGE, err);
		if (r == 0)
			r = leases_destroy(leases, err);
	}
	return r < 0 ? error_prefix(err, "private network") : 0;
}
