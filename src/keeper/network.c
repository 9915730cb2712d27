// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/network_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/netspaces.h"
#include "keeper/threads.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"

/* One search in so many is a thorough one, while no link is known. */
#define THOROUGH_EVERY 20

/* A bridge may know thousands, and whose they are changes seldom. */
#define STATIONS_EVERY 2

void network_take_back(struct writer *writer)
{
	static const char *const means[] = {SHAPE_MEANS, THREADS_MEANS};

	for (size_t i = 0; i < ARRAY_SIZE(means); i++) {
		struct error err = {0};

		if (writer->book && !writer->dry && writer_undo_means(writer, means[i], &err) < 0)
			log_warning("%s", err.text);
	}
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
	stations_clear(&network->stations);
	netlink_pairs_clear(&network->pairs);
	gates_close(network->shaper.gates);
	netlink_close(network->shaper.netlink);
	free(network);
}

/* At the uplink it has a class of its own. */
static bool has_class(const struct terms_net *terms)
{
	return terms->reserve_bps || terms->share;
}

bool network_concerns(const struct terms *terms)
{
	return terms->net[TERMS_INGRESS].limit_bps || terms->net[TERMS_EGRESS].limit_bps ||
	       has_class(&terms->net[TERMS_INGRESS]) || has_class(&terms->net[TERMS_EGRESS]) ||
	       terms->gate != TERMS_GATE_NONE;
}

/* Its packets are told by a number. What arrives is known by what was sent. */
static bool is_numbered(const struct terms *terms)
{
	return has_class(&terms->net[TERMS_EGRESS]) || has_class(&terms->net[TERMS_INGRESS]) ||
	       terms->gate == TERMS_GATE_DROP;
}

/* Packets are marked, and their addresses learned, for the uplink only: where nobody there asks, marks are others'. */
static struct shape wanted_of(const struct network *network, const struct terms *terms)
{
	return (struct shape){
		.ingress_limit_bps = terms->net[TERMS_INGRESS].limit_bps,
		.egress_limit_bps = terms->net[TERMS_EGRESS].limit_bps,
		.gate = terms->gate == TERMS_GATE_DROP,
		.mark = is_numbered(terms) &&
			uplink_reads_marks(&network->uplink, &network->shaper),
		.learn =
			(has_class(&terms->net[TERMS_INGRESS]) || terms->gate == TERMS_GATE_DROP) &&
			uplink_asks_whose(&network->uplink, &network->shaper),
	};
}

/* ---- links ---- */

/* The links that the workspace has now. What is known of those it had is kept. */
static int find_links(const struct network *network, struct workspace *w,
		      struct netlink_peer links[static LINKS_MAX], size_t *n, bool *cut,
		      struct error *err)
{
	bool thorough = !w->n_links && w->searches++ % THOROUGH_EVERY == 0;
	struct netspace spaces[NETSPACES_MAX];
	size_t n_spaces, found = 0;
	int r = netspaces_of(w->directory, thorough, spaces, &n_spaces, cut, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n_spaces && found < LINKS_MAX && r == 0; i++) {
		size_t more = 0;

		r = netlink_pairs_with(network->shaper.netlink, &network->pairs, spaces[i].fd,
				       links + found, LINKS_MAX - found, &more, err);
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

static void stop_threads(const struct network *network, const struct workspace *w,
			 struct attached *link)
{
	struct error err = {0};

	if (link->threaded && threads_let_go(network->shaper.writer, &link->link, &err) < 0)
		log_warning("the network of '%s': %s", w->name, err.text);
	link->threaded = false;
}

/* A link that is gone, or somebody else's by now, leaves its ifb behind; of one that is there all is taken back. */
static void let_go(const struct network *network, struct workspace *w, struct attached *gone)
{
	struct error err = {0};

	/* first: the other forgets all that the book has of the link */
	stop_threads(network, w, gone);
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
	int r = find_links(network, w, links, &n, &cut, err);

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
		if (known) {
			next[i].now = known->now;
			next[i].threaded = known->threaded;
		}
	}
	memcpy(w->links, next, n * sizeof(*next));
	w->n_links = n;
	return 0;
}

/* ---- workspaces ---- */

/* A number, for its gate or its class. */
static int need_number(struct network *network, struct workspace *w, struct error *err)
{
	int r = 0;

	if (w->number >= 0 || !is_numbered(&w->terms))
		return 0;
	if (!network->shaper.gates)
		r = gates_open(&network->shaper.gates, err);
	if (r < 0)
		return r;
	w->number = gates_new(network->shaper.gates);
	return w->number < 0 ? error_errno(err, w->number, "make a gate for '%s'", w->name) : 0;
}

/* Of the links to one of its namespaces, those that are not received by threads yet. */
static int thread_links_to(const struct network *network, struct workspace *w, int netns_fd,
			   struct error *err)
{
	struct netlink_peer links[LINKS_MAX];
	size_t n = 0;
	int r = netlink_peers_in(network->shaper.netlink, netns_fd, links, LINKS_MAX, &n, err);

