// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Networks of a /24 each, next to each other: bridge 0, bridge 1, macvlan, the uplink, devices. In each the host
 * has .1 and workspaces have .2 and on, in their order.
 *
 * The uplink is a pair whose ends are both the host's: as on a network card, nothing but the addresses tells whose a
 * packet is. Behind its far end, on a bridge that is nobody's, is who is outside:
 *
 *	e - behalf-cal-e - behalf-cal0 - routing - behalf-cal-u - behalf-cal-v - behalf-cal2 - behalf-cal-o - o
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
#include "kernel/netlink_move.h"

#define FIRST_BASE 0xc6120000u /* 198.18.0.0 */
#define LAST_BASE 0xc613f800u
#define PREFIX 24
#define NETWORK(links, n) ((links)->base + ((uint32_t)(n) << 8))
#define LOOPBACK 0x7f000001u
#define PREFIX_ALL 21
#define PORTS 6

enum { NETWORK_BRIDGE_0, NETWORK_BRIDGE_1, NETWORK_MACVLAN, NETWORK_UPLINK, NETWORK_DEVICE };

static const char *const bridges[] = {"behalf-cal0", "behalf-cal1", "behalf-cal2"};
static const char *const ports[PORTS] = {"behalf-cal-a", "behalf-cal-b", "behalf-cal-c",
					 "behalf-cal-d", "behalf-cal-e", "behalf-cal-o"};
#define MACVLAN_PARENT "behalf-cal-m"
#define MACVLAN_FAR_END "behalf-cal-n"
#define UPLINK "behalf-cal-u"
#define UPLINK_FAR_END "behalf-cal-v"
/* not names that a device of the host's may bring along */
#define INSIDE "cal0"
#define INSIDE_MACVLAN "cal1"
#define INSIDE_DEVICE "cal2"

static int network_of(enum site_workspace workspace)
{
	if (workspace == SITE_O)
		return NETWORK_UPLINK;
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
		return host || network_of(workspace) != NETWORK_BRIDGE_0
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
	case SITE_UPLINK:
		return workspace == SITE_E || workspace == SITE_O
			       ? inner_address(links, network_of(workspace), workspace)
			       : 0;
	case SITE_DEVICE:
		return workspace == SITE_A || workspace == SITE_B
			       ? inner_address(links, NETWORK_DEVICE, workspace)
			       : 0;
	case SITE_PATHS:
		break;
	}
	return 0;
}

