// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network terms of a workspace: a process in a network namespace of its own, connected to that of the test by
 * a veth pair. Its control group is a folder with a file cgroup.procs.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/network.h"
#include "keeper/shape.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"

struct place {
	char directory[64];
	int book_dir;
	pid_t inside;
	struct netlink *netlink;
	struct book *book;
	struct writer writer;
	struct network *network;
	struct terms terms;
};

/* A child in a network namespace of its own, or -1. */
static pid_t start_inside(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0)
			_exit(1);
		/* who is silent by itself sends what the test does, and no more */
		file_write_at(AT_FDCWD, "/proc/sys/net/ipv6/conf/default/disable_ipv6", "1", NULL);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static void add_pair(struct place *place, const char *name, const char *other, pid_t where)
{
	struct netlink_veth_peer peer = {.name = other};
	_cleanup_close_ int netns = -EBADF;
	struct error err = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", where);
	netns = peer.netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	ok(netlink_veth_create(place->netlink, name, 0, &peer, &err) == 0, "%s", err.text);
}

static void add_link(struct place *place, const char *name, const char *inside)
{
	add_pair(place, name, inside, place->inside);
}

/* Which is no link of the workspace's. */
static void add_uplink(struct place *place, const char *other)
{
	add_pair(place, "up0", other, getpid());
}

static bool make_place(struct place *place)
{
	_cleanup_free_ char *procs = NULL;
	struct error err = {0};
	char text[32];
	bool damaged;
	int dir;

	if (unshare(CLONE_NEWNET) < 0) {
		tap_skip("needs root");
		return false;
	}
	file_write_at(AT_FDCWD, "/proc/sys/net/ipv6/conf/default/disable_ipv6", "1", NULL);
	strcpy(place->directory, "/tmp/behalf-network-XXXXXX");
	place->inside = start_inside();
	if (!ok(place->inside > 0) || !ok(mkdtemp(place->directory) != NULL))
		return false;
	snprintf(text, sizeof(text), "%d\n", place->inside);
	dir = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	place->book_dir = dir;
	if (!ok(file_create_at(dir, "cgroup.procs", text, 0600, &err) == 0, "%s", err.text) ||
	    !ok(netlink_open(&place->netlink, &err) == 0, "%s", err.text) ||
	    !ok(book_open(dir, &place->book, &damaged, &err) == 0, "%s", err.text))
		return false;
	place->writer.book = place->book;
	add_link(place, "out0", "eth0");
	return ok(network_open(&place->network, &place->writer, "up0=10mbit", &err) == 0, "%s",
		  err.text);
}

static void leave_place(struct place *place)
{
	char command[96];

	network_close(place->network);
	book_close(place->book);
	netlink_close(place->netlink);
	if (place->inside > 0) {
		kill(place->inside, SIGKILL);
		waitpid(place->inside, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf %s", place->directory);
	ok(system(command) == 0);
}

static void update(struct place *place)
{
	struct network_workspace w = {
		.name = "w", .directory = place->directory, .terms = &place->terms};
	struct error err = {0};

	ok(network_update(place->network, &w, 1, &err) == 0, "%s", err.text);
}

static int index_of(struct place *place, const char *name)
{
	struct netlink_link link;

	return netlink_link_by_name(place->netlink, name, &link, NULL) == 0 ? link.index : -1;
}

static bool has_our_root(struct place *place, const char *name)
{
	struct netlink_qdisc root = {0};

	netlink_qdisc_root(place->netlink, index_of(place, name), &root, NULL);
	return root.handle == QDISC_HANDLE(SHAPE_MAJOR, 0);
}

static bool has_ifb_of(struct place *place, char use, int index)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "bh%c%x", use, (unsigned int)index);
	return index_of(place, name) > 0;
}

static bool has_ifb(struct place *place, int index)
{
	return has_ifb_of(place, 'e', index);
}

