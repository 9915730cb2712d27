// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An update goes through all workspaces: whose links are to be looked for, and what is not set yet. With many of them
 * that takes seconds once, of a kernel that makes classes and interfaces: it ends when its time is over, and the next one
 * goes on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "keeper/link_place.h"
#include "keeper/network_internal.h"
#include "keeper/threads.h"
#include "kernel/netlink.h"

#define SLOTS_LEAST 64

/* So many updates may pass before links are listed though nothing was told of them. */
#define LIST_EVERY 10

static bool is_left(const struct found *found, char *const *unreadable)
{
	return found->inherited && !book_may_be_for(found, unreadable) &&
	       !link_place_is_elsewhere(found->where) &&
	       (strcmp(found->means, SHAPE_MEANS) == 0 || strcmp(found->means, THREADS_MEANS) == 0);
}

bool network_take_back(struct writer *writer, char *const *unreadable, uint64_t until_ns)
{
	bool worked = false;

	for (size_t i = writer->book && !writer->dry ? book_entries(writer->book) : 0; i-- > 0;) {
		struct found found = book_entry(writer->book, i);
		_cleanup_free_ char *where = NULL;
		struct error err = {0};

		if (!is_left(&found, unreadable))
			continue;
		if (worked && until_ns && clock_monotonic_ns() >= until_ns)
			return true;
		worked = true;
		where = strdup(found.where);
		if (where && writer_undo_inherited(writer, where, unreadable, &err) < 0)
			log_warning("%s", err.text);
		if (i > book_entries(writer->book))
			i = book_entries(writer->book);
	}
	return false;
}

void network_spare(struct network *network, char *const *unreadable)
{
	network->unreadable = unreadable;
}

int network_open(struct network **network, struct writer *writer, const char *uplink,
		 struct error *err)
{
	struct network *opened = calloc(1, sizeof(*opened));
	int r;

	if (!opened)
		return error_oom(err);
	opened->shaper.writer = writer;
	opened->watch = NETLINK_WATCH_CLOSED;
	r = uplink_find(uplink, &opened->uplink, err);
	if (r == 0)
		r = netlink_open(&opened->shaper.netlink, err);
	if (r < 0) {
		free(opened);
		return r;
	}
	/* without it links are listed each time */
	netlink_watch_open(&opened->watch, NULL);
	uplink_take_back(&opened->uplink, &opened->shaper);
	*network = opened;
	return 0;
}

static void clear(struct network *network, struct workspace *w)
{
	if (w->number >= 0 && network->shaper.gates)
		gates_free(network->shaper.gates, w->number);
	free(w->name);
	free(w->directory);
	free(w->promise);
	*w = (struct workspace){.number = -1};
}

void network_close(struct network *network)
{
	if (!network)
		return;
	for (size_t i = 0; i < network->n; i++)
		clear(network, &network->workspaces[i]);
	free(network->workspaces);
	free(network->slots);
	uplink_clear(&network->uplink);
	stations_clear(&network->stations);
	netlink_pairs_clear(&network->pairs);
	gates_close(network->shaper.gates);
	netlink_watch_close(&network->watch);
	netlink_close(network->shaper.netlink);
	free(network);
}

bool network_has_class(const struct terms_net *terms)
{
	return terms->reserve_bps || terms->share;
}

bool network_concerns(const struct terms *terms)
{
	return terms->net[TERMS_INGRESS].limit_bps || terms->net[TERMS_EGRESS].limit_bps ||
	       network_has_class(&terms->net[TERMS_INGRESS]) ||
	       network_has_class(&terms->net[TERMS_EGRESS]) || terms->gate != TERMS_GATE_NONE;
}

bool network_is_numbered(const struct terms *terms)
{
	return network_has_class(&terms->net[TERMS_EGRESS]) ||
	       network_has_class(&terms->net[TERMS_INGRESS]) || terms->gate == TERMS_GATE_DROP;
}

/* ---- workspaces ---- */

/* With each update once: when it fails that takes its time, and many may need them. */
static int need_gates(struct network *network, struct error *err)
{
	if (network->shaper.gates)
		return 0;
	if (!network->no_gates.code)
		gates_open(&network->shaper.gates, &network->no_gates);
	if (network->no_gates.code)
		*err = network->no_gates;
	return -network->no_gates.code;
}

/* A number, for its gate or its class. */
static int need_number(struct network *network, struct workspace *w, struct error *err)
{
	int r;

	if (w->number >= 0 || !network_is_numbered(&w->terms))
		return 0;
	r = need_gates(network, err);
	if (r < 0)
		return r;
	w->number = gates_new(network->shaper.gates);
	return w->number < 0 ? error_errno(err, w->number, "make a gate for '%s'", w->name) : 0;
}

/* A limit of what is sent is cheaper with programs, and holds without. */
static void try_programs(struct network *network, const struct terms *terms)
{
	if (!terms->net[TERMS_EGRESS].limit_bps || network->shaper.gates ||
	    network->programs_tried || network->shaper.writer->dry)
		return;
	network->programs_tried = true;
	gates_open(&network->shaper.gates, NULL);
}

