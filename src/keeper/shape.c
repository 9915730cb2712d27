// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "keeper/link_place.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"

#define QDISC QDISC_HANDLE(SHAPE_MAJOR, 0)
#define CLASS QDISC_HANDLE(SHAPE_MAJOR, 1)

/* What can be in the book of a link, and has to be undone. */
#define ROOT "qdisc"
#define CLSACT "clsact"
#define REDIRECT "redirect"
#define IFB SHAPE_IFB_NOTED
#define GATE "gate"
#define MARK "mark"
#define HOLD "hold"
#define HOLD_ALL "hold-all"
#define LEARN "learn"
#define LEARN_FLOWS "learn-flows"
#define COUNT "count"
#define GATE_ARRIVING "gate-arriving"

struct shape_ifb shape_ifb_of(enum shape_ifb_use use, int index)
{
	struct shape_ifb ifb;

	snprintf(ifb.name, sizeof(ifb.name), "bh%c%x", use, (unsigned int)index);
	return ifb;
}

/* Of an interface there is nothing to be put back but that it was not there. */
static int note(const struct shaper *shaper, const struct link_place *where, int index,
		const char *what, struct error *err)
{
	struct found found = {.means = SHAPE_MEANS,
			      .where = where->text,
			      .what = what,
			      .text = "",
			      .inode = (uint64_t)index};

	return writer_note_link(shaper->writer, &found, err);
}

static int note_at(const struct shaper *shaper, int index, const char *what, struct error *err)
{
	const struct link_place where = link_place_of_index(index);

	return note(shaper, &where, index, what, err);
}

static void forget_one(const struct shaper *shaper, int index, const char *what)
{
	if (shaper->writer->book)
		book_forget_one(shaper->writer->book, link_place_of_index(index).text, what);
}

static void forget_ifb(const struct shaper *shaper, const char *name)
{
	if (shaper->writer->book)
		book_forget(shaper->writer->book, link_place_of_ifb(name).text);
}

/* Somebody else may have put another one in its place. */
static int drop_root(struct netlink *netlink, int index, struct error *err)
{
	struct netlink_qdisc root;
	int r = netlink_qdisc_root(netlink, index, &root, err);

	return r == 0 && root.handle == QDISC ? netlink_qdisc_delete_root(netlink, index, err) : r;
}

int shape_leave_root(const struct shaper *shaper, int index, struct error *err)
{
	int r = drop_root(shaper->netlink, index, err);

	if (r == 0)
		forget_one(shaper, index, ROOT);
	return r;
}

/* A dry run only says what it would set. */
static bool only_told(const struct shaper *shaper, const char *name, const char *link,
		      const char *what, uint64_t bps)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, bps);
	if (!shaper->writer->dry) {
		shaper->writer->writes++;
		return false;
	}
	writer_tell(shaper->writer, name, link, what, text);
	return true;
}

static int set_class(const struct shaper *shaper, int index, uint64_t bps, struct error *err)
{
	struct qdisc_htb_class class = {
		.parent = QDISC, .handle = CLASS, .rate_bytes = bps / 8, .ceil_bytes = bps / 8};

	return netlink_class_set_htb(shaper->netlink, index, &class, err);
}

/* *OURS: it is there already. */
static int look_at_root(const struct shaper *shaper, const char *link, int index, bool *ours,
			struct error *err)
{
	struct netlink_qdisc root;
	int r = netlink_qdisc_root(shaper->netlink, index, &root, err);

	*ours = r == 0 && root.handle == QDISC;
	if (r < 0 || *ours || !root.handle)
		return r;
	return error_set(err, EBUSY, "the interface '%s' has a qdisc of somebody else (%s %x:)",
			 link, root.kind, root.handle >> 16);
}

int shape_check_root(const struct shaper *shaper, const char *link, int index, struct error *err)
{
	bool ours;

	return look_at_root(shaper, link, index, &ours, err);
}

/* WHERE the book has it. */
static int take_root(const struct shaper *shaper, const struct link_place *where, const char *name,
		     int index, uint32_t default_minor, struct error *err)
{
	bool ours;
	int r = look_at_root(shaper, name, index, &ours, err);

	if (r < 0)
		return r;
	/* also when a killed keeper has left it: from now on it is this one's */
	r = note(shaper, where, index, ROOT, err);
	if (r == 0 && !ours)
		r = netlink_qdisc_add_htb(shaper->netlink, index, QDISC, default_minor, err);
	if (r < 0 && !ours && shaper->writer->book)
		book_forget_one(shaper->writer->book, where->text, ROOT);
	return r;
}