/* The kernel has no HTB or no ifb: nothing to test. */
static bool can_shape(struct place *place)
{
	struct error err = {0};
	bool can = netlink_ifb_create(place->netlink, "probe0", &err) == 0 &&
		   netlink_qdisc_add_htb(place->netlink, index_of(place, "probe0"),
					 QDISC_HANDLE(1, 0), 1, &err) == 0;

	netlink_link_delete(place->netlink, "probe0", NULL);
	if (!can)
		tap_skip("%s", err.text);
	return can;
}

TEST(limits_are_set_changed_and_taken_back)
{
	struct place place = {0};
	int index;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	index = index_of(&place, "out0");
	update(&place);
	ok(!has_our_root(&place, "out0"));
	place.terms.net[TERMS_INGRESS].limit_bps = 10000000;
	update(&place);
	ok(has_our_root(&place, "out0"));
	ok(!has_ifb(&place, index));
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	update(&place);
	update(&place);
	ok(has_ifb(&place, index));
	is_int(netlink_filter_count(place.netlink, index, QDISC_RECEIVES, NULL) > 0, 1);
	place.terms.net[TERMS_INGRESS].limit_bps = 0;
	update(&place);
	ok(!has_our_root(&place, "out0"));
	place.terms.net[TERMS_EGRESS].limit_bps = 0;
	update(&place);
	ok(!has_ifb(&place, index));
	is_int(netlink_filter_count(place.netlink, index, QDISC_RECEIVES, NULL), 0);
	leave_place(&place);
}

/* The test itself, many times: processes that are in front of the one that has the network. */
static void hide(const struct place *place)
{
	_cleanup_free_ char *path = string_format("%s/cgroup.procs", place->directory);
	FILE *out = fopen(path, "we");

	must(out);
	for (int i = 0; i < 300; i++)
		fprintf(out, "%d\n", getpid());
	fprintf(out, "%d\n", place->inside);
	fclose(out);
}

TEST(a_container_that_hides_keeps_its_limits)
{
	struct place place = {0};
	int index;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	index = index_of(&place, "out0");
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	update(&place);
	ok(has_ifb(&place, index));
	hide(&place);
	update(&place);
	ok(has_ifb(&place, index));
	ok(has_our_root(&place, "out0"));
	netlink_link_delete(place.netlink, "out0", NULL);
	update(&place);
	ok(!has_ifb(&place, index));
	leave_place(&place);
}

TEST(one_that_hides_before_it_is_first_looked_at_is_found)
{
	struct place place = {0};

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	hide(&place);
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	update(&place);
	ok(has_our_root(&place, "out0"));
	leave_place(&place);
}

TEST(the_book_forgets_links_that_are_let_go)
{
	struct place place = {0};
	int index;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	for (int i = 0; i < 3; i++) {
		index = index_of(&place, "out0");
		place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
		place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
		update(&place);
		ok(has_ifb(&place, index));
		netlink_link_delete(place.netlink, "out0", NULL);
		add_link(&place, "out0", "eth0");
	}
	update(&place);
	/* of the link, and of its ifb */
	is_uint(book_entries(place.book), 4 + 2);
	must(network_update(place.network, NULL, 0, NULL) == 0);
	is_uint(book_entries(place.book), 0);
	ok(!has_our_root(&place, "out0"));
	leave_place(&place);
}

TEST(a_link_that_comes_or_goes_is_seen)
{
	struct place place = {0};
	int first, second;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	first = index_of(&place, "out0");
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	update(&place);
	add_link(&place, "out1", "eth1");
	second = index_of(&place, "out1");
	update(&place);
	ok(has_ifb(&place, first));
	ok(has_ifb(&place, second));
	ok(has_our_root(&place, "out1"));
	netlink_link_delete(place.netlink, "out0", NULL);
	update(&place);
	ok(!has_ifb(&place, first));
	ok(has_ifb(&place, second));
	leave_place(&place);
}

