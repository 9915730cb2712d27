// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bpf/gate.h"
#include "keeper/link_place.h"
#include "kernel/netlink_link.h"
#include "kernel/topology.h"
#include "plan/terms.h"
#include "plan/units.h"

#define ROOT QDISC_HANDLE(SHAPE_MAJOR, 0)

/*
 * Who is to wait here must not have waited in front of the uplink: it never gets to carry all it can. What is dropped
 * here has come over it all the same, and many connections arrive in bursts: with 0.98 somebody with a reserve of half
 * of the uplink, beside 32 connections, lost a tenth of it in front of the uplink.
 */
#define ARRIVING_PART 0.95

/* ---- which it is ---- */

static int read_host(struct topology *topology, struct error *err)
{
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_errno(err, errno, "open '/'");
	return topology_read(root, topology, err);
}

static int parse(const char *text, struct uplink *uplink, struct error *err)
{
	size_t length = strcspn(text, "=");

	if (!length || length >= sizeof(uplink->name))
		return error_set(err, EINVAL, "uplink '%s': an interface is wanted, as eth0=1gbit",
				 text);
	memcpy(uplink->name, text, length);
	uplink->name[length] = '\0';
	if (!text[length])
		return 0;
	if (unit_parse(UNIT_BIT_RATE, text + length + 1, &uplink->rate_bps) < 0 ||
	    !uplink->rate_bps)
		return error_set(err, EINVAL, "uplink '%s': its rate is wanted, as eth0=1gbit",
				 text);
	return 0;
}

int uplink_find(const char *text, struct uplink *uplink, struct error *err)
{
	_cleanup_(topology_clear) struct topology host = {0};
	int r = text && strchr(text, '=') ? 0 : read_host(&host, err);

	return r == 0 ? uplink_choose(text, &host, uplink, err) : r;
}

int uplink_choose(const char *text, const struct topology *host, struct uplink *uplink,
		  struct error *err)
{
	struct uplink found = {0};
	int r = text ? parse(text, &found, err) : 0;

	if (r < 0)
		return r;
	if (!found.name[0])
		snprintf(found.name, sizeof(found.name), "%s", host->uplink);
	if (!found.rate_bps && host->uplink[0] && strcmp(found.name, host->uplink) == 0)
		found.rate_bps = host->uplink_bps;
	found.sent.direction = TERMS_EGRESS;
	found.arriving.direction = TERMS_INGRESS;
	*uplink = found;
	return 0;
}

/* ---- what it sends ---- */

static int find_link(struct uplink *uplink, const struct shaper *shaper, struct netlink_peer *peer,
		     struct error *err)
{
	struct netlink_link link;
	int r = netlink_link_by_name(shaper->netlink, uplink->name, &link, err);

	if (r < 0)
		return r;
	uplink->bridge = link.master;
	*peer = (struct netlink_peer){.index = link.index};
	memcpy(peer->name, link.name, sizeof(peer->name));
	return 0;
}

/* What the classes have counted goes with them. */
static void keep_counts(struct uplink *uplink, const struct shaper *shaper)
{
	_cleanup_free_ struct qdisc_counts *counts = calloc(GATES_MAX, sizeof(*counts));

	if (!counts || classes_counts(&uplink->sent, shaper, counts, GATES_MAX, NULL) < 0)
		return;
	for (int number = 0; number < GATES_MAX; number++) {
		if (counts[number].packets)
			gates_add_sent(shaper->gates, number, counts[number].bytes,
				       counts[number].packets);
	}
}

static int let_go_of_sent(struct uplink *uplink, const struct shaper *shaper, struct error *err)
{
	int r;

	if (!uplink->sent_index)
		return 0;
	keep_counts(uplink, shaper);
	r = shape_leave_root(shaper, uplink->sent_index, err);
	if (r < 0)
		return r;
	classes_forget(&uplink->sent, shaper);
	uplink->sent_index = 0;
	return 0;
}