int shape_take_root(const struct shaper *shaper, const char *link, int index,
		    uint32_t default_minor, struct error *err)
{
	const struct link_place where = link_place_of_index(index);

	return take_root(shaper, &where, link, index, default_minor, err);
}

static int limit_ingress(const struct shaper *shaper, const char *name,
			 const struct netlink_peer *link, uint64_t bps, bool limited,
			 struct error *err)
{
	int r;

	if (only_told(shaper, name, link->name, "net.ingress.limit", bps))
		return 0;
	if (!bps)
		return shape_leave_root(shaper, link->index, err);
	r = shape_take_root(shaper, link->name, link->index, 1, err);
	if (r < 0)
		return r;
	r = set_class(shaper, link->index, bps, err);
	if (r < 0 && !limited)
		shape_leave_root(shaper, link->index, NULL);
	return r;
}

static bool is_noted(const struct shaper *shaper, int index, const char *what, struct found *found)
{
	const struct book *book = shaper->writer->book;

	return book && book_find(book, link_place_of_index(index).text, what, found);
}

/*
 * The place for filters, which somebody else may have made, and may use. Whoever comes first makes it for all who have
 * the link, so that it is nobody's alone.
 */
static int take_clsact(const struct shaper *shaper, const struct netlink_peer *link,
		       struct error *err)
{
	const char *promise = shaper->writer->promise;
	struct found found;
	bool made = false;
	int r = netlink_qdisc_add_clsact(shaper->netlink, link->index, &made, err);

	/* noted late: killed in between, it leaves an empty place, which does nothing */
	if (r < 0 || !(made || is_noted(shaper, link->index, CLSACT, &found)))
		return r;
	shaper->writer->promise = NULL;
	r = note_at(shaper, link->index, CLSACT, err);
	shaper->writer->promise = promise;
	return r;
}

/* Somebody else may have come to use it. */
static bool is_used(struct netlink *netlink, int index)
{
	return netlink_filter_count(netlink, index, QDISC_RECEIVES, NULL) != 0 ||
	       netlink_filter_count(netlink, index, QDISC_SENDS, NULL) != 0;
}

int shape_leave_place(const struct shaper *shaper, const struct netlink_peer *link,
		      struct error *err)
{
	struct found found;
	int r;

	if (!is_noted(shaper, link->index, CLSACT, &found) || is_used(shaper->netlink, link->index))
		return 0;
	r = netlink_qdisc_delete_clsact(shaper->netlink, link->index, err);
	if (r == 0)
		forget_one(shaper, link->index, CLSACT);
	return r;
}

int shape_make_ifb(const struct shaper *shaper, const char *name, int index, uint32_t default_minor,
		   int *ifb, struct error *err)
{
	const struct link_place where = link_place_of_ifb(name);
	struct netlink_link link = {0};
	int r = note(shaper, &where, index, IFB, err);

	if (r == 0)
		r = netlink_ifb_create(shaper->netlink, name, err);
	if (r == 0 || r == -EEXIST)
		r = netlink_link_by_name(shaper->netlink, name, &link, err);
	if (r == 0)
		r = take_root(shaper, &where, name, link.index, default_minor, err);
	if (r == 0)
		*ifb = link.index;
	return r;
}

int shape_redirect(const struct shaper *shaper, const struct netlink_peer *link, int ifb,
		   struct error *err)
{
	int r = take_clsact(shaper, link, err);

	if (r == 0)
		r = note_at(shaper, link->index, REDIRECT, err);
	/* one that a killed keeper has left leads to an ifb of long ago */
	if (r == 0)
		r = netlink_filter_delete(shaper->netlink, link->index, QDISC_RECEIVES,
					  SHAPE_PRIORITY, err);
	return r == 0 ? netlink_filter_redirect(shaper->netlink, link->index, SHAPE_PRIORITY, ifb,
						err)
		      : r;
}

