// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Four networks of a /24 each, next to each other: bridge 0, bridge 1, macvlan, and none for loopback. In each
 * the host has .1 and workspaces have .2 and on, in their order.
 */
#include "calibrate/site_links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "kernel/netlink.h"
#include "kernel/netlink_address.h"
#include "kernel/netlink_link.h"

#define FIRST_BASE 0xc6120000u /* 198.18.0.0 */
#define LAST_BASE 0xc613fc00u
#define PREFIX 24
#define NETWORK(links, n) ((links)->base + ((uint32_t)(n) << 8))
#define LOOPBACK 0x7f000001u
#define PORTS 4

enum { NETWORK_BRIDGE_0, NETWORK_BRIDGE_1, NETWORK_MACVLAN };

static const char *const bridges[] = {"behalf-cal0", "behalf-cal1"};
static const char *const ports[PORTS] = {"behalf-cal-a", "behalf-cal-b", "behalf-cal-c",
					 "behalf-cal-d"};
#define MACVLAN_PARENT "behalf-cal-m"
#define MACVLAN_FAR_END "behalf-cal-n"
#define INSIDE "eth0"
#define INSIDE_MACVLAN "eth1"

static int network_of(enum site_workspace workspace)
{
	return workspace == SITE_D ? NETWORK_BRIDGE_1 : NETWORK_BRIDGE_0;
}

static uint32_t inner_address(const struct site_links *links, int network,
			      enum site_workspace workspace)
{
	return NETWORK(links, network) + 2 + (uint32_t)workspace;
}

uint32_t site_links_address(const struct site_links *links, enum site_workspace workspace,
			    enum site_path path)
{
	bool host = site_is_of_host(workspace);

	switch (path) {
	case SITE_BRIDGE:
		return host || workspace == SITE_D
			       ? 0
			       : inner_address(links, NETWORK_BRIDGE_0, workspace);
	case SITE_LOCAL:
		return host ? NETWORK(links, NETWORK_BRIDGE_0) + 1
			    : inner_address(links, network_of(workspace), workspace);
	case SITE_FORWARD:
		return host ? 0 : inner_address(links, network_of(workspace), workspace);
	case SITE_MACVLAN:
		return workspace == SITE_A || workspace == SITE_B
			       ? inner_address(links, NETWORK_MACVLAN, workspace)
			       : 0;
	case SITE_HOST:
		return host ? LOOPBACK : 0;
	case SITE_PATHS:
		break;
	}
	return 0;
}

/* The first place of the benchmark range that no route leads to. */
static int choose_base(struct netlink *netlink, struct site_links *links, struct error *err)
{
	for (uint32_t base = FIRST_BASE; base <= LAST_BASE; base += 1024) {
		struct ipv4_range range = {base, 22}, conflict;
		int r = netlink_route_find_overlap(netlink, &range, 0, &conflict, err);

		if (r < 0)
			return r;
		if (r == 0) {
			links->base = base;
			return 0;
		}
	}
	return error_set(err, EADDRINUSE, "this host has routes to all of 198.18.0.0/15");
}

static int make_bridge(struct netlink *netlink, const struct site_links *links, int network,
		       int *index, struct error *err)
{
	struct netlink_link link;
	int r = netlink_bridge_create(netlink, bridges[network], err);

	if (r == 0)
		r = netlink_link_by_name(netlink, bridges[network], &link, err);
	if (r == 0)
		r = netlink_address_add(netlink, link.index, NETWORK(links, network) + 1, PREFIX,
					err);
	if (r == 0)
		r = netlink_link_set_up(netlink, link.index, err);
	if (r == 0)
		*index = link.index;
	return r;
}

/* Gives the interface NAME inside an address, and perhaps a default route. */
static int configure(int netns, const char *name, uint32_t address, uint32_t gateway,
		     struct error *err)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct netlink_link link;
	int r = netlink_open_in(netns, &netlink, err);

	if (r == 0)
		r = netlink_link_by_name(netlink, name, &link, err);
	if (r == 0)
		r = netlink_address_add(netlink, link.index, address, PREFIX, err);
	if (r == 0)
		r = netlink_link_set_up(netlink, link.index, err);
	if (r == 0 && gateway)
		r = netlink_route_add_default(netlink, link.index, gateway, err);
	return r;
}

