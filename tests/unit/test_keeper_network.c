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
	add_link(&place, "out1", "eth1");
	ok(netlink_ifb_create(place.netlink, "other0", &err) == 0, "%s", err.text);
	update(&place);
	ok(has_ifb(&place, index));
	is_int(netlink_filter_count(place.netlink, index, QDISC_SENDS, NULL) > 0, 1);
	/* one went by itself */
	netlink_link_delete(place.netlink,
			    shape_ifb_of(SHAPE_IFB_LINK, index_of(&place, "out1")).name, NULL);
	ok(writer_undo_all(&place.writer, &err) == 0, "%s", err.text);
	is_uint(book_entries(place.book), 0);
	ok(index_of(&place, "other0") > 0);
	ok(!has_ifb(&place, index));
	ok(!has_our_root(&place, "out0"));
	is_int(netlink_filter_count(place.netlink, index, QDISC_SENDS, NULL), 0);
	is_int(netlink_filter_count(place.netlink, index, QDISC_RECEIVES, NULL), 0);
	ok(netlink_qdisc_add_clsact(place.netlink, index, &made, &err) == 0 && !made);
	leave_place(&place);
}

TEST(the_next_keeper_sets_what_is_promised_now_and_takes_the_rest_back)
{
	struct place place = {0};
	int first, second;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	add_link(&place, "out1", "eth1");
	first = index_of(&place, "out0");
	second = index_of(&place, "out1");
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	update(&place);
	ok(has_ifb(&place, first) && has_ifb(&place, second));
	be_the_next(&place);
	ok(has_ifb(&place, first) && has_ifb(&place, second));
	place.terms.net[TERMS_EGRESS].limit_bps = 0;
	update(&place);
	ok(!has_ifb(&place, first) && !has_ifb(&place, second));
	ok(has_our_root(&place, "out0") && has_our_root(&place, "out1"));
	is_uint(book_entries(place.book), 2);
	/* one whose workspace is promised nothing any more */
	be_the_next(&place);
	must(network_update(place.network, NULL, 0, NULL) == 0);
	ok(!network_take_back(&place.writer, NULL, 0));
	ok(!has_our_root(&place, "out0") && !has_our_root(&place, "out1"));
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

#define CROWD 6

/* A workspace more, with a link of its own. */
static void join_crowd(struct place *place, struct place *one, const char *name)
{
	one->netlink = place->netlink;
	one->inside = start_inside();
	must(one->inside > 0);
	make_group(one);
	add_link(one, name, "eth0");
}

static void leave_crowd(struct place *one)
{
	kill(one->inside, SIGKILL);
	waitpid(one->inside, NULL, 0);
	remove_group(one);
}

/* Until it is done; how many it took, at most as many as a crowd could need. */
static int update_late(struct place *place, const struct network_workspace *list, size_t n)
{
	int updates = 0, r = 1;

	/* long ago */
	network_work_until(place->network, 1);
	for (; r > 0 && updates < 10 * CROWD; updates++)
		r = network_update(place->network, list, n, NULL);
	is_int(r, 0);
	return updates;
}

TEST(an_update_ends_when_its_time_is_over_and_the_next_goes_on)
{
	struct network_workspace list[CROWD];
	struct place place = {0}, crowd[CROWD] = {0};
	char names[CROWD][16];
	int updates, set = 0;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	for (int i = 0; i < CROWD; i++) {
		snprintf(names[i], sizeof(names[i]), "crowd%d", i);
		join_crowd(&place, &crowd[i], names[i]);
		list[i] = (struct network_workspace){
			.name = names[i], .directory = crowd[i].directory, .terms = &place.terms};
	}
	updates = update_late(&place, list, CROWD);
	ok(updates >= CROWD, "%d updates", updates);
	for (int i = 0; i < CROWD; i++)
		set += has_our_root(&place, names[i]);
	is_int(set, CROWD);
	/* nothing to do takes no time, once the kernel has told all of what was done */
	for (int i = 0; i < 5 && updates != 1; i++)
		updates = update_late(&place, list, CROWD);
	is_int(updates, 1);
	updates = update_late(&place, NULL, 0);
	ok(updates >= CROWD, "%d updates", updates);
	for (int i = 0; i < CROWD; i++)
		ok(!has_our_root(&place, names[i]));
	for (int i = 0; i < CROWD; i++)
		leave_crowd(&crowd[i]);
	leave_place(&place);
}

TEST(what_fails_for_good_does_not_keep_an_update_from_its_end)
{
	struct place place = {0}, bad[2] = {0};
	struct terms terms = {.net[TERMS_EGRESS].limit_bps = 20000000};

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	join_crowd(&place, &bad[0], "out1");
	join_crowd(&place, &bad[1], "out2");
	share_block(&place, "out1");
	share_block(&place, "out2");
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	const struct network_workspace list[] = {
		{.name = "bad0", .directory = bad[0].directory, .terms = &terms},
		{.name = "bad1", .directory = bad[1].directory, .terms = &terms},
		{.name = "good", .directory = place.directory, .terms = &place.terms}};
	update_late(&place, list, ARRAY_SIZE(list));
	ok(has_our_root(&place, "out0"));
	update_late(&place, list, ARRAY_SIZE(list));
	/* and each is tried again */
	for (int i = 0; i < 2; i++)
		netlink_qdisc_delete_clsact(place.netlink, index_of(&place, i ? "out2" : "out1"),
					    NULL);
	for (int i = 0; i < 3; i++)
		update_late(&place, list, ARRAY_SIZE(list));
	ok(has_ifb(&place, index_of(&place, "out1")));
	ok(has_ifb(&place, index_of(&place, "out2")));
	leave_crowd(&bad[0]);
	leave_crowd(&bad[1]);
	leave_place(&place);
}

/* The search for what is threaded is not the thorough one by which the link was found. */
TEST(threads_that_cannot_be_had_do_not_keep_an_update_from_its_end)
{
	struct place place = {0}, crowd = {0};
	char *places[] = {place.directory, NULL};

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	join_crowd(&place, &crowd, "out1");
	hide(&place);
	hide(&crowd);
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	place.terms.gate = TERMS_GATE_THREADED;
	const struct network_workspace list[] = {{.name = "a",
						  .directory = place.directory,
						  .places = places,
						  .terms = &place.terms},
						 {.name = "b",
						  .directory = crowd.directory,
						  .places = places,
						  .terms = &place.terms}};
	update_late(&place, list, ARRAY_SIZE(list));
	ok(has_our_root(&place, "out0"));
	ok(has_our_root(&place, "out1"));
	update_late(&place, list, ARRAY_SIZE(list));
	leave_crowd(&crowd);
	leave_place(&place);
}

TEST(who_shares_a_link_keeps_its_limits_when_another_leaves)
{
	struct place place = {0}, crowd = {0}, twin = {0};

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	join_crowd(&place, &crowd, "out1");
	join_twin(&place, &twin);
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	const struct network_workspace list[] = {
		{.name = "crowd", .directory = crowd.directory, .terms = &place.terms},
		{.name = "w", .directory = place.directory, .terms = &place.terms},
		{.name = "twin", .directory = twin.directory, .terms = &place.terms}};
	must(network_update(place.network, list, 2, NULL) == 0);
	/* it comes while there is no time yet to drop the one that it follows */
	update_late(&place, &list[2], 1);
	ok(!has_our_root(&place, "out1"));
	ok(has_our_root(&place, "out0"));
	ok(has_ifb(&place, index_of(&place, "out0")));
	/* of the link, and of its ifb */
	is_uint(book_entries(place.book), 4 + 2);
	update_late(&place, &list[1], 2);
	update_late(&place, &list[1], 1);
	ok(has_our_root(&place, "out0"));
	ok(has_ifb(&place, index_of(&place, "out0")));
	update_late(&place, NULL, 0);
	ok(!has_our_root(&place, "out0"));
	is_uint(book_entries(place.book), 0);
	remove_group(&twin);
	leave_crowd(&crowd);
	leave_place(&place);
}

TEST(all_who_share_a_link_are_counted)
{
	struct place place = {0}, twin = {0};
	struct network_counts counts[2] = {0};
	_cleanup_free_ char *command = NULL;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	join_twin(&place, &twin);
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	const struct network_workspace list[] = {
		{.name = "w", .directory = place.directory, .terms = &place.terms},
		{.name = "twin", .directory = twin.directory, .terms = &place.terms}};
	command = string_format("nsenter --net=/proc/%d/ns/net /sbin/ip link set eth0 up",
				place.inside);
	must(command && system(command) == 0);
	must(netlink_link_set_up(place.netlink, index_of(&place, "out0"), NULL) == 0);
	must(network_update(place.network, list, 2, NULL) == 0);
	send_frames(index_of(&place, "out0"), 10);
	network_look(place.network, SECOND_NS);
	for (size_t i = 0; i < 2; i++) {
		ok(network_counts(place.network, list[i].directory, &counts[i]));
		ok(counts[i].limited[TERMS_INGRESS].packets >= 10, "%s: %llu", list[i].name,
		   (unsigned long long)counts[i].limited[TERMS_INGRESS].packets);
	}
	remove_group(&twin);
	leave_place(&place);
}

/* Behind a link that was there, of which nothing is told. */
TEST(who_joins_another_namespace_later_is_found)
{
	struct place place = {0}, other = {0};
	_cleanup_free_ char *path = NULL;
	FILE *procs;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	join_crowd(&place, &other, "out1");
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	update(&place);
	ok(has_our_root(&place, "out0") && !has_our_root(&place, "out1"));
	path = string_format("%s/cgroup.procs", place.directory);
	procs = fopen(path, "we");
	must(procs);
	fprintf(procs, "%d\n%d\n", place.inside, other.inside);
	fclose(procs);
	for (int i = 0; i < 10; i++)
		update(&place);
	ok(has_our_root(&place, "out0") && has_our_root(&place, "out1"));
	leave_crowd(&other);
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
