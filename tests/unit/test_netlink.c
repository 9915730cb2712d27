// SPDX-License-Identifier: GPL-2.0-or-later
/* Interfaces, addresses and routes, each test in a network namespace of its own. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/netlink.h"
#include "kernel/netlink_address.h"
#include "kernel/netlink_bridge.h"
#include "kernel/netlink_link.h"
#include "kernel/netlink_napi.h"

/* A namespace for the test (whose process is its own), or -1 when that is not allowed. */
static int enter_new_netns(void)
{
	return unshare(CLONE_NEWNET);
}

/* A second namespace; the test stays in its first one. */
static int make_netns(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), made = -1;

	if (unshare(CLONE_NEWNET) == 0)
		made = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (setns(home, CLONE_NEWNET) < 0)
		_exit(1);
	close(home);
	return made;
}

TEST(a_link_is_found_by_name_and_index)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct netlink_link link, again;
	struct error err = {0};

	if (enter_new_netns() < 0)
		skip("needs root");
	must(netlink_open(&netlink, &err) == 0, "%s", err.text);
	must(netlink_link_by_name(netlink, "lo", &link, &err) == 0, "%s", err.text);
	is_str(link.name, "lo");
	ok(!link.up);
	must(netlink_link_set_up(netlink, link.index, &err) == 0, "%s", err.text);
	must(netlink_link_by_index(netlink, link.index, &again, &err) == 0, "%s", err.text);
	is_str(again.name, "lo");
	ok(again.up);
}

TEST(an_absent_link_is_named)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct netlink_link link;
	struct error err = {0};

	if (enter_new_netns() < 0)
		skip("needs root");
	must(netlink_open(&netlink, &err) == 0, "%s", err.text);
	is_int(netlink_link_by_name(netlink, "nosuch0", &link, &err), -ENODEV);
	has_str(err.text, "'nosuch0'");
	is_int(netlink_link_by_name(netlink, "a-name-that-is-too-long", &link, &err), -ENODEV);
	is_int(netlink_link_by_index(netlink, 4711, &link, &err), -ENODEV);
	is_int(netlink_link_delete(netlink, "nosuch0", &err), 0);
	/* the socket is in step after failures */
	is_int(netlink_link_by_name(netlink, "lo", &link, &err), 0);
}

/* What a container with CAP_NET_ADMIN can send to a socket of ours in its namespace. */
TEST(an_interface_that_is_not_polled_has_no_threads)
{
	struct error err = {0};
	pid_t pids[4];
	size_t n = 99;
	int r;

	if (enter_new_netns() < 0)
		skip("needs root");
	r = netlink_napi_threads(1, pids, 4, &n, &err);
	ok(r == -EOPNOTSUPP || (r == 0 && n == 0), "%s", err.text);
}

TEST(a_verdict_that_is_not_the_kernels_is_not_heard)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	_cleanup_close_ int stranger = -EBADF;
	/* the first such socket of a process in a namespace has its pid for a port */
	struct sockaddr_nl ours = {.nl_family = AF_NETLINK, .nl_pid = (uint32_t)getpid()};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr verdict;
	} forged = {.header = {.nlmsg_len = sizeof(forged),
			       .nlmsg_type = NLMSG_ERROR,
			       .nlmsg_seq = 1,
			       .nlmsg_pid = (uint32_t)getpid()},
		    .verdict = {.error = -EPERM}};
	struct netlink_link link;
	struct error err = {0};

	if (enter_new_netns() < 0)
		skip("needs root");
	must(netlink_open(&netlink, &err) == 0, "%s", err.text);
	stranger = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	must(stranger >= 0);
	must(sendto(stranger, &forged, sizeof(forged), 0, (struct sockaddr *)&ours, sizeof(ours)) ==
	     sizeof(forged));
	is_int(netlink_link_by_name(netlink, "lo", &link, &err), 0);
}

TEST(a_bridge_and_a_veth_into_another_namespace)
{
	_cleanup_netlink_ struct netlink *here = NULL, *there = NULL;
	_cleanup_close_ int netns = -EBADF;
	struct netlink_veth_peer far = {.name = "eth0", .address = {2, 0, 0, 0, 0, 1}};
	struct netlink_link bridge, end, peer;
	struct error err = {0};

	if (enter_new_netns() < 0)
		skip("needs root");
	netns = make_netns();
	must(netns >= 0);
	far.netns_fd = netns;
	must(netlink_open(&here, &err) == 0, "%s", err.text);
	must(netlink_open_in(netns, &there, &err) == 0, "%s", err.text);
	must(netlink_bridge_create(here, "br0", &err) == 0, "%s", err.text);
	is_int(netlink_bridge_create(here, "br0", &err), -EEXIST);
	must(netlink_link_by_name(here, "br0", &bridge, &err) == 0, "%s", err.text);
	is_str(bridge.kind, "bridge");
	is_int(netlink_link_count_ports(here, bridge.index, &err), 0);

	must(netlink_veth_create(here, "out0", bridge.index, &far, &err) == 0, "%s", err.text);
	is_int(netlink_veth_create(here, "out0", 0, &far, &err), -EEXIST);
	must(netlink_link_by_name(here, "out0", &end, &err) == 0, "%s", err.text);
	is_str(end.kind, "veth");
	is_int(end.master, bridge.index);
	ok(end.up);
	is_int(netlink_link_count_ports(here, bridge.index, &err), 1);
	is_int(netlink_link_by_name(here, "eth0", &peer, &err), -ENODEV);
	is_int(netlink_link_by_name(there, "eth0", &peer, &err), 0);

	is_int(netlink_link_delete(here, "out0", &err), 0);
	is_int(netlink_link_by_name(there, "eth0", &peer, &err), -ENODEV);
	is_int(netlink_link_count_ports(here, bridge.index, &err), 0);
}