/* That goes with an interface, of which another one may have the name now. */
static int count_no_longer(struct uplink *uplink, const struct shaper *shaper, struct error *err)
{
	struct netlink_peer link = uplink->counted_link;
	int r;

	if (!link.index)
		return 0;
	uplink->counted_link.index = 0;
	uplink->contention = (struct contention){0};
	r = shape_count_at_uplink(shaper, &link, false, err);
	return r == 0 ? shape_leave_place(shaper, &link, err) : r;
}

static int count_sent(struct uplink *uplink, const struct shaper *shaper,
		      const struct netlink_peer *link, struct error *err)
{
	int r;

	if (uplink->counted_link.index == link->index)
		return 0;
	count_no_longer(uplink, shaper, NULL);
	r = shape_count_at_uplink(shaper, link, true, err);
	if (r == 0)
		uplink->counted_link = *link;
	return r;
}

/* What is taken but half is let go of again. */
static int take_sent(struct uplink *uplink, const struct shaper *shaper,
		     const struct netlink_peer *link, const struct class_terms *list, size_t n,
		     struct error *err)
{
	bool there = uplink->sent_index == link->index;
	int r = 0;

	if (!there) {
		let_go_of_sent(uplink, shaper, NULL);
		r = shape_take_root(shaper, link->name, link->index, CLASSES_REST, err);
		if (r < 0)
			return r;
		uplink->sent_index = link->index;
		r = netlink_filter_classify(shaper->netlink, link->index, ROOT, SHAPE_PRIORITY,
					    gates_program(shaper->gates, UPLINK_CLASSIFY),
					    "behalf_class", err);
	}
	if (r == 0)
		r = classes_set(&uplink->sent, shaper, link->index, uplink->rate_bps, list, n, err);
	if (r < 0 && !there)
		let_go_of_sent(uplink, shaper, NULL);
	return r;
}

static int set_sent(struct uplink *uplink, const struct shaper *shaper,
		    const struct netlink_peer *link, const struct class_terms *list, size_t n,
		    struct error *err)
{
	/* that there can be none is told before they are needed */
	int r = shape_check_root(shaper, link->name, link->index, err);

	if (r == 0)
		r = count_sent(uplink, shaper, link, err);
	if (r < 0)
		return r;
	return contention_is(&uplink->contention) || uplink->stays
		       ? take_sent(uplink, shaper, link, list, n, err)
		       : let_go_of_sent(uplink, shaper, err);
}

static int set_nothing_sent(struct uplink *uplink, const struct shaper *shaper, struct error *err)
{
	int r = let_go_of_sent(uplink, shaper, err);
	int counted = count_no_longer(uplink, shaper, r < 0 ? NULL : err);

	return r < 0 ? r : counted;
}

bool uplink_look(struct uplink *uplink, const struct shaper *shaper, uint64_t now_ns)
{
	struct contention_bounds bounds = {.rest_ns = CONTENTION_REST_NS};
	struct netlink_link link;

	if (!uplink->counted_link.index || uplink->stays ||
	    netlink_link_by_name(shaper->netlink, uplink->name, &link, NULL) < 0 ||
	    link.index != uplink->counted_link.index)
		return false;
	bounds.above_bps = (uint64_t)((double)uplink->rate_bps * CONTENTION_PART);
	return contention_look(&uplink->contention, &bounds, link.sent_bytes, now_ns);
}

/* ---- whose it is ---- */

static bool is_known_for(const struct uplink *uplink)
{
	return uplink->gated_link.index || uplink->arriving_link.index;
}

static int forget_whose(struct uplink *uplink, const struct shaper *shaper, struct error *err)
{
	struct netlink_peer link = uplink->known_link;
	int r;

	uplink->known_link.index = 0;
	r = shape_learn_at_uplink(shaper, &link, false, err);
	return r == 0 ? shape_leave_place(shaper, &link, err) : r;
}

/* For both that ask for it, the classes and the gates, once. */
static int know(struct uplink *uplink, const struct shaper *shaper, const struct netlink_peer *link,
		struct error *err)
{
	int r;

	if (uplink->known_link.index == link->index)
		return 0;
	/* another interface has its name now */
	if (uplink->known_link.index)
		forget_whose(uplink, shaper, NULL);
	r = shape_learn_at_uplink(shaper, link, true, err);
	if (r == 0)
		uplink->known_link = *link;
	return r;
}

