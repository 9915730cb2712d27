// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/netspaces.h"
#include "keeper/shape.h"
#include "keeper/uplink.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"

#define LINKS_MAX 8

/* What receiving a packet costs until it is known, and what is believed. */
#define PACKET_NS 2000.0
#define PACKET_MIN_NS 200.0
#define PACKET_MAX_NS 200000.0
#define PACKETS_LEAST 100 /* to learn from */

struct attached {
	struct netlink_peer link;
	struct shape now;
};

struct workspace {
	char *name, *directory;
	struct terms terms;
	int number; /* of its gate, negative: none */
	bool told;  /* what cannot be kept of it */
	bool listed;
	struct attached links[LINKS_MAX];
	size_t n_links;
	/* what its packets cost: as of when that was learned last */
	double packet_ns;
	uint64_t behalf_ns, passed;
};

struct network {
	struct shaper shaper;
	struct uplink uplink;
	bool uplink_told;
	struct workspace *workspaces;
	size_t n;
};

void network_take_back(struct writer *writer)
{
	struct error err = {0};

	if (writer->book && !writer->dry && writer_undo_means(writer, SHAPE_MEANS, &err) < 0)
		log_warning("%s", err.text);
}

int network_open(struct network **network, struct writer *writer, const char *uplink,
		 struct error *err)
{
	struct network *opened = calloc(1, sizeof(*opened));
	int r;

	if (!opened)
		return error_oom(err);
	opened->shaper.writer = writer;
	r = uplink_find(uplink, &opened->uplink, err);
	if (r == 0)
		r = netlink_open(&opened->shaper.netlink, err);
	if (r < 0) {
		free(opened);
		return r;
	}
	/* from here on it is known what there is */
	network_take_back(writer);
	*network = opened;
	return 0;
}

static void clear(struct network *network, struct workspace *w)
{
	if (w->number >= 0 && network->shaper.gates)
		gates_free(network->shaper.gates, w->number);
	free(w->name);
	free(w->directory);
	*w = (struct workspace){.number = -1};
}

void network_close(struct network *network)
{
	if (!network)
		return;
	for (size_t i = 0; i < network->n; i++)
		clear(network, &network->workspaces[i]);
	free(network->workspaces);
	uplink_clear(&network->uplink);
	gates_close(network->shaper.gates);
	netlink_close(network->shaper.netlink);
	free(network);
}

bool network_concerns(const struct terms *terms)
{
	return terms->net[TERMS_INGRESS].limit_bps || terms->net[TERMS_EGRESS].limit_bps ||
	       terms->net[TERMS_EGRESS].reserve_bps || terms->gate == TERMS_GATE_DROP;
}

static struct shape wanted_of(const struct terms *terms)
{
	return (struct shape){
		.ingress_limit_bps = terms->net[TERMS_INGRESS].limit_bps,
		.egress_limit_bps = terms->net[TERMS_EGRESS].limit_bps,
		.gate = terms->gate == TERMS_GATE_DROP,
		.mark = terms->net[TERMS_EGRESS].reserve_bps != 0,
	};
}

/* ---- links ---- */

/* The links that the workspace has now. What is known of those it had is kept. */
static int find_links(const struct network *network, const char *directory,
		      struct netlink_peer links[static LINKS_MAX], size_t *n, bool *cut,
		      struct error *err)
{
	struct netspace spaces[NETSPACES_MAX];
	size_t n_spaces, found = 0;
	int r = netspaces_of(directory, spaces, &n_spaces, cut, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n_spaces && found < LINKS_MAX && r == 0; i++) {
		size_t more = 0;

		r = netlink_peers_in(network->shaper.netlink, spaces[i].fd, links + found,
				     LINKS_MAX - found, &more, err);
		/* one that the container has made for itself */
		r = r == -ENODEV ? 0 : r;
		found += more;
	}
	netspaces_close(spaces, n_spaces);
	*n = found;
	return r;
}

static struct attached *find_attached(struct workspace *w, int index)
{
	for (size_t i = 0; i < w->n_links; i++) {
		if (w->links[i].link.index == index)
			return &w->links[i];
	}
	return NULL;
}

/* A link that is gone, or somebody else's by now, leaves its ifb behind; of one that is there all is taken back. */
static void let_go(const struct network *network, struct workspace *w, struct attached *gone)
{
	struct error err = {0};

	if (shape_let_go(&network->shaper, w->name, &gone->link, w->number, &gone->now, &err) < 0)
		log_warning("the network of '%s': %s", w->name, err.text);
}

static bool has_link(const struct netlink_peer *links, size_t n, int index)
{
	for (size_t i = 0; i < n; i++) {
		if (links[i].index == index)
			return true;
	}
	return false;
}

static bool is_there(const struct network *network, const struct netlink_peer *link)
{
	struct netlink_link now;

	return netlink_link_by_name(network->shaper.netlink, link->name, &now, NULL) == 0 &&
	       now.index == link->index;
}

static int update_links(const struct network *network, struct workspace *w, struct error *err)
{
	struct netlink_peer links[LINKS_MAX];
	struct attached next[LINKS_MAX];
	bool cut = false;
	size_t n;
	int r = find_links(network, w->directory, links, &n, &cut, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < w->n_links; i++) {
		struct attached *known = &w->links[i];

		if (has_link(links, n, known->link.index))
			continue;
		/* or a container would get rid of its limits by hiding behind many processes */
		if (cut && n < LINKS_MAX && is_there(network, &known->link))
			links[n++] = known->link;
		else
			let_go(network, w, known);
	}
	for (size_t i = 0; i < n; i++) {
		const struct attached *known = find_attached(w, links[i].index);

		next[i] = (struct attached){.link = links[i]};
		if (known)
			next[i].now = known->now;
	}
	memcpy(w->links, next, n * sizeof(*next));
	w->n_links = n;
	return 0;
}

