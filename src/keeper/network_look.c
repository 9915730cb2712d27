// SPDX-License-Identifier: GPL-2.0-or-later
/* What is counted of the network of workspaces, how their terms are kept by that, and their gates. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/gate.h"
#include "keeper/network_internal.h"

/* Limits of links hold whoever looks, and all interfaces of the host are told of: one look in so many is at them too. */
#define LINKS_EVERY 4

/* Of what receiving a packet costs, what is believed. */
#define PACKET_MIN_NS 200.0
#define PACKET_MAX_NS 200000.0
#define PACKETS_LEAST 100 /* to learn from */

/* ---- gates and counts ---- */

/*
 * All of what is done for the workspace elsewhere is taken for receiving: when its gate is shut most of it is,
 * and the rest makes packets dearer, so that the charge comes out right.
 */
static void learn_cost(struct workspace *w, const struct gate_counts *counts, uint64_t behalf_ns)
{
	uint64_t packets = counts->passed - w->passed;
	double ns;

	if (packets < PACKETS_LEAST && behalf_ns >= w->behalf_ns)
		return;
	if (packets >= PACKETS_LEAST && behalf_ns > w->behalf_ns) {
		ns = (double)(behalf_ns - w->behalf_ns) / (double)packets;
		ns = ns < PACKET_MIN_NS ? PACKET_MIN_NS : ns > PACKET_MAX_NS ? PACKET_MAX_NS : ns;
		w->packet_ns += (ns - w->packet_ns) / 4;
	}
	w->passed = counts->passed;
	w->behalf_ns = behalf_ns;
}

void network_gate(struct network *network, const char *directory, double cores, uint64_t behalf_ns)
{
	struct workspace *w = network_find(network, directory);
	struct gate_counts counts;
	struct gate_terms terms;

	if (!w || w->number < 0)
		return;
	counts = gates_counts(network->shaper.gates, w->number);
	if (cores <= 0) {
		gates_open_wide(network->shaper.gates, w->number);
		w->passed = counts.passed;
		w->behalf_ns = behalf_ns;
		return;
	}
	learn_cost(w, &counts, behalf_ns);
	terms = (struct gate_terms){.rate = (uint64_t)(cores * 1e9),
				    .packet_ns = (uint64_t)w->packet_ns};
	gates_shut(network->shaper.gates, w->number, &terms);
}

static void add_counts(struct qdisc_counts *sum, const struct qdisc_counts *more)
{
	sum->bytes += more->bytes;
	sum->packets += more->packets;
	sum->drops += more->drops;
	sum->waiting += more->waiting;
}

/* What an HTB of ours lets through is of a link of W's. */
struct counted {
	int index; /* of its interface */
	struct workspace *w;
	enum terms_direction direction;
	struct qdisc_counts counts;
};

struct all_counted {
	struct counted *items;
	size_t n;
};

static int by_index(const void *a, const void *b)
{
	return ((const struct counted *)a)->index - ((const struct counted *)b)->index;
}

static void take_counts(void *data, int index, const struct qdisc_counts *counts)
{
	const struct all_counted *all = data;
	const struct counted key = {.index = index};
	struct counted *found = all->n ? bsearch(&key, all->items, all->n, sizeof(key), by_index)
				       : NULL;

	if (!found)
		return;
	/* several may have the same link, and any of them may have been found */
	while (found > all->items && found[-1].index == index)
		found--;
	for (; found < all->items + all->n && found->index == index; found++)
		found->counts = *counts;
}

static void list_counted(struct network *network, struct all_counted *all)
{
	for (size_t i = 0; i < network->n; i++) {
		struct workspace *w = &network->workspaces[i];

		for (size_t l = 0; l < w->n_links; l++) {
			const struct attached *link = &w->links[l];
			struct counted one = {.w = w};

			if (link->now.ingress_limit_bps) {
				one.index = link->link.index;
				one.direction = TERMS_INGRESS;
				all->items[all->n++] = one;
			}
			if (link->now.egress_limit_bps) {
				one.index = link->now.ifb;
				one.direction = TERMS_EGRESS;
				all->items[all->n++] = one;
			}
		}
	}
	if (all->n)
		qsort(all->items, all->n, sizeof(*all->items), by_index);
}