TEST(what_somebody_else_has_set_is_left_alone)
{
	struct place place = {0};
	struct netlink_qdisc root;
	struct error err = {0};

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	ok(netlink_qdisc_add_htb(place.netlink, index_of(&place, "out0"), QDISC_HANDLE(7, 0), 1,
				 &err) == 0,
	   "%s", err.text);
	place.terms.net[TERMS_INGRESS].limit_bps = 10000000;
	update(&place);
	netlink_qdisc_root(place.netlink, index_of(&place, "out0"), &root, NULL);
	is_uint(root.handle, QDISC_HANDLE(7, 0));
	leave_place(&place);
}

TEST(the_book_undoes_what_a_killed_keeper_has_left)
{
	struct place place = {0};
	struct error err = {0};
	bool made;
	int index;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	index = index_of(&place, "out0");
	/* somebody else's place for filters is there, and stays */
	ok(netlink_qdisc_add_clsact(place.netlink, index, &made, &err) == 0 && made);
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	place.terms.gate = TERMS_GATE_DROP;
	update(&place);
	ok(has_ifb(&place, index));
	is_int(netlink_filter_count(place.netlink, index, QDISC_SENDS, NULL) > 0, 1);
	ok(writer_undo_all(&place.writer, &err) == 0, "%s", err.text);
	ok(!has_ifb(&place, index));
	ok(!has_our_root(&place, "out0"));
	is_int(netlink_filter_count(place.netlink, index, QDISC_SENDS, NULL), 0);
	is_int(netlink_filter_count(place.netlink, index, QDISC_RECEIVES, NULL), 0);
	ok(netlink_qdisc_add_clsact(place.netlink, index, &made, &err) == 0 && !made);
	leave_place(&place);
}

/* Broadcasts N frames of 100 bytes into the link. */
static void send_frames(int index, unsigned int n)
{
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = 6};
	unsigned char frame[100] = {0};

	memset(frame, 0xff, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5; /* for experiments */
	for (unsigned int i = 0; i < n; i++)
		sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to));
}

/* The same, which is switched on at both ends. */
static int add_live_uplink(struct place *place)
{
	struct error err = {0};

	add_uplink(place, "op0");
	ok(netlink_link_set_up(place->netlink, index_of(place, "up0"), &err) == 0, "%s", err.text);
	ok(netlink_link_set_up(place->netlink, index_of(place, "op0"), &err) == 0, "%s", err.text);
	return index_of(place, "up0");
}

#define SECOND_NS 1000000000ull

/* Of N frames that the uplink sends in a tenth of a second, at SECOND: 10 Mbit/s are 1250 of them. */
static void send_by_uplink(struct place *place, unsigned int second, unsigned int n)
{
	uint64_t now_ns = second * SECOND_NS;
	struct error err = {0};

	ok(network_watch(place->network, now_ns, &err) == 0, "%s", err.text);
	send_frames(index_of(place, "up0"), n);
	ok(network_watch(place->network, now_ns + SECOND_NS / 10, &err) == 0, "%s", err.text);
}

#define FRAMES_LITTLE 500
#define FRAMES_MANY 800

