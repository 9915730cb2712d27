// SPDX-License-Identifier: GPL-2.0-or-later
/* What is at links for whom: of several who have the same one, of promises that cannot be read, and under other names. */
#include "tap.h"

#include <stdio.h>

#include "base/strings.h"
#include "keeper/link_place.h"
#include "keeper/threads.h"
#include "kernel/napi.h"
#include "kernel/netns.h"
#include "network_place.h"

TEST(nothing_stays_of_a_link_that_was_renamed)
{
	struct place place = {0};
	bool made = false;
	int link;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	link = index_of(&place, "out0");
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	update(&place);
	ok(system("/sbin/ip link set dev out0 name out9") == 0);
	update(&place);
	is_int(index_of(&place, "out9"), link);
	ok(has_our_root(&place, "out9"));
	ok(has_ifb(&place, link));
	is_uint(book_entries(place.book), 4 + 2);
	must(network_update(place.network, NULL, 0, NULL) == 0);
	is_uint(book_entries(place.book), 0);
	ok(!has_our_root(&place, "out9"));
	/* the place for filters has gone, too */
	ok(netlink_qdisc_add_clsact(place.netlink, link, &made, NULL) == 0 && made);
	leave_place(&place);
}

/* Two at one link: the first has a limit of what comes, the other one of what goes, and the promise of the first is damaged. */
TEST(what_is_for_a_promise_that_cannot_be_read_stays_at_a_link_that_several_have)
{
	char *unreadable[] = {(char[]){"a.json"}, NULL};
	struct place place = {0}, twin = {0};
	struct network_workspace list[] = {{.name = "a",
					    .directory = place.directory,
					    .promise = "a.json",
					    .terms = &place.terms},
					   {.name = "b",
					    .directory = twin.directory,
					    .promise = "b.json",
					    .terms = &twin.terms}};
	int index;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	join_twin(&place, &twin);
	index = index_of(&place, "out0");
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	twin.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	must(network_update(place.network, list, 2, NULL) == 0);
	ok(has_our_root(&place, "out0"));
	ok(has_ifb(&place, index));
	/* the other one has gone */
	be_the_next(&place);
	network_take_back(&place.writer, unreadable, 0);
	ok(has_our_root(&place, "out0"));
	ok(!has_ifb(&place, index));
	/* or has another limit by now, first elsewhere and then at the same place */
	be_the_next(&place);
	network_spare(place.network, unreadable);
	must(network_update(place.network, &list[1], 1, NULL) == 0);
	ok(has_our_root(&place, "out0"));
	ok(has_ifb(&place, index));
	twin.terms.net[TERMS_INGRESS].limit_bps = 10000000;
	must(network_update(place.network, &list[1], 1, NULL) == 0);
	/* what it has is not taken back with what the first one had */
	network_take_back(&place.writer, NULL, 0);
	ok(has_our_root(&place, "out0"));
	ok(has_ifb(&place, index));
	remove_group(&twin);
	leave_place(&place);
}

/* With one that is gone already, and one that cannot go: lo, for which the kernel refuses the group. */
TEST(ifbs_go_though_one_of_them_does_not)
{
	struct found ifb = {.means = SHAPE_MEANS, .what = SHAPE_IFB_NOTED, .text = ""};
	struct place place = {0};
	struct error err = {0};

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	ifb.where = "bhe998";
	must(book_note(place.book, &ifb, NULL) == 0);
	is_int(shape_undo_ifbs(place.book, &err), 0);
	ok(!err.code);
	must(netlink_ifb_create(place.netlink, "bhe999", NULL) == 0);
	ifb.where = "bhe999";
	must(book_note(place.book, &ifb, NULL) == 0);
	ifb.where = "lo";
	must(book_note(place.book, &ifb, NULL) == 0);
	ok(shape_undo_ifbs(place.book, &err) < 0);
	is_int(index_of(&place, "bhe999"), -1);
	is_uint(book_entries(place.book), 1);
	leave_place(&place);
}