TEST(a_bridge_tells_how_it_takes_vlans)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct netlink_bridge_vlans vlans = {.untagged = 7};
	struct netlink_link bridge, port;
	struct error err = {0};

	if (enter_new_netns() < 0)
		skip("needs root");
	must(netlink_open(&netlink, &err) == 0, "%s", err.text);
	must(netlink_bridge_create(netlink, "br0", &err) == 0, "%s", err.text);
	must(system("/sbin/ip link add p0 type veth peer name q0 && "
		    "/sbin/ip link set p0 master br0") == 0);
	must(netlink_link_by_name(netlink, "br0", &bridge, &err) == 0, "%s", err.text);
	must(netlink_link_by_name(netlink, "p0", &port, &err) == 0, "%s", err.text);
	is_int(netlink_bridge_vlans(netlink, bridge.index, port.index, &vlans, &err), 0);
	ok(!vlans.filters);
	if (system("/sbin/ip link set br0 type bridge vlan_filtering 1 2>/dev/null") != 0)
		skip("bridges do not filter here");
	must(system("bridge vlan add dev p0 vid 30 pvid && bridge vlan add dev p0 vid 40-60") == 0);
	is_int(netlink_bridge_vlans(netlink, bridge.index, port.index, &vlans, &err), 0);
	ok(vlans.filters);
	is_uint(vlans.protocol, ETH_P_8021Q);
	is_uint(vlans.untagged, 30);
	must(system("bridge vlan del dev p0 vid 30") == 0);
	is_int(netlink_bridge_vlans(netlink, bridge.index, port.index, &vlans, &err), 0);
	is_uint(vlans.untagged, 0);
}

TEST(addresses_routes_and_what_overlaps)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct ipv4_range range, conflict = {0};
	struct netlink_link bridge;
	struct error err = {0};
	uint32_t address;

	if (enter_new_netns() < 0)
		skip("needs root");
	must(netlink_open(&netlink, &err) == 0, "%s", err.text);
	must(netlink_bridge_create(netlink, "br0", &err) == 0, "%s", err.text);
	must(netlink_link_by_name(netlink, "br0", &bridge, &err) == 0, "%s", err.text);
	must(netlink_link_set_up(netlink, bridge.index, &err) == 0, "%s", err.text);
	must(ipv4_parse("10.9.0.1", &address) == 0);
	is_int(netlink_address_add(netlink, bridge.index, address, 16, &err), 0);
	is_int(netlink_address_add(netlink, bridge.index, address, 16, &err), 0);
	must(ipv4_parse("10.9.3.4", &address) == 0);
	is_int(netlink_route_add_default(netlink, bridge.index, address, &err), 0);
	must(ipv4_parse("10.8.3.4", &address) == 0);
	ok(netlink_route_add_default(netlink, bridge.index, address, &err) < 0);

	must(ipv4_range_parse("10.9.128.0/17", &range) == 0);
	is_int(netlink_route_find_overlap(netlink, &range, 0, &conflict, &err), 1);
	is_str(ipv4_format(conflict.base).text, "10.9.0.0");
	is_uint(conflict.prefix, 16);
	is_int(netlink_route_find_overlap(netlink, &range, bridge.index, &conflict, &err), 0);
	must(ipv4_range_parse("10.10.0.0/16", &range) == 0);
	is_int(netlink_route_find_overlap(netlink, &range, 0, &conflict, &err), 0);
}

TEST(ranges_are_parsed)
{
	struct ipv4_range range, other;
	uint32_t address;

	is_int(ipv4_range_parse("10.177.0.0/16", &range), 0);
	is_uint(range.base, 0x0ab10000);
	is_uint(range.prefix, 16);
	is_uint(ipv4_range_mask(&range), 0xffff0000);
	is_int(ipv4_range_parse("10.177.0.1/16", &range), -EINVAL);
	is_int(ipv4_range_parse("10.177.0.0", &range), -EINVAL);
	is_int(ipv4_range_parse("10.177.0.0/33", &range), -EINVAL);
	is_int(ipv4_range_parse("10.177.0.0/", &range), -EINVAL);
	is_int(ipv4_range_parse("10.177.0/16", &range), -EINVAL);
	is_int(ipv4_parse("1.2.3.400", &address), -EINVAL);
	must(ipv4_range_parse("0.0.0.0/0", &other) == 0);
	must(ipv4_range_parse("10.177.4.0/24", &range) == 0);
	ok(ipv4_range_overlap(&range, &other));
	must(ipv4_range_parse("10.177.5.0/24", &other) == 0);
	ok(!ipv4_range_overlap(&range, &other));
}