/* When nobody asks any more. */
static int know_no_longer(struct uplink *uplink, const struct shaper *shaper, struct error *err)
{
	return !uplink->known_link.index || is_known_for(uplink)
		       ? 0
		       : forget_whose(uplink, shaper, err);
}

/* Also when it went half the way. */
static int let_go_of_gate(struct uplink *uplink, const struct shaper *shaper, struct error *err)
{
	struct netlink_peer link = uplink->gated_link;
	int r, known;

	if (!link.index)
		return 0;
	uplink->gated_link.index = 0;
	r = shape_gate_at_uplink(shaper, &link, false, err);
	if (r == 0)
		r = shape_leave_place(shaper, &link, err);
	known = know_no_longer(uplink, shaper, r < 0 ? NULL : err);
	return r < 0 ? r : known;
}

int uplink_gate(struct uplink *uplink, const struct shaper *shaper, bool wanted, struct error *err)
{
	struct netlink_peer link;
	int r;

	if (shaper->writer->dry || !uplink->name[0])
		return 0;
	if (!wanted)
		return let_go_of_gate(uplink, shaper, err);
	r = find_link(uplink, shaper, &link, err);
	if (r == 0 && uplink->gated_link.index == link.index)
		return 0;
	let_go_of_gate(uplink, shaper, NULL);
	if (r < 0)
		return r;
	uplink->gated_link = link;
	r = know(uplink, shaper, &link, err);
	if (r == 0)
		r = shape_gate_at_uplink(shaper, &link, true, err);
	if (r < 0)
		let_go_of_gate(uplink, shaper, NULL);
	return r;
}

/* ---- what arrives ---- */

static int let_go_of_arriving(struct uplink *uplink, const struct shaper *shaper, struct error *err)
{
	struct netlink_peer link = uplink->arriving_link;
	struct shape_ifb ifb = shape_ifb_of(SHAPE_IFB_UPLINK, link.index);
	int r, known;

	if (!link.index)
		return 0;
	r = shape_hold_at_uplink(shaper, &link, 0, err);
	if (r == 0)
		r = shape_redirect_end(shaper, &link, ifb.name, err);
	if (r == 0)
		r = shape_leave_place(shaper, &link, err);
	classes_forget(&uplink->arriving, shaper);
	uplink->arriving_link.index = 0;
	known = know_no_longer(uplink, shaper, r < 0 ? NULL : err);
	return r < 0 ? r : known;
}

/* Packets are redirected only when their classes are there: let_go undoes what there is of it. */
static int take_arriving(struct uplink *uplink, const struct shaper *shaper,
			 const struct netlink_peer *link, const struct class_terms *list, size_t n,
			 struct error *err)
{
	struct shape_ifb held = shape_ifb_of(SHAPE_IFB_UPLINK, link->index);
	bool there = uplink->arriving_link.index == link->index;
	uint64_t rate_bps = uplink_arriving_bps(uplink->rate_bps);
	int ifb = uplink->arriving.index, r = 0;

	if (!there) {
		let_go_of_arriving(uplink, shaper, NULL);
		uplink->arriving_link = *link;
		r = shape_make_ifb(shaper, held.name, link->index, CLASSES_REST, &ifb, err);
		if (r == 0)
			r = netlink_filter_classify(shaper->netlink, ifb, ROOT, SHAPE_PRIORITY,
						    gates_program(shaper->gates, UPLINK_ARRIVES),
						    "behalf_arrives", err);
	}
	if (r == 0)
		r = classes_set(&uplink->arriving, shaper, ifb, rate_bps, list, n, err);
	if (r == 0 && !there)
		r = know(uplink, shaper, link, err);
	if (r == 0 && !there)
		r = shape_redirect(shaper, link, ifb, err);
	if (r == 0 && !there)
		r = shape_hold_at_uplink(
			shaper, link, (uint64_t)((double)uplink->rate_bps * CONTENTION_PART), err);
	if (r < 0 && !there)
		let_go_of_arriving(uplink, shaper, NULL);
	return r;
}