int shape_redirect_end(const struct shaper *shaper, const struct netlink_peer *link,
		       const char *name, struct error *err)
{
	int r = netlink_filter_delete(shaper->netlink, link->index, QDISC_RECEIVES, SHAPE_PRIORITY,
				      err);

	if (r == 0)
		r = netlink_link_delete(shaper->netlink, name, err);
	if (r < 0)
		return r;
	forget_one(shaper, link->index, REDIRECT);
	forget_ifb(shaper, name);
	return 0;
}

/* What went but half the way. */
static void undo_redirect(const struct shaper *shaper, const struct netlink_peer *link,
			  const char *ifb)
{
	shape_redirect_end(shaper, link, ifb, NULL);
	shape_leave_place(shaper, link, NULL);
}

/* A program as a filter of one side. */
struct placed {
	const char *what; /* in the book */
	const char *label;
	enum qdisc_side side;
	uint16_t priority;
	enum gate_program program;
};

enum {
	PLACED_GATE,
	PLACED_MARK,
	PLACED_LEARN,
	PLACED_LEARN_FLOWS,
	PLACED_COUNT,
	PLACED_GATE_ARRIVING,
	PLACED_HOLD,
	PLACED_HOLD_ALL,
};

/*
 * A mark has to be there before a redirection takes the packet away; what the gate drops is learned too. Those of a link
 * and those of the uplink may be at the same interface, but for the two that hold back, of which network.c sets one.
 */
static const struct placed all_placed[] = {
	[PLACED_GATE] = {GATE, "behalf_gate", QDISC_SENDS, SHAPE_PRIORITY, GATE_LINK},
	[PLACED_MARK] = {MARK, "behalf_mark", QDISC_RECEIVES, SHAPE_PRIORITY - 2, UPLINK_MARK},
	[PLACED_HOLD] = {HOLD, "behalf_hold", QDISC_RECEIVES, SHAPE_PRIORITY - 1, LINK_HOLD},
	[PLACED_HOLD_ALL] = {HOLD_ALL, "behalf_hold", QDISC_RECEIVES, SHAPE_PRIORITY - 1,
			     UPLINK_HOLD},
	[PLACED_LEARN] = {LEARN, "behalf_learn", QDISC_SENDS, SHAPE_PRIORITY - 1, LINK_LEARN},
	[PLACED_LEARN_FLOWS] = {LEARN_FLOWS, "behalf_flows", QDISC_SENDS, SHAPE_PRIORITY - 2,
				UPLINK_LEARN},
	[PLACED_COUNT] = {COUNT, "behalf_count", QDISC_SENDS, SHAPE_PRIORITY - 3, UPLINK_COUNT},
	[PLACED_GATE_ARRIVING] = {GATE_ARRIVING, "behalf_gate", QDISC_RECEIVES, SHAPE_PRIORITY - 3,
				  GATE_UPLINK},
};

static int take_away(const struct shaper *shaper, const struct netlink_peer *link,
		     const struct placed *placed, struct error *err)
{
	int r = netlink_filter_delete(shaper->netlink, link->index, placed->side, placed->priority,
				      err);

	if (r == 0)
		forget_one(shaper, link->index, placed->what);
	return r;
}

static int put_program(const struct shaper *shaper, const char *name,
		       const struct netlink_peer *link, int number, const struct placed *placed,
		       struct error *err)
{
	/* one that a killed keeper has left */
	int r = netlink_filter_delete(shaper->netlink, link->index, placed->side, placed->priority,
				      err);

	if (r < 0)
		return r;
	r = number < 0 ? 0 : gates_bind_link(shaper->gates, link->index, number);
	if (r < 0)
		return error_errno(err, r, "bind '%s' to '%s'", link->name, name);
	return netlink_filter_program(shaper->netlink, link->index, placed->side, placed->priority,
				      gates_program(shaper->gates, placed->program), placed->label,
				      err);
}

/* NUMBER below 0: it is not about one workspace. */
static int place(const struct shaper *shaper, const char *name, const struct netlink_peer *link,
		 int number, const struct placed *placed, bool wanted, struct error *err)
{
	int r;

	if (only_told(shaper, name, link->name, placed->what, wanted))
		return 0;
	if (!wanted)
		return take_away(shaper, link, placed, err);
	r = take_clsact(shaper, link, err);
	if (r == 0)
		r = note_at(shaper, link->index, placed->what, err);
	if (r == 0)
		r = put_program(shaper, name, link, number, placed, err);
	if (r < 0) {
		take_away(shaper, link, placed, NULL);
		shape_leave_place(shaper, link, NULL);
	}
	return r;
}