TEST(a_reserve_is_a_class_at_the_uplink_while_that_is_needed)
{
	struct place place = {0};
	struct qdisc_counts counts;
	int up, link;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	up = add_live_uplink(&place);
	link = index_of(&place, "out0");
	place.terms.net[TERMS_EGRESS].reserve_bps = 4000000;
	update(&place);
	is_int(netlink_filter_count(place.netlink, link, QDISC_RECEIVES, NULL) > 0, 1);
	send_by_uplink(&place, 1, FRAMES_LITTLE);
	ok(!has_our_root(&place, "up0"));
	send_by_uplink(&place, 2, FRAMES_MANY);
	ok(has_our_root(&place, "up0"));
	ok(!has_our_root(&place, "out0"));
	is_int(netlink_class_counts(place.netlink, up, QDISC_HANDLE(SHAPE_MAJOR, 0x10), &counts,
				    NULL),
	       0);
	/* more than there is */
	place.terms.net[TERMS_EGRESS].reserve_bps = 11000000;
	update(&place);
	ok(has_our_root(&place, "up0"));
	place.terms.net[TERMS_EGRESS].reserve_bps = 4000000;
	update(&place);
	send_by_uplink(&place, 30, FRAMES_LITTLE);
	ok(has_our_root(&place, "up0"));
	send_by_uplink(&place, 33, FRAMES_LITTLE);
	ok(!has_our_root(&place, "up0"));
	/* nobody is there to look */
	must(network_leave(place.network, NULL) == 0);
	ok(has_our_root(&place, "up0"));
	place.terms.net[TERMS_EGRESS].reserve_bps = 0;
	update(&place);
	ok(!has_our_root(&place, "up0"));
	is_int(netlink_filter_count(place.netlink, link, QDISC_RECEIVES, NULL), 0);
	is_int(netlink_filter_count(place.netlink, up, QDISC_SENDS, NULL), 0);
	leave_place(&place);
}

/* What comes from the workspace goes out by the uplink, as if it was forwarded; after the filters of the keeper. */
static void forward_to_uplink(struct place *place)
{
	_cleanup_netlink_ struct netlink *inside = NULL;
	_cleanup_close_ int netns = -EBADF;
	struct netlink_link end;
	struct error err = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", place->inside);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	ok(netlink_open_in(netns, &inside, &err) == 0 &&
		   netlink_link_by_name(inside, "eth0", &end, &err) == 0 &&
		   netlink_link_set_up(inside, end.index, &err) == 0 &&
		   netlink_filter_redirect(place->netlink, index_of(place, "out0"),
					   SHAPE_PRIORITY + 1, index_of(place, "up0"), &err) == 0,
	   "%s", err.text);
}

static void send_from_inside(const struct place *place, unsigned int n)
{
	pid_t pid = fork();
	char path[64];
	int status;

	if (pid == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", place->inside);
		if (setns(open(path, O_RDONLY | O_CLOEXEC), CLONE_NEWNET) < 0)
			_exit(1);
		send_frames((int)if_nametoindex("eth0"), n);
		_exit(0);
	}
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

/* Of the host, with the mark of the first number, which is the workspace's. */
static void send_marked(int index, unsigned int n)
{
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = 6};
	unsigned char frame[100] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, [12] = 0x88, [13] = 0xb5};
	uint32_t mark = 1 << GATE_MARK_SHIFT;

	must(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0);
	for (unsigned int i = 0; i < n; i++)
		sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to));
}

static uint64_t sent_by_workspace(struct place *place, unsigned int second)
{
	struct network_counts counts = {0};

	network_look(place->network, second * SECOND_NS);
	ok(network_counts(place->network, place->directory, &counts));
	return counts.reserved[TERMS_EGRESS].packets;
}

TEST(what_a_workspace_sends_is_counted_with_classes_and_without)
{
	struct place place = {0};
	int up;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	up = add_live_uplink(&place);
	place.terms.net[TERMS_EGRESS].reserve_bps = 4000000;
	update(&place);
	forward_to_uplink(&place);
	send_from_inside(&place, 20);
	/* that a host marks packets for itself makes them nobody's */
	send_marked(up, 50);
	is_uint(sent_by_workspace(&place, 1), 20);
	send_by_uplink(&place, 2, FRAMES_MANY);
	must(has_our_root(&place, "up0"));
	send_from_inside(&place, 20);
	send_marked(up, 50);
	is_uint(sent_by_workspace(&place, 3), 40);
	send_by_uplink(&place, 40, 0);
	must(!has_our_root(&place, "up0"));
	send_from_inside(&place, 20);
	is_uint(sent_by_workspace(&place, 41), 60);
	leave_place(&place);
}