/* The first place of the benchmark range that no route leads to. */
static int choose_base(struct netlink *netlink, struct site_links *links, struct error *err)
{
	for (uint32_t base = FIRST_BASE; base <= LAST_BASE; base += 2048) {
		struct ipv4_range range = {base, PREFIX_ALL}, conflict;
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

/* ADDRESS 0: it has none. */
static int make_bridge(struct netlink *netlink, const char *name, uint32_t address, int *index,
		       struct error *err)
{
	struct netlink_link link;
	int r = netlink_bridge_create(netlink, name, err);

	if (r == 0)
		r = netlink_link_by_name(netlink, name, &link, err);
	if (r == 0 && address)
		r = netlink_address_add(netlink, link.index, address, PREFIX, err);
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
static int allow_forwarding(const char *link, char *missing, size_t size)
{
	char path[96];
	int r;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", link);
	r = file_write_at(AT_FDCWD, path, "1", NULL);
	if (r < 0)
		snprintf(missing, size,
			 "forwarding cannot be switched on for a single interface here");
	return r;
}

static void make_forward(struct site_links *links)
{
	for (int i = NETWORK_BRIDGE_0; i <= NETWORK_BRIDGE_1; i++)
		allow_forwarding(bridges[i], links->missing[SITE_FORWARD],
				 sizeof(links->missing[0]));
}

/* A pair whose ends are both the caller's: NEAR, and FAR_END, which is switched on. */
static int make_wire(struct netlink *netlink, const char *near, const char *far_end, int master,
		     struct error *err)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct netlink_veth_peer peer = {.name = far_end, .netns_fd = home};
	struct netlink_link far;
	int r = netlink_veth_create(netlink, near, master, &peer, err);

	if (r == 0)
		r = netlink_link_by_name(netlink, far_end, &far, err);
	return r == 0 ? netlink_link_set_up(netlink, far.index, err) : r;
}

/*
 * On a pair whose ends are both the host's: as on a network card, nothing but the macvlan interface tells
 * whose a packet is.
 */
static int make_macvlan(struct netlink *netlink, const struct site_links *links, const int *netns,
			struct error *err)
{
	struct netlink_link parent = {0};
	int r = make_wire(netlink, MACVLAN_PARENT, MACVLAN_FAR_END, 0, err);

	if (r == 0)
		r = netlink_link_by_name(netlink, MACVLAN_PARENT, &parent, err);
	for (enum site_workspace w = SITE_A; r == 0 && w <= SITE_B; w++) {
		struct netlink_veth_peer inside = {.name = INSIDE_MACVLAN, .netns_fd = netns[w]};

		r = netlink_macvlan_create(netlink, parent.index, &inside, err);
		if (r == 0)
			r = configure(netns[w], INSIDE_MACVLAN,
				      inner_address(links, NETWORK_MACVLAN, w), 0, err);
	}
	return r;
}

static int make_uplink(struct netlink *netlink, struct site_links *links, const int *netns,
		       struct error *err)
{
	struct netlink_link link;
	int bridge = 0;
	int r = make_bridge(netlink, bridges[2], 0, &bridge, err);

	if (r == 0)
		r = make_wire(netlink, UPLINK_FAR_END, UPLINK, bridge, err);
	if (r == 0)
		r = netlink_link_by_name(netlink, UPLINK, &link, err);
	if (r == 0)
		r = netlink_address_add(netlink, link.index, NETWORK(links, NETWORK_UPLINK) + 1,
					PREFIX, err);
	if (r == 0)
		r = make_port(netlink, links, SITE_O, bridge, netns[SITE_O], err);
	if (r == 0 &&
	    (allow_forwarding(UPLINK, links->missing[SITE_UPLINK], sizeof(links->missing[0])) < 0 ||
	     allow_forwarding(bridges[0], links->missing[SITE_UPLINK], sizeof(links->missing[0])) <
		     0))
		return 0; /* it is said */
	return r;
}

/* From one workspace straight to another: nothing of the host's is between. */
static int make_pair(const struct site_links *links, const int *netns, struct error *err)
{
	_cleanup_netlink_ struct netlink *inside = NULL;
	struct netlink_veth_peer peer = {.name = INSIDE_DEVICE, .netns_fd = netns[SITE_B]};
	int r = netlink_open_in(netns[SITE_A], &inside, err);

	if (r == 0)
		r = netlink_veth_create(inside, INSIDE_DEVICE, 0, &peer, err);
	for (enum site_workspace w = SITE_A; r == 0 && w <= SITE_B; w++)
		r = configure(netns[w], INSIDE_DEVICE, inner_address(links, NETWORK_DEVICE, w), 0,
			      err);
	return r;
}

/* ---- devices of the host's ---- */

static int check_device(struct netlink *host, const char *name, struct error *err)
{
	struct netlink_link link;
	int r = netlink_link_by_name(host, name, &link, err);

	if (r < 0)
		return r;
	if (link.up || link.master)
		return error_set(
			err, EBUSY,
			"'%s' is switched on: only a device that nobody uses is handed over", name);
	return 0;
}

/* It keeps its name, which it comes back with whatever becomes of us. */
static int move_device(struct netlink *from, int to_fd, const char *name, bool there,
		       struct error *err)
{
	_cleanup_netlink_ struct netlink *to = NULL;
	struct netlink_move move = {.from = from,
				    .to_fd = to_fd,
				    .name = name,
				    .wanted_name = name,
				    .up = there,
				    .bare = true};
	int r = netlink_open_in(to_fd, &to, err);

	move.to = to;
	return r == 0 ? netlink_link_move(&move, err) : r;
}

static int lend_devices(struct netlink *host, struct site_links *links, const int *netns,
			struct error *err)
{
	int r = 0;

	for (int i = 0; r == 0 && i < SITE_DEVICES; i++)
		r = check_device(host, links->devices[i], err);
	for (int i = 0; r == 0 && i < SITE_DEVICES; i++) {
		enum site_workspace w = SITE_A + i;

		r = move_device(host, netns[w], links->devices[i], true, err);
		/* one that cannot be switched on there has moved all the same */
		links->lent[i] = r != -ENODEV && r != -EEXIST;
		if (r == 0)
			r = configure(netns[w], links->devices[i],
				      inner_address(links, NETWORK_DEVICE, w), 0, err);
		if (r < 0)
			error_prefix(err, "hand '%s' over", links->devices[i]);
	}
	return r;
}

/* One that is not there never came. */
static int return_device(int netns, int home, const char *name, struct error *err)
{
	_cleanup_netlink_ struct netlink *inside = NULL;
	struct netlink_link link;
	int r = netlink_open_in(netns, &inside, err);

	if (r < 0)
		return r;
	if (netlink_link_by_name(inside, name, &link, NULL) == -ENODEV)
		return 0;
	return move_device(inside, home, name, false, err);
}

int site_links_return_devices(const int netns[static SITE_WORKSPACES], struct site_links *links,
			      struct error *err)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int r = 0;

	for (int i = 0; i < SITE_DEVICES; i++) {
		int back;

		if (!links->lent[i])
			continue;
		back = return_device(netns[SITE_A + i], home, links->devices[i],
				     r == 0 ? err : NULL);
		links->lent[i] = false;
		if (r == 0)
			r = back;
	}
	return r;
}

static int make_ports(struct netlink *netlink, const struct site_links *links, const int *netns,
		      struct error *err)
{
	int index[2];
	int r = 0;

	for (int i = NETWORK_BRIDGE_0; r == 0 && i <= NETWORK_BRIDGE_1; i++)
		r = make_bridge(netlink, bridges[i], NETWORK(links, i) + 1, &index[i], err);
	for (enum site_workspace w = SITE_A; r == 0 && w <= SITE_E; w++)
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
		site_links_miss(links, SITE_MACVLAN, why.text);
	if (make_uplink(netlink, links, netns, &why) < 0)
		site_links_miss(links, SITE_UPLINK, why.text);
	if (links->devices[0])
		return lend_devices(netlink, links, netns, err);
	if (make_pair(links, netns, &why) < 0)
		site_links_miss(links, SITE_DEVICE, why.text);
	return 0;
}

void site_links_miss(struct site_links *links, enum site_path path, const char *why)
{
	snprintf(links->missing[path], sizeof(links->missing[0]), "%.150s", why);
}

int site_links_remove(struct error *err)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	int r = netlink_open(&netlink, err);

	for (size_t i = 0; r == 0 && i < PORTS; i++)
		r = netlink_link_delete(netlink, ports[i], err);
	if (r == 0)
		r = netlink_link_delete(netlink, MACVLAN_PARENT, err);
	if (r == 0)
		r = netlink_link_delete(netlink, UPLINK, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(bridges); i++)
		r = netlink_link_delete(netlink, bridges[i], err);
	return r;
}