/* Three at one link, of which the first cannot be read when another one leaves. */
struct company {
	struct place place, others[2];
	struct network_workspace list[3];
};

static bool gather(struct company *c)
{
	static const char *const names[] = {"a", "b", "c"}, *const files[] = {"a.json", "b.json",
									      "c.json"};

	if (!make_place(&c->place) || !can_shape(&c->place)) {
		leave_place(&c->place);
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(c->list); i++) {
		struct place *one = i ? &c->others[i - 1] : &c->place;

		if (i)
			join_twin(&c->place, one);
		c->list[i] = (struct network_workspace){.name = names[i],
							.directory = one->directory,
							.promise = files[i],
							.terms = &one->terms};
	}
	return true;
}

static void part(struct company *c)
{
	remove_group(&c->others[0]);
	remove_group(&c->others[1]);
	leave_place(&c->place);
}

static void set_of(struct company *c, const struct network_workspace *list, size_t n)
{
	struct error err = {0};

	ok(network_update(c->place.network, list, n, &err) == 0, "%s", err.text);
}

/* All of the links' is gone, and the place for filters with it. */
static void has_nothing(struct place *place, const char *name)
{
	int index = index_of(place, name);
	bool made = false;

	ok(!has_our_root(place, name));
	ok(!has_ifb(place, index));
	is_uint(book_entries(place->book), 0);
	ok(netlink_qdisc_add_clsact(place->netlink, index, &made, NULL) == 0 && made);
	netlink_qdisc_delete_clsact(place->netlink, index, NULL);
}

TEST(who_leaves_a_link_leaves_what_is_for_a_promise_that_cannot_be_read)
{
	char *unreadable[] = {(char[]){"a.json"}, NULL};
	struct company c = {0};
	int index;

	if (!gather(&c))
		return;
	index = index_of(&c.place, "out0");
	c.place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	c.others[0].terms.net[TERMS_EGRESS].limit_bps = 20000000;
	set_of(&c, c.list, 2);
	be_the_next(&c.place);
	network_spare(c.place.network, unreadable);
	set_of(&c, &c.list[1], 1);
	set_of(&c, NULL, 0);
	ok(has_our_root(&c.place, "out0"));
	ok(!has_ifb(&c.place, index));
	ok(!network_take_back(&c.place.writer, unreadable, 0));
	ok(has_our_root(&c.place, "out0"));
	/* it is no more */
	ok(!network_take_back(&c.place.writer, NULL, 0));
	has_nothing(&c.place, "out0");
	part(&c);
}

TEST(who_leaves_a_link_leaves_what_it_has_taken_over_from_a_promise_that_cannot_be_read)
{
	char *unreadable[] = {(char[]){"a.json"}, NULL};
	struct company c = {0};
	int index;

	if (!gather(&c))
		return;
	index = index_of(&c.place, "out0");
	c.place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	c.others[0].terms.net[TERMS_EGRESS].limit_bps = 20000000;
	c.others[1].terms.net[TERMS_EGRESS].limit_bps = 30000000;
	c.others[1].terms.gate = TERMS_GATE_DROP;
	set_of(&c, c.list, 1);
	be_the_next(&c.place);
	network_spare(c.place.network, unreadable);
	set_of(&c, &c.list[1], 2);
	c.others[0].terms.net[TERMS_INGRESS].limit_bps = 10000000;
	set_of(&c, &c.list[1], 2);
	/* the third one goes on having what is its own */
	set_of(&c, &c.list[2], 1);
	ok(has_our_root(&c.place, "out0"));
	ok(!network_take_back(&c.place.writer, NULL, 0));
	ok(!has_our_root(&c.place, "out0"));
	ok(has_ifb(&c.place, index));
	ok(netlink_filter_count(c.place.netlink, index, QDISC_SENDS, NULL) > 0);
	network_spare(c.place.network, NULL);
	set_of(&c, NULL, 0);
	has_nothing(&c.place, "out0");
	part(&c);
}