static int make_port(struct netlink *netlink, const struct site_links *links,
		     enum site_workspace workspace, int bridge, int netns, struct error *err)
{
	struct netlink_veth_peer peer = {.name = INSIDE, .netns_fd = netns};
	int network = network_of(workspace);
	int r = netlink_veth_create(netlink, ports[workspace], bridge, &peer, err);

	if (r < 0)
		return r;
	return configure(netns, INSIDE, inner_address(links, network, workspace),
			 NETWORK(links, network) + 1, err);
}

/* Forwarding is asked of the device a packet comes in by (net/ipv4/route.c, ip_route_input_slow). */
static int allow_forwarding(const char *bridge)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", bridge);
	return file_write_at(AT_FDCWD, path, "1", NULL);
}

static void make_forward(struct site_links *links)
{
	for (size_t i = 0; i < ARRAY_SIZE(bridges); i++) {
		if (allow_forwarding(bridges[i]) < 0)
			snprintf(links->missing[SITE_FORWARD], sizeof(links->missing[0]),
				 "forwarding cannot be switched on for a single interface here");
	}
}

/*
 * On a pair whose ends are both the host's: as on a network card, nothing but the macvlan interface tells
 * whose a packet is.
 */
static int make_macvlan(struct netlink *netlink, const struct site_links *links, const int *netns,
			struct error *err)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct netlink_veth_peer far_end = {.name = MACVLAN_FAR_END, .netns_fd = home};
	struct netlink_link parent = {0}, far;
	int r = netlink_veth_create(netlink, MACVLAN_PARENT, 0, &far_end, err);

	if (r == 0)
		r = netlink_link_by_name(netlink, MACVLAN_PARENT, &parent, err);
	if (r == 0)
		r = netlink_link_by_name(netlink, MACVLAN_FAR_END, &far, err);
	if (r == 0)
		r = netlink_link_set_up(netlink, far.index, err);
	for (enum site_workspace w = SITE_A; r == 0 && w <= SITE_B; w++) {
		struct netlink_veth_peer inside = {.name = INSIDE_MACVLAN, .netns_fd = netns[w]};

		r = netlink_macvlan_create(netlink, parent.index, &inside, err);
		if (r == 0)
			r = configure(netns[w], INSIDE_MACVLAN,
				      inner_address(links, NETWORK_MACVLAN, w), 0, err);
	}
	return r;
}

static int make_ports(struct netlink *netlink, const struct site_links *links, const int *netns,
		      struct error *err)
{
	int index[ARRAY_SIZE(bridges)];
	int r = 0;

	for (int i = 0; r == 0 && i < (int)ARRAY_SIZE(bridges); i++)
		r = make_bridge(netlink, links, i, &index[i], err);
	for (enum site_workspace w = SITE_A; r == 0 && w <= SITE_D; w++)
		r = make_port(netlink, links, w, index[network_of(w)], netns[w], err);
	return r;
}

int site_links_make(const int netns[static SITE_WORKSPACES], struct site_links *links,
		    struct error *err)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct error why = {0};
	int r = netlink_open(&netlink, err);

	if (r == 0)
		r = choose_base(netlink, links, err);
	if (r == 0)
		r = make_ports(netlink, links, netns, err);
	if (r < 0)
		return r;
	make_forward(links);
	if (make_macvlan(netlink, links, netns, &why) < 0)
		snprintf(links->missing[SITE_MACVLAN], sizeof(links->missing[0]), "%.150s",
			 why.text);
	return 0;
}

int site_links_remove(struct error *err)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	int r = netlink_open(&netlink, err);

	for (size_t i = 0; r == 0 && i < PORTS; i++)
		r = netlink_link_delete(netlink, ports[i], err);
	if (r == 0)
		r = netlink_link_delete(netlink, MACVLAN_PARENT, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(bridges); i++)
		r = netlink_link_delete(netlink, bridges[i], err);
	return r;
}