/*
 * To have all wait at the ifb costs a tenth of what two CPUs can transfer: what is below a rate passes it by. Without
 * programs of ours all goes through.
 */
static int hold(const struct shaper *shaper, const char *name, const struct netlink_peer *link,
		const struct placed *placed, uint64_t bps, struct error *err)
{
	int r;

	/* what an earlier keeper has left there would go by a rate of its own */
	if (!shaper->gates)
		return take_away(shaper, link, placed, err);
	r = gates_hold_link(shaper->gates, link->index, bps / 8);
	if (r < 0)
		return error_errno(err, r, "let pass what is below the rate of '%s'", link->name);
	return place(shaper, name, link, -1, placed, bps != 0, err);
}

static int limit_egress(const struct shaper *shaper, const char *name,
			const struct netlink_peer *link, uint64_t bps, struct shape *now,
			struct error *err)
{
	bool limited = now->egress_limit_bps != 0;
	struct shape_ifb ifb = shape_ifb_of(SHAPE_IFB_LINK, link->index);
	int index = 0, r;

	if (only_told(shaper, name, link->name, "net.egress.limit", bps))
		return 0;
	if (!bps) {
		r = hold(shaper, name, link, &all_placed[PLACED_HOLD], 0, err);
		return r == 0 ? shape_redirect_end(shaper, link, ifb.name, err) : r;
	}
	r = shape_make_ifb(shaper, ifb.name, link->index, 1, &index, err);
	if (r == 0)
		r = set_class(shaper, index, bps, err);
	if (r == 0 && !limited)
		r = shape_redirect(shaper, link, index, err);
	if (r == 0)
		r = hold(shaper, name, link, &all_placed[PLACED_HOLD], bps, err);
	if (r < 0 && !limited)
		undo_redirect(shaper, link, ifb.name);
	if (r == 0)
		now->ifb = index;
	return r;
}

static int place_all(const struct shaper *shaper, const char *name, const struct netlink_peer *link,
		     int number, const struct shape *wanted, struct shape *now, struct error *err)
{
	const struct {
		bool wanted;
		bool *now;
	} places[] = {
		[PLACED_GATE] = {wanted->gate, &now->gate},
		[PLACED_MARK] = {wanted->mark, &now->mark},
		[PLACED_LEARN] = {wanted->learn, &now->learn},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int r;

		if (places[i].wanted == *places[i].now)
			continue;
		r = place(shaper, name, link, number, &all_placed[i], places[i].wanted, err);
		if (r < 0)
			return r;
		*places[i].now = places[i].wanted;
	}
	return 0;
}

bool shape_is(const struct shape *now, const struct shape *wanted)
{
	return now->ingress_limit_bps == wanted->ingress_limit_bps &&
	       now->egress_limit_bps == wanted->egress_limit_bps && now->gate == wanted->gate &&
	       now->mark == wanted->mark && now->learn == wanted->learn;
}

int shape_link(const struct shaper *shaper, const char *name, const struct netlink_peer *link,
	       int number, const struct shape *wanted, struct shape *now, struct error *err)
{
	int r = 0;

	if (wanted->ingress_limit_bps != now->ingress_limit_bps) {
		r = limit_ingress(shaper, name, link, wanted->ingress_limit_bps,
				  now->ingress_limit_bps != 0, err);
		if (r == 0)
			now->ingress_limit_bps = wanted->ingress_limit_bps;
	}
	if (r == 0 && wanted->egress_limit_bps != now->egress_limit_bps) {
		r = limit_egress(shaper, name, link, wanted->egress_limit_bps, now, err);
		if (r == 0)
			now->egress_limit_bps = wanted->egress_limit_bps;
	}
	return r == 0 ? place_all(shaper, name, link, number, wanted, now, err) : r;
}

int shape_learn_at_uplink(const struct shaper *shaper, const struct netlink_peer *link, bool on,
			  struct error *err)
{
	return place(shaper, link->name, link, -1, &all_placed[PLACED_LEARN_FLOWS], on, err);
}

int shape_count_at_uplink(const struct shaper *shaper, const struct netlink_peer *link, bool on,
			  struct error *err)
{
	return place(shaper, link->name, link, -1, &all_placed[PLACED_COUNT], on, err);
}