TEST(who_leaves_a_link_alone_leaves_what_leads_to_it_too)
{
	char *unreadable[] = {(char[]){"a.json"}, NULL};
	struct company c = {0};

	if (!gather(&c))
		return;
	c.place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	c.others[0].terms.net[TERMS_EGRESS].limit_bps = 20000000;
	set_of(&c, c.list, 1);
	be_the_next(&c.place);
	network_spare(c.place.network, unreadable);
	set_of(&c, &c.list[1], 1);
	c.others[0].terms.net[TERMS_INGRESS].limit_bps = 10000000;
	set_of(&c, &c.list[1], 1);
	/* what of all this is for whom nobody knows */
	set_of(&c, NULL, 0);
	ok(has_our_root(&c.place, "out0"));
	ok(has_ifb(&c.place, index_of(&c.place, "out0")));
	ok(!network_take_back(&c.place.writer, NULL, 0));
	has_nothing(&c.place, "out0");
	part(&c);
}

/* Nobody else's promise is in need of what one leaves whose own cannot be read, but whose group is gone. */
TEST(who_leaves_a_link_does_not_leave_it_to_itself)
{
	char *unreadable[] = {(char[]){"b.json"}, NULL};
	struct company c = {0};

	if (!gather(&c))
		return;
	c.others[0].terms.net[TERMS_INGRESS].limit_bps = 20000000;
	c.others[0].terms.net[TERMS_EGRESS].limit_bps = 20000000;
	set_of(&c, &c.list[1], 1);
	network_spare(c.place.network, unreadable);
	set_of(&c, NULL, 0);
	has_nothing(&c.place, "out0");
	part(&c);
}

TEST(nothing_of_a_link_that_is_gone_stays_for_a_promise_that_cannot_be_read)
{
	char *unreadable[] = {(char[]){"a.json"}, NULL};
	struct company c = {0};
	int index;

	if (!gather(&c))
		return;
	index = index_of(&c.place, "out0");
	c.place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	c.others[0].terms.net[TERMS_INGRESS].limit_bps = 20000000;
	set_of(&c, c.list, 2);
	be_the_next(&c.place);
	network_spare(c.place.network, unreadable);
	set_of(&c, &c.list[1], 1);
	ok(has_ifb(&c.place, index));
	netlink_link_delete(c.place.netlink, "out0", NULL);
	set_of(&c, &c.list[1], 1);
	ok(!has_ifb(&c.place, index));
	is_uint(book_entries(c.place.book), 0);
	part(&c);
}

/* Which the first one has made for both. */
TEST(the_place_for_filters_goes_with_the_last_who_has_some_there)
{
	struct company c = {0};

	if (!gather(&c))
		return;
	c.place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	c.others[0].terms.gate = TERMS_GATE_DROP;
	set_of(&c, c.list, 2);
	set_of(&c, &c.list[1], 1);
	ok(netlink_filter_count(c.place.netlink, index_of(&c.place, "out0"), QDISC_SENDS, NULL) >
	   0);
	set_of(&c, NULL, 0);
	has_nothing(&c.place, "out0");
	part(&c);
}

/* ---- other names ---- */

TEST(what_a_killed_keeper_has_left_is_found_under_another_name)
{
	struct place place = {0};

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	update(&place);
	be_the_next(&place);
	ok(system("/sbin/ip link set dev out0 name out9") == 0);
	/* which is the name of another one now, with something of ours that is not in the book */
	add_pair(&place, "out0", "in0", getpid());
	ok(netlink_qdisc_add_htb(place.netlink, index_of(&place, "out0"),
				 QDISC_HANDLE(SHAPE_MAJOR, 0), 1, NULL) == 0);
	ok(!network_take_back(&place.writer, NULL, 0));
	has_nothing(&place, "out9");
	ok(has_our_root(&place, "out0"));
	leave_place(&place);
}