/* Of programs, each told with its place, and one that redirects, which has a table, too. */
#define FOUR_FILTERS (3 * 2 + 3)

/* As where the way out is by way of a container. */
TEST(an_uplink_that_is_a_link_of_a_workspace)
{
	struct place place = {0};
	int up;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	add_link(&place, "up0", "eth1");
	up = index_of(&place, "up0");
	place.terms.gate = TERMS_GATE_DROP;
	place.terms.net[TERMS_INGRESS].reserve_bps = 4000000;
	update(&place);
	/* the mark, the gate of what arrives, what holds, what redirects */
	is_int(netlink_filter_count(place.netlink, up, QDISC_RECEIVES, NULL), FOUR_FILTERS);
	ok(has_ifb_of(&place, 'i', up));
	/* a limit needs the place of the classes, and says so */
	place.terms.net[TERMS_EGRESS].limit_bps = 3000000;
	update(&place);
	ok(!has_ifb_of(&place, 'i', up));
	ok(has_ifb(&place, up));
	is_int(netlink_filter_count(place.netlink, up, QDISC_RECEIVES, NULL), FOUR_FILTERS);
	update(&place);
	place.terms.net[TERMS_EGRESS].limit_bps = 0;
	update(&place);
	update(&place);
	ok(has_ifb_of(&place, 'i', up));
	ok(!has_ifb(&place, up));
	is_int(netlink_filter_count(place.netlink, up, QDISC_RECEIVES, NULL), FOUR_FILTERS);
	/* the same of what is sent, at the root */
	place.terms.net[TERMS_EGRESS].reserve_bps = 4000000;
	place.terms.net[TERMS_INGRESS].limit_bps = 3000000;
	update(&place);
	send_by_uplink(&place, 2, FRAMES_MANY);
	ok(has_our_root(&place, "up0"));
	is_int(netlink_class_counts(place.netlink, up, QDISC_HANDLE(SHAPE_MAJOR, 0x10),
				    &(struct qdisc_counts){0}, NULL),
	       -ENOENT);
	place.terms = (struct terms){0};
	update(&place);
	update(&place);
	is_int(netlink_filter_count(place.netlink, up, QDISC_RECEIVES, NULL), 0);
	is_int(netlink_filter_count(place.netlink, up, QDISC_SENDS, NULL), 0);
	must(network_update(place.network, NULL, 0, NULL) == 0);
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

TEST(a_reserve_of_what_arrives_is_a_class_behind_the_uplink)
{
	struct place place = {0};
	struct qdisc_counts counts;
	char ifb[IFNAMSIZ];
	int up, link;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	up = add_live_uplink(&place);
	link = index_of(&place, "out0");
	snprintf(ifb, sizeof(ifb), "bhi%x", (unsigned int)up);
	place.terms.net[TERMS_INGRESS].reserve_bps = 4000000;
	update(&place);
	ok(!has_our_root(&place, "up0"));
	ok(has_our_root(&place, ifb));
	is_int(netlink_class_counts(place.netlink, index_of(&place, ifb),
				    QDISC_HANDLE(SHAPE_MAJOR, 0x10), &counts, NULL),
	       0);
	ok(netlink_filter_count(place.netlink, up, QDISC_RECEIVES, NULL) > 0);
	ok(netlink_filter_count(place.netlink, up, QDISC_SENDS, NULL) > 0);
	ok(netlink_filter_count(place.netlink, link, QDISC_RECEIVES, NULL) > 0);
	ok(netlink_filter_count(place.netlink, link, QDISC_SENDS, NULL) > 0);
	network_look(place.network, 1000000000);
	network_look(place.network, 2000000000);
	ok(network_truth(place.network, place.directory, TERMS_INGRESS, true) != NULL);
	ok(network_truth(place.network, place.directory, TERMS_EGRESS, true) == NULL);
	/* both ways, and then this one no more */
	place.terms.net[TERMS_EGRESS].share = 50;
	update(&place);
	send_by_uplink(&place, 3, FRAMES_MANY);
	ok(has_our_root(&place, "up0"));
	place.terms.net[TERMS_INGRESS].reserve_bps = 0;
	update(&place);
	ok(has_our_root(&place, "up0"));
	ok(index_of(&place, ifb) < 0);
	is_int(netlink_filter_count(place.netlink, up, QDISC_RECEIVES, NULL), 0);
	ok(netlink_filter_count(place.netlink, up, QDISC_SENDS, NULL) > 0);
	is_int(netlink_filter_count(place.netlink, link, QDISC_SENDS, NULL), 0);
	place.terms.net[TERMS_EGRESS].share = 0;
	update(&place);
	must(network_update(place.network, NULL, 0, NULL) == 0);
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

TEST(the_book_undoes_what_was_set_at_the_uplink)
{
	struct place place = {0};
	struct error err = {0};
	char ifb[IFNAMSIZ];
	int up;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	up = add_live_uplink(&place);
	snprintf(ifb, sizeof(ifb), "bhi%x", (unsigned int)up);
	place.terms.net[TERMS_INGRESS].reserve_bps = 4000000;
	place.terms.net[TERMS_EGRESS].reserve_bps = 4000000;
	update(&place);
	send_by_uplink(&place, 1, FRAMES_MANY);
	ok(has_our_root(&place, ifb) && has_our_root(&place, "up0"));
	ok(writer_undo_all(&place.writer, &err) == 0, "%s", err.text);
	ok(index_of(&place, ifb) < 0 && !has_our_root(&place, "up0"));
	is_int(netlink_filter_count(place.netlink, up, QDISC_RECEIVES, NULL), 0);
	is_int(netlink_filter_count(place.netlink, up, QDISC_SENDS, NULL), 0);
	leave_place(&place);
}

/* What is received from a link carries its workspace's number only where somebody reads it: the mark is others', too. */
TEST(packets_are_marked_for_an_uplink_only)
{
	struct place place = {0};
	int link;

	if (!make_place(&place))
		return leave_place(&place);
	link = index_of(&place, "out0");
	place.terms.gate = TERMS_GATE_DROP;
	update(&place);
	is_int(netlink_filter_count(place.netlink, link, QDISC_RECEIVES, NULL), 0);
	/* a filter counts twice, with its priority */
	is_int(netlink_filter_count(place.netlink, link, QDISC_SENDS, NULL), 2);
	add_uplink(&place, "op0");
	update(&place);
	is_int(netlink_filter_count(place.netlink, link, QDISC_RECEIVES, NULL), 2);
	is_int(netlink_filter_count(place.netlink, link, QDISC_SENDS, NULL), 4);
	netlink_link_delete(place.netlink, "up0", NULL);
	update(&place);
	is_int(netlink_filter_count(place.netlink, link, QDISC_RECEIVES, NULL), 0);
	is_int(netlink_filter_count(place.netlink, link, QDISC_SENDS, NULL), 2);
	must(network_update(place.network, NULL, 0, NULL) == 0);
	is_int(netlink_filter_count(place.netlink, link, QDISC_SENDS, NULL), 0);
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

/* A place for filters whose receiving side is shared with other interfaces: no filter can be put there. */
static void share_block(struct place *place, const char *name)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
						 sizeof(struct tcmsg));
	struct tcmsg *about = netlink_payload(request);

	about->tcm_ifindex = index_of(place, name);
	about->tcm_parent = TC_H_CLSACT;
	about->tcm_handle = QDISC_HANDLE(TC_H_CLSACT >> 16, 0);
	netlink_put_string(request, TCA_KIND, "clsact");
	netlink_put_u32(request, TCA_INGRESS_BLOCK, 22);
	is_int(netlink_request(place->netlink, request), 0);
}

static unsigned int noted_of(struct place *place, const char *where)
{
	unsigned int n = 0;

	for (size_t i = 0; i < book_entries(place->book); i++)
		n += strcmp(book_entry(place->book, i).where, where) == 0;
	return n;
}

TEST(what_fails_half_way_at_the_uplink_leaves_nothing)
{
	struct place place = {0};
	char ifb[IFNAMSIZ];
	int up;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	add_uplink(&place, "op0");
	up = index_of(&place, "up0");
	snprintf(ifb, sizeof(ifb), "bhi%x", (unsigned int)up);
	share_block(&place, "up0");
	place.terms.gate = TERMS_GATE_DROP;
	place.terms.net[TERMS_INGRESS].reserve_bps = 4000000;
	for (int i = 0; i < 2; i++) {
		update(&place);
		is_int(netlink_filter_count(place.netlink, up, QDISC_SENDS, NULL), 0);
		ok(index_of(&place, ifb) < 0);
		is_uint(noted_of(&place, "up0"), 0);
	}
	leave_place(&place);
}

TEST(a_limit_that_fails_half_way_leaves_nothing)
{
	struct place place = {0};
	int link;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	link = index_of(&place, "out0");
	share_block(&place, "out0");
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	update(&place);
	ok(!has_ifb(&place, link));
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

/* An interface that has lost its name to another one is none of ours any more. */
TEST(an_uplink_that_is_another_one_by_now)
{
	struct place place = {0};
	int before, up;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	add_uplink(&place, "op0");
	before = index_of(&place, "up0");
	place.terms.gate = TERMS_GATE_DROP;
	place.terms.net[TERMS_INGRESS].reserve_bps = 4000000;
	place.terms.net[TERMS_EGRESS].reserve_bps = 4000000;
	update(&place);
	/* or there would be classes only as soon as it is half full */
	must(network_leave(place.network, NULL) == 0);
	ok(has_our_root(&place, "up0"));
	ok(netlink_filter_count(place.netlink, before, QDISC_SENDS, NULL) > 0);
	/* Linux 6.1 does not while it is on */
	ok(system("/sbin/ip link set dev up0 down && /sbin/ip link set dev up0 name was0") == 0);
	add_uplink(&place, "op1");
	up = index_of(&place, "up0");
	update(&place);
	ok(!has_our_root(&place, "was0"));
	is_int(netlink_filter_count(place.netlink, before, QDISC_SENDS, NULL), 0);
	is_int(netlink_filter_count(place.netlink, before, QDISC_RECEIVES, NULL), 0);
	ok(has_our_root(&place, "up0"));
	ok(netlink_filter_count(place.netlink, up, QDISC_RECEIVES, NULL) > 0);
	must(network_update(place.network, NULL, 0, NULL) == 0);
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

TEST(a_gate_drops_what_the_host_sends_into_the_link)
{
	struct place place = {0};
	struct network_counts counts = {0};
	int index;

	if (!make_place(&place))
		return leave_place(&place);
	index = index_of(&place, "out0");
	place.terms.gate = TERMS_GATE_DROP;
	update(&place);
	send_frames(index, 50);
	ok(network_counts(place.network, place.directory, &counts));
	ok(!counts.gate_shut);
	is_uint(counts.gate.dropped, 0);
	network_gate(place.network, place.directory, 1e-6, 0);
	send_frames(index, 50);
	ok(network_counts(place.network, place.directory, &counts));
	ok(counts.gate_shut);
	/* the other end is down, which drops nothing before the gate */
	ok(counts.gate.dropped >= 45 && counts.gate.dropped <= 50, "%llu dropped",
	   (unsigned long long)counts.gate.dropped);
	network_gate(place.network, place.directory, 0, 0);
	send_frames(index, 50);
	ok(network_counts(place.network, place.directory, &counts));
	ok(!counts.gate_shut);
	ok(counts.gate.dropped <= 50);
	leave_place(&place);
}
