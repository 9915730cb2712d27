// SPDX-License-Identifier: GPL-2.0-or-later
/* The programs at the ends of links: what they mark, count and drop. */
#include "tap.h"

#include <net/if.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "network_place.h"

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
