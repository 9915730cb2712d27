// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits at the links of a workspace: set, changed, found again and taken back. */
#include "tap.h"

#include <stdio.h>

#include "base/strings.h"
#include "network_place.h"

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