/* ---- workspaces ---- */

/* A number, for its gate or its class. */
static int need_number(struct network *network, struct workspace *w, const struct shape *wanted,
		       struct error *err)
{
	int r = 0;

	if (w->number >= 0 || !(wanted->gate || wanted->mark))
		return 0;
	if (!network->shaper.gates)
		r = gates_open(&network->shaper.gates, err);
	if (r < 0)
		return r;
	w->number = gates_new(network->shaper.gates);
	return w->number < 0 ? error_errno(err, w->number, "make a gate for '%s'", w->name) : 0;
}

static int keep_workspace(struct network *network, struct workspace *w, struct error *err)
{
	struct shape wanted = wanted_of(&w->terms);
	int r = update_links(network, w, err);

	if (r == 0)
		r = need_number(network, w, &wanted, err);
	for (size_t i = 0; i < w->n_links && r == 0; i++) {
		r = shape_link(&network->shaper, w->name, &w->links[i].link, w->number, &wanted,
			       &w->links[i].now, err);
		/* it went in this moment */
		r = r == -ENODEV ? 0 : r;
	}
	return r;
}

static struct workspace *find(const struct network *network, const char *directory)
{
	for (size_t i = 0; i < network->n; i++) {
		if (strcmp(network->workspaces[i].directory, directory) == 0)
			return &network->workspaces[i];
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
	more[network->n] = (struct workspace){
		.number = -1,
		.packet_ns = PACKET_NS,
		.name = strdup(listed->name),
		.directory = strdup(listed->directory),
	};
	if (!more[network->n].name || !more[network->n].directory) {
		clear(network, &more[network->n]);
		return error_oom(err);
	}
	*added = &more[network->n++];
	return 0;
}

static void drop_unlisted(struct network *network)
{
	size_t kept = 0;

	for (size_t i = 0; i < network->n; i++) {
		struct workspace *w = &network->workspaces[i];

		if (w->listed) {
			network->workspaces[kept++] = *w;
			continue;
		}
		for (size_t l = 0; l < w->n_links; l++)
			let_go(network, w, &w->links[l]);
		clear(network, w);
	}
	network->n = kept;
}

static int set_reserves(struct network *network, struct error *err)
{
	_cleanup_free_ struct uplink_reserve *reserves = calloc(network->n + 1, sizeof(*reserves));
	struct error told = {0};
	size_t n = 0;
	int r;

	if (!reserves)
		return error_oom(err);
	for (size_t i = 0; i < network->n; i++) {
		const struct workspace *w = &network->workspaces[i];
		const struct terms_net *egress = &w->terms.net[TERMS_EGRESS];

		if (egress->reserve_bps && w->number >= 0)
			reserves[n++] = (struct uplink_reserve){.number = w->number,
								.reserve_bps = egress->reserve_bps,
								.share = egress->share};
	}
	r = uplink_set(&network->uplink, &network->shaper, reserves, n, &told);
	if (r < 0 && !network->uplink_told)
		log_warning("reserves of what is sent are not kept: %s", told.text);
	network->uplink_told = r < 0;
	return 0;
}

int network_update(struct network *network, const struct network_workspace *list, size_t n,
		   struct error *err)
{
	int r;

	for (size_t i = 0; i < network->n; i++)
		network->workspaces[i].listed = false;
	for (size_t i = 0; i < n; i++) {
		struct workspace *w = find(network, list[i].directory);
		struct error told = {0};

		if (!w) {
			r = add(network, &list[i], &w, err);
			if (r < 0)
				return r;
		}
		w->listed = true;
		w->terms = *list[i].terms;
		r = keep_workspace(network, w, &told);
		if (r == -ENOMEM)
			return error_oom(err);
		if (r < 0 && !w->told)
			log_warning("the network terms of '%s' cannot be kept: %s", w->name,
				    told.text);
		w->told = r < 0;
	}
	drop_unlisted(network);
	return set_reserves(network, err);
}

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
	struct workspace *w = find(network, directory);
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
}

bool network_counts(const struct network *network, const char *directory,
		    struct network_counts *counts)
{
	const struct workspace *w = find(network, directory);
	struct qdisc_counts one;

	if (!w)
		return false;
	*counts = (struct network_counts){0};
	for (size_t i = 0; i < w->n_links; i++) {
		const struct netlink_peer *link = &w->links[i].link;

		if (w->links[i].now.ingress_limit_bps &&
		    shape_ingress_counts(&network->shaper, link, &one) == 0)
			add_counts(&counts->limited[TERMS_INGRESS], &one);
		if (w->links[i].now.egress_limit_bps &&
		    shape_egress_counts(&network->shaper, link, &one) == 0)
			add_counts(&counts->limited[TERMS_EGRESS], &one);
	}
	if (w->number >= 0) {
		uplink_counts(&network->uplink, &network->shaper, w->number, &counts->reserved);
		counts->gate = gates_counts(network->shaper.gates, w->number);
		counts->gate_shut = gates_is_shut(network->shaper.gates, w->number);
	}
	return true;
}
