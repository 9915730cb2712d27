// SPDX-License-Identifier: GPL-2.0-or-later
/* Reserves: classes at the uplink, and behind it, while they are needed. */
#include "tap.h"

#include "network_place.h"

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