	r = r == -ENODEV ? 0 : r;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct attached *known = find_attached(w, links[i].index);

		if (!known || known->threaded)
			continue;
		/* also when it went half the way: letting go undoes that */
		known->threaded = true;
		r = threads_start(network->shaper.writer, w->name, &known->link, netns_fd,
				  w->places, err);
	}
	return r;
}

static bool all_threaded(const struct workspace *w)
{
	for (size_t i = 0; i < w->n_links; i++) {
		if (!w->links[i].threaded)
			return false;
	}
	return true;
}

static int thread_links(const struct network *network, struct workspace *w, struct error *err)
{
	struct netspace spaces[NETSPACES_MAX];
	size_t n = 0;
	bool cut;
	int r;

	if (w->terms.gate != TERMS_GATE_THREADED) {
		for (size_t i = 0; i < w->n_links; i++)
			stop_threads(network, w, &w->links[i]);
		return 0;
	}
	if (!w->places || all_threaded(w))
		return 0;
	r = netspaces_of(w->directory, false, spaces, &n, &cut, err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = thread_links_to(network, w, spaces[i].fd, err);
	netspaces_close(spaces, n);
	return r;
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
	int r = update_links(network, w, err);

	try_programs(network, &w->terms);
	return r == 0 ? need_number(network, w, err) : r;
}

static int set_links(const struct network *network, struct workspace *w, struct error *err)
{
	struct shape wanted = wanted_of(network, &w->terms);
	int r = 0;

	for (size_t i = 0; i < w->n_links && r == 0; i++) {
		r = shape_link(&network->shaper, w->name, &w->links[i].link, w->number, &wanted,
			       &w->links[i].now, err);
		/* it went in this moment */
		r = r == -ENODEV ? 0 : r;
	}
	return r == 0 ? thread_links(network, w, err) : r;
}

/* FNV-1a: paths are alike for long, and there may be many. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

struct workspace *network_find(const struct network *network, const char *directory)
{
	uint64_t hash = hash_of(directory);

	for (size_t i = 0; i < network->n; i++) {
		if (network->workspaces[i].hash == hash &&
		    strcmp(network->workspaces[i].directory, directory) == 0)
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
		.hash = hash_of(listed->directory),
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

/*
 * Where the uplink is a workspace's link as well, there is one place only for what holds packets back: what the one
 * sends the other one receives. The limit, as it is set or will be, goes before the classes.
 */
static const struct workspace *who_limits_uplink(const struct network *network,
						 enum terms_direction direction)
{
	for (size_t i = 0; i < network->n; i++) {
		const struct workspace *w = &network->workspaces[i];
		bool sent = direction == TERMS_EGRESS;
		uint64_t wanted_bps = w->terms.net[sent ? TERMS_INGRESS : TERMS_EGRESS].limit_bps;

		for (size_t l = 0; l < w->n_links; l++) {
			const struct shape *now = &w->links[l].now;

			if (strcmp(w->links[l].link.name, network->uplink.name) == 0 &&
			    (wanted_bps || (sent ? now->ingress_limit_bps : now->egress_limit_bps)))
				return w;
		}
	}
	return NULL;
}

/* The limit needs the place: classes that are there go. */
static int give_way(struct network *network, enum terms_direction direction,
		    const struct workspace *limited, struct error *err)
{
	int r = uplink_set(&network->uplink, &network->shaper, direction, NULL, 0, err);

	return r < 0 ? r
		     : error_set(err, EBUSY, "the uplink '%s' is a link of '%s', which has a limit",
				 network->uplink.name, limited->name);
}

static int set_classes(struct network *network, enum terms_direction direction, struct error *err)
{
	const struct workspace *limited = who_limits_uplink(network, direction);
	_cleanup_free_ struct class_terms *list = calloc(network->n + 1, sizeof(*list));
	struct error told = {0};
	size_t n = 0;
	int r;

	if (!list)
		return error_oom(err);
	for (size_t i = 0; i < network->n; i++) {
		const struct workspace *w = &network->workspaces[i];
		const struct terms_net *terms = &w->terms.net[direction];

		if (has_class(terms) && w->number >= 0)
			list[n++] = (struct class_terms){.number = w->number,
							 .reserve_bps = terms->reserve_bps,
							 .share = terms->share};
	}
	r = n && limited
		    ? give_way(network, direction, limited, &told)
		    : uplink_set(&network->uplink, &network->shaper, direction, list, n, &told);
	if (r < 0 && !network->uplink_told[direction])
		log_warning("reserves and shares of what %s are not kept: %s",
			    direction == TERMS_EGRESS ? "is sent" : "arrives", told.text);
	network->uplink_told[direction] = r < 0;
	return r == -ENOMEM ? error_oom(err) : 0;
}

/* Also where it arrives, if that is known; at the links it is dropped in any case. */
static void set_uplink_gate(struct network *network)
{
	struct error told = {0};
	bool wanted = false;
	int r;

	for (size_t i = 0; i < network->n && !wanted; i++)
		wanted = network->workspaces[i].terms.gate == TERMS_GATE_DROP &&
			 network->workspaces[i].number >= 0;
	r = uplink_gate(&network->uplink, &network->shaper, wanted, &told);
	if (r < 0 && !network->gate_told)
		log_warning("what arrives at '%s' is not dropped there: %s", network->uplink.name,
			    told.text);
	network->gate_told = r < 0;
}

static size_t list_ports(const struct network *network, struct station_port *ports)
{
	size_t n = 0;

	for (size_t i = 0; i < network->n; i++) {
		const struct workspace *w = &network->workspaces[i];

		for (size_t l = 0; l < w->n_links && w->number >= 0; l++)
			ports[n++] = (struct station_port){.port = w->links[l].link.index,
							   .number = w->number};
	}
	return n;
}

/* Where the uplink is a bridge's port, and something there asks whose what arrives is. */
static int follow_stations(struct network *network, struct error *err)
{
	bool asked = network->uplink.known_link.index && network->uplink.bridge;
	const struct station_bridge at = {.bridge = asked ? network->uplink.bridge : 0,
					  .port = network->uplink.known_link.index};
	_cleanup_free_ struct station_port *ports = NULL;
	struct error told = {0};
	int r;

	if (network->updates++ % STATIONS_EVERY || (!asked && !network->stations.n))
		return 0;
	ports = calloc(network->n * LINKS_MAX + 1, sizeof(*ports));
	if (!ports)
		return error_oom(err);
	r = stations_follow(&network->stations, network->shaper.netlink, network->shaper.gates, &at,
			    ports, list_ports(network, ports), &told);
	if (r < 0 && !network->stations_told)
		log_warning("whose what arrives at '%s' is, is not known by its bridge: %s",
			    network->uplink.name, told.text);
	network->stations_told = r < 0;
	return r == -ENOMEM ? error_oom(err) : 0;
}

/* R of what was tried of it; it is told once. */
static int judge(struct workspace *w, int r, const struct error *why, struct error *err)
{
	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0 && !w->told)
		log_warning("the network terms of '%s' cannot be kept: %s", w->name, why->text);
	w->failed = r < 0;
	return 0;
}