static void add_up(const struct network *network, const struct all_counted *all)
{
	for (size_t i = 0; i < network->n; i++) {
		struct workspace *w = &network->workspaces[i];

		memset(w->counts.limited, 0, sizeof(w->counts.limited));
		for (size_t l = 0; l < w->n_links; l++) {
			if (w->links[l].now.egress_limit_bps)
				shape_add_passed(&network->shaper, &w->links[l].link,
						 &w->counts.limited[TERMS_EGRESS]);
		}
	}
	for (size_t i = 0; i < all->n; i++)
		add_counts(&all->items[i].w->counts.limited[all->items[i].direction],
			   &all->items[i].counts);
}

/* All at one go: to ask each link for itself took most of what the keeper takes. False: that could not be done. */
static bool look_at_links(struct network *network)
{
	_cleanup_free_ struct counted *items =
		calloc(network->n * LINKS_MAX * TERMS_DIRECTIONS + 1, sizeof(*items));
	struct all_counted all = {.items = items};

	if (!items)
		return false;
	list_counted(network, &all);
	if (all.n && shape_all_counts(&network->shaper, take_counts, &all, NULL) < 0)
		return false;
	add_up(network, &all);
	return true;
}

/* What had no need of a class. */
static void add_passed(const struct network *network, struct workspace *w,
		       enum terms_direction direction)
{
	const struct gate_counts gate = gates_counts(network->shaper.gates, w->number);
	bool sent = direction == TERMS_EGRESS;

	w->counts.reserved[direction].bytes += sent ? gate.sent_bytes : gate.arrived_bytes;
	w->counts.reserved[direction].packets += sent ? gate.sent : gate.arrived;
}

static int look_at_uplink(struct network *network, enum terms_direction direction)
{
	_cleanup_free_ struct qdisc_counts *counts = calloc(GATES_MAX, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	if (uplink_counts(&network->uplink, &network->shaper, direction, counts, GATES_MAX, NULL) <
	    0)
		return 0;
	for (size_t i = 0; i < network->n; i++) {
		struct workspace *w = &network->workspaces[i];

		if (w->number < 0)
			continue;
		w->counts.reserved[direction] = counts[w->number];
		add_passed(network, w, direction);
	}
	return 0;
}

/*
 * Of a limit all of its links together: each has it for itself. By counts of this very look, or a rate would be what
 * came in one time by another.
 */
static void judge(struct workspace *w, bool links_counted, uint64_t now_ns)
{
	for (int d = 0; d < TERMS_DIRECTIONS; d++) {
		const struct terms_net *terms = &w->terms.net[d];
		const struct qdisc_counts *limited = &w->counts.limited[d];
		const struct qdisc_counts *reserved = &w->counts.reserved[d];
		double links = w->n_links > 1 ? (double)w->n_links : 1;

		if (links_counted)
			rate_limit(&w->limit[d], (double)terms->limit_bps * links,
				   limited->bytes * 8, now_ns);
		rate_reserve(&w->reserve[d], (double)terms->reserve_bps, reserved->bytes * 8,
			     reserved->waiting > 0, now_ns);
	}
}

void network_look(struct network *network, uint64_t now_ns)
{
	bool links = network->looks++ % LINKS_EVERY == 0 && look_at_links(network);

	if (network->uplink.counted_link.index)
		look_at_uplink(network, TERMS_EGRESS);
	if (network->uplink.arriving_link.index)
		look_at_uplink(network, TERMS_INGRESS);
	for (size_t i = 0; i < network->n; i++) {
		if (network->workspaces[i].tried)
			judge(&network->workspaces[i], links, now_ns);
	}
}

bool network_counts(const struct network *network, const char *directory,
		    struct network_counts *counts)
{
	const struct workspace *w = network_find(network, directory);

	if (!w)
		return false;
	*counts = w->counts;
	if (w->number >= 0) {
		counts->gate = gates_counts(network->shaper.gates, w->number);
		counts->gate_shut = gates_is_shut(network->shaper.gates, w->number);
	}
	return true;
}

const struct control_truth *network_truth(const struct network *network, const char *directory,
					  enum terms_direction direction, bool reserve)
{
	const struct workspace *w = network_find(network, directory);
	const struct control_truth *t;

	if (!w)
		return NULL;
	t = reserve ? &w->reserve[direction].truth : &w->limit[direction].truth;
	/* not looked at yet, or no such term */
	return t->promised > 0 ? t : NULL;
}
