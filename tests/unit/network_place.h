/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * For the tests of network terms: a workspace that is a process in a network namespace of its own, connected to that
 * of the test by a veth pair. Its control group is a folder with a file cgroup.procs.
 */
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
#include "tap.h"

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
static inline pid_t start_inside(void)
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

static inline void add_pair(struct place *place, const char *name, const char *other, pid_t where)
{
	struct netlink_veth_peer peer = {.name = other};
	_cleanup_close_ int netns = -EBADF;
	struct error err = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", where);
	netns = peer.netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	ok(netlink_veth_create(place->netlink, name, 0, &peer, &err) == 0, "%s", err.text);
}

static inline void add_link(struct place *place, const char *name, const char *inside)
{
	add_pair(place, name, inside, place->inside);
}

/* Which is no link of the workspace's. */
static inline void add_uplink(struct place *place, const char *other)
{
	add_pair(place, "up0", other, getpid());
}

static inline bool make_place(struct place *place)
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

static inline void leave_place(struct place *place)
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

static inline void update(struct place *place)
{
	struct network_workspace w = {
		.name = "w", .directory = place->directory, .terms = &place->terms};
	struct error err = {0};

	ok(network_update(place->network, &w, 1, &err) == 0, "%s", err.text);
}

static inline int index_of(struct place *place, const char *name)
{
	struct netlink_link link;

	return netlink_link_by_name(place->netlink, name, &link, NULL) == 0 ? link.index : -1;
}

static inline bool has_our_root(struct place *place, const char *name)
{
	struct netlink_qdisc root = {0};

	netlink_qdisc_root(place->netlink, index_of(place, name), &root, NULL);
	return root.handle == QDISC_HANDLE(SHAPE_MAJOR, 0);
}

static inline bool has_ifb_of(struct place *place, char use, int index)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "bh%c%x", use, (unsigned int)index);
	return index_of(place, name) > 0;
}

static inline bool has_ifb(struct place *place, int index)
{
	return has_ifb_of(place, 'e', index);
}

/* The kernel has no HTB or no ifb: nothing to test. */
static inline bool can_shape(struct place *place)
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

/* A place for filters whose receiving side is shared with other interfaces: no filter can be put there. */
static inline void share_block(struct place *place, const char *name)
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

/* Broadcasts N frames of 100 bytes into the link. */
static inline void send_frames(int index, unsigned int n)
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
static inline int add_live_uplink(struct place *place)
{
	struct error err = {0};

	add_uplink(place, "op0");
	ok(netlink_link_set_up(place->netlink, index_of(place, "up0"), &err) == 0, "%s", err.text);
	ok(netlink_link_set_up(place->netlink, index_of(place, "op0"), &err) == 0, "%s", err.text);
	return index_of(place, "up0");
}

/* As the next keeper finds it. */
static inline void be_the_next(struct place *place)
{
	struct error err = {0};
	bool damaged = true;

	network_close(place->network);
	must(book_flush(place->book, &err) == 0, "%s", err.text);
	book_close(place->book);
	must(book_open(place->book_dir, &place->book, &damaged, &err) == 0, "%s", err.text);
	ok(!damaged);
	place->writer.book = place->book;
	must(network_open(&place->network, &place->writer, "up0=10mbit", &err) == 0, "%s",
	     err.text);
}

static inline void make_group(struct place *one)
{
	char text[32];
	int dir;

	strcpy(one->directory, "/tmp/behalf-network-XXXXXX");
	must(mkdtemp(one->directory) != NULL);
	dir = open(one->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(text, sizeof(text), "%d\n", one->inside);
	must(file_create_at(dir, "cgroup.procs", text, 0600, NULL) == 0);
	close(dir);
}

static inline void remove_group(const struct place *one)
{
	_cleanup_free_ char *command = string_format("rm -rf %s", one->directory);

	ok(system(command) == 0);
}

/* Another one in the network namespace of the first. */
static inline void join_twin(const struct place *place, struct place *twin)
{
	twin->inside = place->inside;
	make_group(twin);
}

#define SECOND_NS 1000000000ull

/* Of N frames that the uplink sends in a tenth of a second, at SECOND: 10 Mbit/s are 1250 of them. */
static inline void send_by_uplink(struct place *place, unsigned int second, unsigned int n)
{
	uint64_t now_ns = second * SECOND_NS;
	struct error err = {0};

	ok(network_watch(place->network, now_ns, &err) == 0, "%s", err.text);
	send_frames(index_of(place, "up0"), n);
	ok(network_watch(place->network, now_ns + SECOND_NS / 10, &err) == 0, "%s", err.text);
}

#define FRAMES_LITTLE 500
#define FRAMES_MANY 800