/* Who it is and what it has: before the uplink, which is set for those who have a number. */
static int find_workspace(struct network *network, struct workspace *w, struct error *err)
{
	int r = network_find_links(network, w, err);

	try_programs(network, &w->terms);
	return r == 0 ? need_number(network, w, err) : r;
}

/* ---- who it is by its directory ---- */

/* A table with at least half of its slots free, so that one is always found; a slot is 0 or a place from 1 on. */
static void put_into_slot(struct network *network, size_t place)
{
	size_t slot = network->workspaces[place].hash & (network->n_slots - 1);

	while (network->slots[slot])
		slot = (slot + 1) & (network->n_slots - 1);
	network->slots[slot] = (uint32_t)place + 1;
}

static void fill_slots(struct network *network)
{
	memset(network->slots, 0, network->n_slots * sizeof(*network->slots));
	for (size_t i = 0; i < network->n; i++)
		put_into_slot(network, i);
}

/* For one more workspace. */
static int make_slots(struct network *network)
{
	size_t n_slots = network->n_slots ? network->n_slots * 2 : SLOTS_LEAST;
	uint32_t *more;

	if ((network->n + 1) * 2 <= network->n_slots)
		return 0;
	more = reallocarray(network->slots, n_slots, sizeof(*more));
	if (!more)
		return -ENOMEM;
	network->slots = more;
	network->n_slots = n_slots;
	fill_slots(network);
	return 0;
}

struct workspace *network_find(const struct network *network, const char *directory)
{
	uint64_t hash = string_hash(directory);

	for (size_t slot = hash; network->n_slots; slot++) {
		uint32_t place = network->slots[slot & (network->n_slots - 1)];
		struct workspace *w = place ? &network->workspaces[place - 1] : NULL;

		if (!w || (w->hash == hash && strcmp(w->directory, directory) == 0))
			return w;
	}
	return NULL;
}

static int add(struct network *network, const struct network_workspace *listed,
	       struct workspace **added, struct error *err)
{
	struct workspace *more =
		realloc(network->workspaces, (network->n + 1) * sizeof(*network->workspaces));

	if (!more)
		return error_oom(err);
	network->workspaces = more;
	if (make_slots(network) < 0)
		return error_oom(err);
	more[network->n] = (struct workspace){
		.number = -1,
		.packet_ns = PACKET_NS,
		.hash = string_hash(listed->directory),
		.name = strdup(listed->name),
		.directory = strdup(listed->directory),
		.due = true,
	};
	if (!more[network->n].name || !more[network->n].directory) {
		clear(network, &more[network->n]);
		return error_oom(err);
	}
	put_into_slot(network, network->n);
	*added = &more[network->n++];
	return 0;
}

void network_work_until(struct network *network, uint64_t until_ns)
{
	network->until_ns = until_ns;
}

/* The parts of an update, each of which may take as long as those before it have left, and its own third. */
enum part { DROPPING = 1, FINDING, SETTING };

static void begin_part(struct network *network, enum part part)
{
	network->worked = network->late = false;
	network->part_until_ns = network->until_ns;
	if (network->until_ns > network->began_ns)
		network->part_until_ns = network->began_ns +
					 (network->until_ns - network->began_ns) * part / SETTING;
}

/* At least one thing is done in each part. */
static bool is_late(struct network *network)
{
	network->late = network->part_until_ns && network->worked &&
			clock_monotonic_ns() >= network->part_until_ns;
	network->worked = true;
	network->unfinished |= network->late;
	return network->late;
}

/* To take back what they had takes its time, too: until then they are there, and have nothing any more. */
static void drop_unlisted(struct network *network)
{
	size_t kept = 0;

	begin_part(network, DROPPING);
	for (size_t i = 0; i < network->n; i++) {
		struct workspace *w = &network->workspaces[i];

		if (w->listed || is_late(network)) {
			network->workspaces[kept++] = *w;
			continue;
		}
		for (size_t l = 0; l < w->n_links; l++)
			network_let_go(network, w, &w->links[l]);
		clear(network, w);
	}
	if (kept == network->n)
		return;
	network->n = kept;
	fill_slots(network);
}

static bool has_changed(const struct terms *known, const struct terms *terms)
{
	return known->gate != terms->gate ||
	       memcmp(known->net, terms->net, sizeof(known->net)) != 0;
}

/* What is set of its links is for that one from now on. */
static int take_promise(const struct network *network, struct workspace *w, const char *promise,
			struct error *err)
{
	char *copy;
	int r = 0;

	if (!promise || (w->promise && strcmp(w->promise, promise) == 0))
		return 0;
	copy = strdup(promise);
	if (!copy)
		return error_oom(err);
	if (w->promise)
		r = network_set_promise(network, w, copy, err);
	free(w->promise);
	w->promise = copy;
	return r;
}