static int find_listed(struct network *network, const struct network_workspace *listed,
		       struct error *err)
{
	struct workspace *w = network_find(network, listed->directory);
	struct error why = {0};
	int r = w ? 0 : add(network, listed, &w, err);

	if (r < 0)
		return r;
	w->listed = true;
	w->terms = *listed->terms;
	w->places = listed->places;
	return judge(w, find_workspace(network, w, &why), &why, err);
}

static int set_all_links(struct network *network, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < network->n && r == 0; i++) {
		struct workspace *w = &network->workspaces[i];
		struct error why = {0};

		if (!w->failed)
			r = judge(w, set_links(network, w, &why), &why, err);
		w->told = w->failed;
	}
	return r;
}

int network_update(struct network *network, const struct network_workspace *list, size_t n,
		   struct error *err)
{
	/* before their namespaces are looked at: a link that comes in between is seen the next time */
	int r = n ? netlink_pairs_list(network->shaper.netlink, &network->pairs, err) : 0;

	for (size_t i = 0; i < network->n; i++)
		network->workspaces[i].listed = false;
	for (size_t i = 0; i < n && r == 0; i++)
		r = find_listed(network, &list[i], err);
	if (r < 0)
		return r;
	drop_unlisted(network);
	set_uplink_gate(network);
	r = set_classes(network, TERMS_EGRESS, err);
	if (r == 0)
		r = set_classes(network, TERMS_INGRESS, err);
	if (r == 0)
		r = set_all_links(network, err);
	return r == 0 ? follow_stations(network, err) : r;
}

int network_watch(struct network *network, uint64_t now_ns, struct error *err)
{
	int r = uplink_withhold(&network->uplink, &network->shaper, now_ns, err);

	if (r == 0 && uplink_look(&network->uplink, &network->shaper, now_ns))
		r = set_classes(network, TERMS_EGRESS, err);
	return r;
}

int network_leave(struct network *network, struct error *err)
{
	int r;

	network->uplink.stays = true;
	r = uplink_withhold(&network->uplink, &network->shaper, 0, err);
	return r == 0 ? set_classes(network, TERMS_EGRESS, err) : r;
}
