// SPDX-License-Identifier: GPL-2.0-or-later
/* The private network, each test on a host (a network namespace) of its own. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"
#include "runtime/network.h"

#define NO_ROOT "/nonexistent/behalf-test"

/* A namespace that only the returned descriptor keeps. */
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

static bool link_exists(const char *name)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct netlink_link link;

	return netlink_open(&netlink, NULL) == 0 &&
	       netlink_link_by_name(netlink, name, &link, NULL) == 0;
}

static bool anything_leased(void)
{
	char path[64];
	struct stat st;

	stat("/proc/self/ns/net", &st);
	snprintf(path, sizeof(path), "/run/behalf-net.%llu", (unsigned long long)st.st_ino);
	return access(path, F_OK) == 0;
}

TEST(addresses_are_given_and_taken_back)
{
	_cleanup_close_ int a = -1, b = -1, c = -1;
	struct network_attachment first, second, third;
	struct error err = {0};

	if (unshare(CLONE_NEWNET) < 0)
		skip("needs root");
	a = make_netns();
	b = make_netns();
	c = make_netns();
	must(a >= 0 && b >= 0 && c >= 0);
	must(network_attach("/run", "a", a, NULL, &first, &err) == 0, "%s", err.text);
	must(network_attach("/run", "b", b, NULL, &second, &err) == 0, "%s", err.text);
	is_str(ipv4_format(first.gateway).text, "10.177.0.1");
	is_str(ipv4_format(first.address).text, "10.177.0.2");
	is_str(ipv4_format(second.address).text, "10.177.0.3");
	is_str(first.link, "bh2");
	ok(link_exists("behalf0") && link_exists("bh2") && link_exists("bh3"));

	is_int(network_release("/run", "a", &err), 0);
	ok(!link_exists("bh2") && link_exists("bh3") && link_exists("behalf0"));
	must(network_attach("/run", "c", c, NULL, &third, &err) == 0, "%s", err.text);
	is_str(ipv4_format(third.address).text, "10.177.0.2");

	is_int(network_release("/other", "b", &err), 0);
	ok(link_exists("bh3"));
	is_int(network_release("/run", "b", &err), 0);
	is_int(network_release("/run", "c", &err), 0);
	is_int(network_release("/run", "c", &err), 0);
	ok(!link_exists("behalf0"));
	ok(!anything_leased());
}

TEST(the_range_is_asked_for_or_found)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	_cleanup_close_ int a = -1, b = -1;
	struct ipv4_range small = {0x0a090900, 30}, taken = {0x0ab12000, 24},
			  huge = {0x0a000000, 4};
	struct network_attachment attachment;
	struct netlink_link link;
	struct error err = {0};

	if (unshare(CLONE_NEWNET) < 0)
		skip("needs root");
	a = make_netns();
	b = make_netns();
	/* somebody else has a part of 10.177.0.0/16 */
	must(netlink_open(&netlink, &err) == 0);
	must(netlink_bridge_create(netlink, "other0", &err) == 0);
	must(netlink_link_by_name(netlink, "other0", &link, &err) == 0);
	must(netlink_address_add(netlink, link.index, 0x0ab12001, 24, &err) == 0);
	must(netlink_link_set_up(netlink, link.index, &err) == 0);

	is_int(network_attach("/run", "a", a, &taken, &attachment, &err), -EADDRINUSE);
	has_str(err.text, "10.177.32.0/24");
	is_int(network_attach("/run", "a", a, &huge, &attachment, &err), -EINVAL);
	ok(!anything_leased() && !link_exists("behalf0"));
	must(network_attach("/run", "a", a, NULL, &attachment, &err) == 0, "%s", err.text);
	is_str(ipv4_format(attachment.address).text, "10.178.0.2");
	is_int(network_attach("/run", "b", b, &small, &attachment, &err), -EBUSY);
	is_int(network_release("/run", "a", &err), 0);

	must(network_attach("/run", "a", a, &small, &attachment, &err) == 0, "%s", err.text);
	is_str(ipv4_format(attachment.address).text, "10.9.9.2");
	/* a /30 has room for one; the failure takes nothing from the one */
	is_int(network_attach("/run", "b", b, NULL, &attachment, &err), -ENOSPC);
	ok(link_exists("bh2"));
	is_int(network_release("/run", "a", &err), 0);
	setenv("BEHALF_SUBNET", "10.8.0.0/16", 1);
	must(network_attach("/run", "a", a, NULL, &attachment, &err) == 0, "%s", err.text);
	is_str(ipv4_format(attachment.address).text, "10.8.0.2");
	is_int(network_release("/run", "a", &err), 0);
	setenv("BEHALF_SUBNET", "ten", 1);
	is_int(network_attach("/run", "a", a, NULL, &attachment, &err), -EINVAL);
	has_str(err.text, "'ten'");
	ok(!anything_leased());
}

TEST(a_strange_bridge_is_left_alone)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	_cleanup_close_ int a = -1;
	struct network_attachment attachment;
	struct error err = {0};

	if (unshare(CLONE_NEWNET) < 0)
		skip("needs root");
	a = make_netns();
	must(netlink_open(&netlink, &err) == 0);
	must(netlink_bridge_create(netlink, "behalf0", &err) == 0);
	is_int(network_attach("/run", "a", a, NULL, &attachment, &err), -EEXIST);
	has_str(err.text, "'behalf0'");
	ok(link_exists("behalf0"));
	ok(!anything_leased());
}

TEST(a_stale_lease_is_taken_back)
{
	_cleanup_close_ int a = -1, b = -1, c = -1;
	struct network_attachment attachment;
	struct error err = {0};

	if (unshare(CLONE_NEWNET) < 0)
		skip("needs root");
	a = make_netns();
	b = make_netns();
	c = make_netns();
	must(network_attach(NO_ROOT, "a", a, NULL, &attachment, &err) == 0, "%s", err.text);
	/* its link lives: not stale, though nothing tells of the container */
	must(network_attach("/", "run", b, NULL, &attachment, &err) == 0, "%s", err.text);
	is_str(ipv4_format(attachment.address).text, "10.177.0.3");
	close(take_fd(&a));
	for (int i = 0; link_exists("bh2") && i < 100; i++)
		usleep(50000);
	must(network_attach("/", "run", c, NULL, &attachment, &err) == 0, "%s", err.text);
	is_str(ipv4_format(attachment.address).text, "10.177.0.2");
	is_int(network_release("/", "run", &err), 0);
	ok(!anything_leased() && !link_exists("behalf0"));
}