int uplink_withhold(struct uplink *uplink, const struct shaper *shaper, uint64_t now_ns,
		    struct error *err)
{
	int index = uplink->arriving_link.index;

	if (!index || (!gates_hold_is_on(shaper->gates, index) && !uplink->arriving.withheld_bps))
		return 0;
	return uplink->stays ? classes_lend(&uplink->arriving, shaper, err)
			     : classes_withhold(&uplink->arriving, shaper, now_ns, err);
}

/* ---- both ---- */

static void take_back(const struct shaper *shaper, const char *where)
{
	struct error err = {0};

	if (writer_undo_inherited(shaper->writer, where, NULL, &err) < 0)
		log_warning("%s", err.text);
}

void uplink_take_back(const struct uplink *uplink, const struct shaper *shaper)
{
	struct netlink_link link;
	struct shape_ifb ifb;

	if (!shaper->writer->book || shaper->writer->dry || !uplink->name[0])
		return;
	/* by an earlier keeper; what leads to the ifb before that */
	take_back(shaper, uplink->name);
	if (netlink_link_by_name(shaper->netlink, uplink->name, &link, NULL) < 0)
		return;
	ifb = shape_ifb_of(SHAPE_IFB_UPLINK, link.index);
	take_back(shaper, link_place_of_index(link.index).text);
	take_back(shaper, ifb.name);
	take_back(shaper, link_place_of_ifb(ifb.name).text);
}

uint64_t uplink_arriving_bps(uint64_t rate_bps)
{
	return (uint64_t)((double)rate_bps * ARRIVING_PART);
}

static int let_go(struct uplink *uplink, const struct shaper *shaper,
		  enum terms_direction direction, struct error *err)
{
	return direction == TERMS_EGRESS ? set_nothing_sent(uplink, shaper, err)
					 : let_go_of_arriving(uplink, shaper, err);
}

int uplink_set(struct uplink *uplink, const struct shaper *shaper, enum terms_direction direction,
	       const struct class_terms *list, size_t n, struct error *err)
{
	bool sent = direction == TERMS_EGRESS;
	struct netlink_peer link;
	int r;

	if (n == 0 || shaper->writer->dry)
		return let_go(uplink, shaper, direction, err);
	if (!uplink->name[0] || !uplink->rate_bps)
		return error_set(err, ENODEV, "the host's uplink, or its rate, is not known");
	r = classes_check(uplink->name,
			  sent ? uplink->rate_bps : uplink_arriving_bps(uplink->rate_bps), list, n,
			  err);
	if (r < 0)
		return r;
	r = find_link(uplink, shaper, &link, err);
	if (r < 0) {
		let_go(uplink, shaper, direction, NULL);
		return r;
	}
	return sent ? set_sent(uplink, shaper, &link, list, n, err)
		    : take_arriving(uplink, shaper, &link, list, n, err);
}

/* A dry run sets nothing, and tells what would be. */
static bool would_be_there(const struct uplink *uplink, const struct shaper *shaper)
{
	struct netlink_link link;

	return shaper->writer->dry && uplink->name[0] &&
	       netlink_link_by_name(shaper->netlink, uplink->name, &link, NULL) == 0;
}

bool uplink_reads_marks(const struct uplink *uplink, const struct shaper *shaper)
{
	return uplink->counted_link.index || uplink_asks_whose(uplink, shaper);
}

bool uplink_asks_whose(const struct uplink *uplink, const struct shaper *shaper)
{
	return uplink->known_link.index || would_be_there(uplink, shaper);
}

int uplink_counts(const struct uplink *uplink, const struct shaper *shaper,
		  enum terms_direction direction, struct qdisc_counts *counts, size_t n,
		  struct error *err)
{
	return classes_counts(direction == TERMS_EGRESS ? &uplink->sent : &uplink->arriving, shaper,
			      counts, n, err);
}

void uplink_clear(struct uplink *uplink)
{
	classes_clear(&uplink->sent);
	classes_clear(&uplink->arriving);
}