static int take_list(struct network *network, const struct network_workspace *list, size_t n,
		     struct error *err)
{
	for (size_t i = 0; i < network->n; i++)
		network->workspaces[i].listed = false;
	for (size_t i = 0; i < n; i++) {
		struct workspace *w = network_find(network, list[i].directory);
		int r = w ? 0 : add(network, &list[i], &w, err);

		if (r < 0)
			return r;
		r = take_promise(network, w, list[i].promise, err);
		if (r < 0)
			return r;
		w->listed = true;
		w->due |= has_changed(&w->terms, list[i].terms);
		w->terms = *list[i].terms;
		w->places = list[i].places;
	}
	drop_unlisted(network);
	return 0;
}

/* ---- an update ---- */

/* R of what was tried of it; it is told once. */
static int judge(struct workspace *w, int r, const struct error *why, bool *failed,
		 struct error *err)
{
	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0 && !w->told)
		log_warning("the network terms of '%s' cannot be kept: %s", w->name, why->text);
	*failed = r < 0;
	return 0;
}

/* Before their namespaces are looked at: a link that comes in between is seen the next time. */
static int list_pairs(struct network *network, struct error *err)
{
	int r = 0;

	network->pairs_anew = netlink_watch_changed(&network->watch) || !network->pairs_listed ||
			      (!network->goes_on && network->updates % LIST_EVERY == 0);
	if (network->pairs_anew)
		r = netlink_pairs_list(network->shaper.netlink, &network->pairs, err);
	network->pairs_listed = r == 0;
	return r;
}

/*
 * What has failed is tried again when an update begins, not when it goes on: with many that fail for good none would ever
 * be done.
 */
static int find_one(struct network *network, struct workspace *w, struct error *err)
{
	struct error why = {0};
	int r;

	if (!w->listed || !(w->due || w->turn) || (network->goes_on && w->not_found) ||
	    is_late(network))
		return 0;
	w->turn = false;
	if (!w->due && network_is_where_it_was(w))
		return 0;
	r = judge(w, find_workspace(network, w, &why), &why, &w->not_found, err);
	w->due = w->not_found;
	return r;
}

/* Where this one stops for lack of time the next one begins, or those behind would never have their turn. */
static int find_all(struct network *network, struct error *err)
{
	size_t from = network->find_from;
	int r = 0;

	for (size_t i = 0; i < network->n; i++) {
		struct workspace *w = &network->workspaces[i];

		w->due |= network_links_are_due(network, w);
		w->turn |= network_has_turn(network, w);
	}
	begin_part(network, FINDING);
	for (size_t i = 0; i < network->n && r == 0 && !network->late; i++) {
		network->find_from = (from + i) % network->n;
		r = find_one(network, &network->workspaces[network->find_from], err);
	}
	return r;
}

static int set_one(struct network *network, struct workspace *w, struct error *err)
{
	struct error why = {0};
	int r;

	/* of one that is due, what it has is not known */
	if (!w->listed || w->due)
		return 0;
	if (network_links_are_set(network, w)) {
		w->failed = false;
		w->tried = true;
		return 0;
	}
	if ((network->goes_on && w->failed) || is_late(network))
		return 0;
	r = judge(w, network_set_links(network, w, &why), &why, &w->failed, err);
	w->tried = true;
	return r;
}

static int set_all(struct network *network, struct error *err)
{
	size_t from = network->set_from;
	int r = 0;

	begin_part(network, SETTING);
	for (size_t i = 0; i < network->n && r == 0; i++) {
		size_t at = (from + i) % network->n;
		struct workspace *w = &network->workspaces[at];
		bool in_time = !network->late;

		r = set_one(network, w, err);
		w->told = w->failed || w->not_found;
		if (in_time && network->late)
			network->set_from = at;
	}
	return r;
}

int network_update(struct network *network, const struct network_workspace *list, size_t n,
		   struct error *err)
{
	int r;

	network->goes_on = network->unfinished;
	network->unfinished = false;
	if (!network->goes_on)
		network->no_gates = (struct error){0};
	network->began_ns = clock_monotonic_ns();
	r = take_list(network, list, n, err);
	if (r == 0 && n)
		r = list_pairs(network, err);
	if (r == 0)
		r = find_all(network, err);
	if (r < 0)
		return r;
	network_set_uplink_gate(network);
	r = network_set_classes(network, TERMS_EGRESS, err);
	if (r == 0)
		r = network_set_classes(network, TERMS_INGRESS, err);
	if (r == 0)
		r = set_all(network, err);
	if (r == 0)
		r = network_follow_stations(network, err);
	if (r < 0)
		return r;
	network->updates += !network->unfinished;
	return network->unfinished;
}

int network_watch(struct network *network, uint64_t now_ns, struct error *err)
{
	int r = uplink_withhold(&network->uplink, &network->shaper, now_ns, err);

	if (r == 0 && uplink_look(&network->uplink, &network->shaper, now_ns))
		r = network_set_classes(network, TERMS_EGRESS, err);
	return r;
}

int network_leave(struct network *network, struct error *err)
{
	int r;

	network->uplink.stays = true;
	r = uplink_withhold(&network->uplink, &network->shaper, 0, err);
	return r == 0 ? network_set_classes(network, TERMS_EGRESS, err) : r;
}
