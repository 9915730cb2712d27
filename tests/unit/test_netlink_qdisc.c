// SPDX-License-Identifier: GPL-2.0-or-later
/* Queueing disciplines and filters, each test in a network namespace of its own. */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"
#include "kernel/netlink_qdisc.h"

struct pair {
	struct netlink *netlink;
	struct netlink_link a, b;
};

/* Two ends of a veth pair in a new network namespace, both switched on. False: skipped, or failed. */
static bool make_pair(struct pair *pair)
{
	_cleanup_close_ int netns = -EBADF;
	struct netlink_veth_peer peer = {.name = "b"};
	struct error err = {0};

	if (unshare(CLONE_NEWNET) < 0) {
		tap_skip("needs root");
		return false;
	}
	netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	peer.netns_fd = netns;
	/* packets are counted, and IPv6 sends some of its own */
	file_write_at(AT_FDCWD, "/proc/sys/net/ipv6/conf/default/disable_ipv6", "1", NULL);
	return ok(netlink_open(&pair->netlink, &err) == 0, "%s", err.text) &&
	       ok(netlink_veth_create(pair->netlink, "a", 0, &peer, &err) == 0, "%s", err.text) &&
	       ok(netlink_link_by_name(pair->netlink, "a", &pair->a, &err) == 0, "%s", err.text) &&
	       ok(netlink_link_by_name(pair->netlink, "b", &pair->b, &err) == 0, "%s", err.text) &&
	       ok(netlink_link_set_up(pair->netlink, pair->b.index, &err) == 0, "%s", err.text);
}