int shape_gate_at_uplink(const struct shaper *shaper, const struct netlink_peer *link, bool on,
			 struct error *err)
{
	return place(shaper, link->name, link, -1, &all_placed[PLACED_GATE_ARRIVING], on, err);
}

int shape_hold_at_uplink(const struct shaper *shaper, const struct netlink_peer *link, uint64_t bps,
			 struct error *err)
{
	return hold(shaper, link->name, link, &all_placed[PLACED_HOLD_ALL], bps, err);
}

/* ---- letting go ---- */

void shape_lacks(struct shape *now, const struct shape *gone)
{
	if (gone->ingress_limit_bps)
		now->ingress_limit_bps = 0;
	if (gone->egress_limit_bps)
		now->egress_limit_bps = 0;
	now->gate &= !gone->gate;
	now->mark &= !gone->mark;
	now->learn &= !gone->learn;
}

void shape_lacks_all(struct shape *now)
{
	const struct shape all = *now;

	shape_lacks(now, &all);
}

/* Of what there is NOW, what may be needed by those whose promises cannot be read. */
static struct shape rest_of(const struct shaper *shaper, int index, const struct shape *now,
			    char *const *unreadable)
{
	static const char *const parts[] = {ROOT, REDIRECT, GATE, MARK, LEARN};
	bool stays[ARRAY_SIZE(parts)];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct found found;

		stays[i] = is_noted(shaper, index, parts[i], &found) &&
			   book_may_be_for(&found, unreadable);
	}
	return (struct shape){
		.ingress_limit_bps = stays[0] ? now->ingress_limit_bps : 0,
		.egress_limit_bps = stays[1] ? now->egress_limit_bps : 0,
		.gate = stays[2] && now->gate,
		.mark = stays[3] && now->mark,
		.learn = stays[4] && now->learn,
	};
}

static void leave_in_book(struct book *book, const struct link_place *where,
			  const struct shape_others *others)
{
	book_leave_to(book, where->text, others->unreadable);
	if (!others->shared)
		book_forget_own(book, where->text);
}

int shape_let_go(const struct shaper *shaper, const char *name, const struct netlink_peer *link,
		 int number, const struct shape_others *others, struct shape *now,
		 struct error *err)
{
	const struct link_place here = link_place_of_index(link->index),
				ifb = link_place_of_ifb(
					shape_ifb_of(SHAPE_IFB_LINK, link->index).name);
	struct shape rest = rest_of(shaper, link->index, now, others->unreadable);
	int r = shape_link(shaper, name, link, number, &rest, now, err);

	if (r == 0)
		r = shape_leave_place(shaper, link, err);
	if (r < 0 || !shaper->writer->book)
		return r;
	/* with what leads to it */
	if (rest.egress_limit_bps)
		r = book_set_promise(shaper->writer->book, ifb.text, NULL, err);
	leave_in_book(shaper->writer->book, &here, others);
	leave_in_book(shaper->writer->book, &ifb, others);
	return r;
}

/* ---- putting back ---- */

static int undo_on(struct netlink *netlink, const struct netlink_link *link, const char *what,
		   struct error *err)
{
	if (strcmp(what, ROOT) == 0)
		return drop_root(netlink, link->index, err);
	if (strcmp(what, CLSACT) == 0)
		return is_used(netlink, link->index)
			       ? 0
			       : netlink_qdisc_delete_clsact(netlink, link->index, err);
	for (size_t i = 0; i < ARRAY_SIZE(all_placed); i++) {
		if (strcmp(what, all_placed[i].what) == 0)
			return netlink_filter_delete(netlink, link->index, all_placed[i].side,
						     all_placed[i].priority, err);
	}
	return netlink_filter_delete(netlink, link->index, QDISC_RECEIVES, SHAPE_PRIORITY, err);
}

int shape_undo(const struct found *found, struct error *err)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct netlink_link link;
	int r = netlink_open(&netlink, err);

	if (r < 0)
		return r;
	if (strcmp(found->what, IFB) == 0)
		return netlink_link_delete(netlink, link_place_ifb(found->where), err);
	r = link_place_find(netlink, found, &link, err);
	/* gone */
	if (r == -ENODEV)
		return 0;
	return r == 0 ? undo_on(netlink, &link, found->what, err) : r;
}