TEST(a_keeper_goes_on_with_a_link_that_was_renamed_before_it)
{
	struct place place = {0};

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	place.terms.net[TERMS_INGRESS].limit_bps = 20000000;
	place.terms.net[TERMS_EGRESS].limit_bps = 20000000;
	update(&place);
	be_the_next(&place);
	ok(system("/sbin/ip link set dev out0 name out9") == 0);
	update(&place);
	ok(!network_take_back(&place.writer, NULL, 0));
	ok(has_our_root(&place, "out9"));
	ok(has_ifb(&place, index_of(&place, "out9")));
	must(network_update(place.network, NULL, 0, NULL) == 0);
	has_nothing(&place, "out9");
	leave_place(&place);
}

static bool has_tso(const char *name)
{
	bool on = false;

	ok(napi_read_tso(name, &on, NULL) == 0);
	return on;
}

TEST(a_link_that_was_threaded_is_what_it_was_under_another_name)
{
	struct found found = {.means = THREADS_MEANS, .what = "tso", .text = "1"};
	struct netlink_peer link = {.name = "out0"};
	struct link_place where;
	struct place place = {0};

	if (!make_place(&place))
		return;
	link.index = index_of(&place, "out0");
	where = link_place_of_index(link.index);
	found.where = where.text;
	found.inode = (uint64_t)link.index;
	must(has_tso("out0") && napi_set_tso("out0", false, NULL) == 0);
	must(book_note(place.book, &found, NULL) == 0);
	ok(system("/sbin/ip link set dev out0 name out9") == 0);
	add_pair(&place, "out0", "in0", getpid());
	must(napi_set_tso("out0", false, NULL) == 0);
	is_int(threads_let_go(&place.writer, &link, NULL, NULL), 0);
	ok(has_tso("out9"));
	ok(!has_tso("out0"));
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

TEST(an_earlier_keepers_names_are_taken_back)
{
	struct found found = {.means = SHAPE_MEANS, .where = "out0", .what = "qdisc", .text = ""};
	struct place place = {0};

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	for (int other = 0; other < 2; other++) {
		int index = index_of(&place, "out0");

		found.inode = (uint64_t)(index + other);
		must(book_note(place.book, &found, NULL) == 0);
		ok(netlink_qdisc_add_htb(place.netlink, index, QDISC_HANDLE(SHAPE_MAJOR, 0), 1,
					 NULL) == 0);
		is_int(writer_undo_all(&place.writer, NULL), 0);
		is_uint(book_entries(place.book), 0);
		/* another one may have that name */
		is_int(has_our_root(&place, "out0"), other);
	}
	leave_place(&place);
}

TEST(what_is_in_another_network_namespace_stays_noted)
{
	_cleanup_free_ char *link = NULL, *ifb = NULL;
	struct found found = {.means = SHAPE_MEANS, .text = "", .inherited = true};
	struct place place = {0};
	int index;

	if (!make_place(&place) || !can_shape(&place))
		return leave_place(&place);
	index = index_of(&place, "out0");
	link = string_format("%llu/%d", (unsigned long long)netns_cookie() + 1, index);
	ifb = string_format("%llu/bhe999", (unsigned long long)netns_cookie() + 1);
	found.inode = (uint64_t)index;
	found.where = link;
	found.what = "qdisc";
	must(book_note(place.book, &found, NULL) == 0);
	found.where = ifb;
	found.what = SHAPE_IFB_NOTED;
	must(book_note(place.book, &found, NULL) == 0);
	ok(netlink_qdisc_add_htb(place.netlink, index, QDISC_HANDLE(SHAPE_MAJOR, 0), 1, NULL) == 0);
	must(netlink_ifb_create(place.netlink, "bhe999", NULL) == 0);
	ok(!network_take_back(&place.writer, NULL, 0));
	is_int(writer_undo_all(&place.writer, NULL), 0);
	is_uint(book_entries(place.book), 2);
	ok(has_our_root(&place, "out0"));
	ok(index_of(&place, "bhe999") > 0);
	leave_place(&place);
}