/* Broadcasts N frames of 1000 bytes out of the interface. */
static void send_frames(int index, unsigned int n)
{
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = 6};
	unsigned char frame[1000] = {0};

	must(fd >= 0);
	memset(frame, 0xff, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5; /* for experiments */
	for (unsigned int i = 0; i < n; i++)
		sendto(fd, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
}

TEST(a_root_qdisc_is_set_and_given_back)
{
	struct pair pair = {0};
	struct netlink_qdisc root;
	struct error err = {0};

	if (!make_pair(&pair))
		return;
	must(netlink_qdisc_root(pair.netlink, pair.a.index, &root, &err) == 0, "%s", err.text);
	is_uint(root.handle, 0);
	if (netlink_qdisc_add_htb(pair.netlink, pair.a.index, QDISC_HANDLE(0xbe, 0), 1, &err) ==
	    -EOPNOTSUPP)
		skip("the kernel has no HTB");
	must(netlink_qdisc_root(pair.netlink, pair.a.index, &root, &err) == 0, "%s", err.text);
	is_str(root.kind, "htb");
	is_uint(root.handle, QDISC_HANDLE(0xbe, 0));
	is_int(netlink_qdisc_delete_root(pair.netlink, pair.a.index, &err), 0);
	is_int(netlink_qdisc_delete_root(pair.netlink, pair.a.index, &err), 0);
	must(netlink_qdisc_root(pair.netlink, pair.a.index, &root, &err) == 0, "%s", err.text);
	is_uint(root.handle, 0);
	is_int(netlink_qdisc_delete_root(pair.netlink, 4711, &err), 0);
	netlink_close(pair.netlink);
}

struct root_seen {
	int index;
	struct qdisc_counts counts;
};

static void see_root(void *data, int index, const struct qdisc_counts *counts)
{
	struct root_seen *seen = data;

	if (index == seen->index)
		seen->counts = *counts;
}

TEST(a_class_of_htb_counts_and_holds_to_its_ceiling)
{
	struct qdisc_htb_class class = {.parent = QDISC_HANDLE(0xbe, 0),
					.handle = QDISC_HANDLE(0xbe, 1),
					.rate_bytes = 1000,
					.ceil_bytes = 1000};
	struct qdisc_counts counts;
	struct pair pair = {0};
	struct error err = {0};
	struct root_seen seen = {0};

	if (!make_pair(&pair))
		return;
	seen.index = pair.a.index;
	if (netlink_qdisc_add_htb(pair.netlink, pair.a.index, class.parent, 1, &err) == -EOPNOTSUPP)
		skip("the kernel has no HTB");
	must(netlink_class_set_htb(pair.netlink, pair.a.index, &class, &err) == 0, "%s", err.text);
	/* the bucket holds 64 KiB; what is over it waits for minutes */
	send_frames(pair.a.index, 200);
	must(netlink_class_counts(pair.netlink, pair.a.index, class.handle, &counts, &err) == 0,
	     "%s", err.text);
	ok(counts.packets >= 60 && counts.packets <= 80, "%llu packets",
	   (unsigned long long)counts.packets);
	ok(counts.bytes >= 60 * 1000 && counts.bytes <= 80 * 1000);
	/* and so does the root, that of all interfaces at one go */
	must(netlink_qdisc_all_roots(pair.netlink, class.parent, see_root, &seen, &err) == 0, "%s",
	     err.text);
	is_uint(seen.counts.bytes, counts.bytes);
	is_uint(seen.counts.packets, counts.packets);
	is_uint(seen.counts.waiting, counts.waiting);
	seen.counts.packets = 0;
	is_int(netlink_qdisc_all_roots(pair.netlink, QDISC_HANDLE(0xbf, 0), see_root, &seen, &err),
	       0);
	is_uint(seen.counts.packets, 0);
	/* a class changes while packets wait in it */
	class.rate_bytes = class.ceil_bytes = 10000000000; /* over 32 bits */
	is_int(netlink_class_set_htb(pair.netlink, pair.a.index, &class, &err), 0);
	is_int(netlink_class_counts(pair.netlink, pair.a.index, QDISC_HANDLE(0xbe, 7), &counts,
				    &err),
	       -ENOENT);
	is_int(netlink_class_delete(pair.netlink, pair.a.index, QDISC_HANDLE(0xbe, 7), &err), 0);
	netlink_close(pair.netlink);
}

TEST(what_an_interface_receives_is_redirected_through_an_ifb)
{
	struct qdisc_htb_class class = {.parent = QDISC_HANDLE(0xbe, 0),
					.handle = QDISC_HANDLE(0xbe, 1),
					.rate_bytes = 1000000,
					.ceil_bytes = 1000000};
	struct qdisc_counts counts;
	struct netlink_link ifb;
	struct pair pair = {0};
	struct error err = {0};
	bool made;
	int r;

	if (!make_pair(&pair))
		return;
	r = netlink_ifb_create(pair.netlink, "through0", &err);
	if (r == -EOPNOTSUPP)
		skip("the kernel has no ifb");
	must(r == 0, "%s", err.text);
	is_int(netlink_ifb_create(pair.netlink, "through0", &err), -EEXIST);
	must(netlink_link_by_name(pair.netlink, "through0", &ifb, &err) == 0, "%s", err.text);
	ok(ifb.up);
	must(netlink_qdisc_add_htb(pair.netlink, ifb.index, class.parent, 1, &err) == 0, "%s",
	     err.text);
	must(netlink_class_set_htb(pair.netlink, ifb.index, &class, &err) == 0, "%s", err.text);
	must(netlink_qdisc_add_clsact(pair.netlink, pair.a.index, &made, &err) == 0, "%s",
	     err.text);
	ok(made);
	must(netlink_qdisc_add_clsact(pair.netlink, pair.a.index, &made, &err) == 0, "%s",
	     err.text);
	ok(!made);
	must(netlink_filter_redirect(pair.netlink, pair.a.index, 1, ifb.index, &err) == 0, "%s",
	     err.text);
	send_frames(pair.b.index, 10);
	must(netlink_class_counts(pair.netlink, ifb.index, class.handle, &counts, &err) == 0, "%s",
	     err.text);
	is_uint(counts.packets, 10);
	is_int(netlink_filter_delete(pair.netlink, pair.a.index, QDISC_RECEIVES, 1, &err), 0);
	is_int(netlink_filter_delete(pair.netlink, pair.a.index, QDISC_RECEIVES, 1, &err), 0);
	send_frames(pair.b.index, 10);
	must(netlink_class_counts(pair.netlink, ifb.index, class.handle, &counts, &err) == 0, "%s",
	     err.text);
	is_uint(counts.packets, 10);
	is_int(netlink_qdisc_delete_clsact(pair.netlink, pair.a.index, &err), 0);
	is_int(netlink_qdisc_delete_clsact(pair.netlink, pair.a.index, &err), 0);
	netlink_close(pair.netlink);
}
