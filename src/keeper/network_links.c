// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The links of one workspace: which it has, and what is set there. They are found by the namespaces of its processes,
 * which takes many looks at /proc; so that is done again only when there is a reason to (network_links_are_due).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/link_place.h"
#include "keeper/network_internal.h"
#include "keeper/threads.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"

/* One search in so many is a thorough one, while no link is known. */
#define THOROUGH_EVERY 20

/* The turns of one that has links come with one update in so many. */
#define LOOK_EVERY 10

/* Packets are marked, and their addresses learned, for the uplink only: where nobody there asks, marks are others'. */
static struct shape wanted_of(const struct network *network, const struct terms *terms)
{
	return (struct shape){
		.ingress_limit_bps = terms->net[TERMS_INGRESS].limit_bps,
		.egress_limit_bps = terms->net[TERMS_EGRESS].limit_bps,
		.gate = terms->gate == TERMS_GATE_DROP,
		.mark = network_is_numbered(terms) &&
			uplink_reads_marks(&network->uplink, &network->shaper),
		.learn = (network_has_class(&terms->net[TERMS_INGRESS]) ||
			  terms->gate == TERMS_GATE_DROP) &&
			 uplink_asks_whose(&network->uplink, &network->shaper),
	};
}

/* ---- which it has ---- */

/* Of the namespace of SPACE, which is its number I. */
static int find_links_to(const struct network *network, struct workspace *w,
			 const struct netspace *space, struct netlink_peer links[static LINKS_MAX],
			 size_t *n, struct error *err)
{
	int number, r = netlink_namespace_number(network->shaper.netlink, space->fd, &number, err);

	/* one that the container has made for itself, or that is not connected yet */
	w->unnumbered |= r == -ENODEV;
	if (r < 0)
		return r == -ENODEV ? 0 : r;
	w->numbers[w->n_numbers++] = number;
	*n += netlink_pairs_with(&network->pairs, number, links + *n, LINKS_MAX - *n);
	return 0;
}

/* The links that the workspace has now. */
static int find_links(const struct network *network, struct workspace *w,
		      struct netlink_peer links[static LINKS_MAX], size_t *n, bool *cut,
		      struct error *err)
{
	bool thorough = !w->n_links && w->searches++ % THOROUGH_EVERY == 0;
	struct netspace spaces[NETSPACES_MAX];
	size_t n_spaces;
	int r = netspaces_of(w->directory, thorough, spaces, &n_spaces, cut, err);

	if (r < 0)
		return r;
	*n = 0;
	w->n_numbers = w->n_spaces = 0;
	w->unnumbered = false;
	for (size_t i = 0; i < n_spaces && r == 0; i++) {
		w->spaces[w->n_spaces++] = spaces[i].inode;
		r = find_links_to(network, w, &spaces[i], links, n, err);
	}
	netspaces_close(spaces, n_spaces);
	w->spaces_known = r == 0 && !*cut;
	return r;
}

/* It may have another name by now. */
static bool is_same_link(const struct netlink_peer *a, const struct netlink_peer *b)
{
	return a->index == b->index && a->peer_index == b->peer_index;
}

static struct attached *find_attached(struct workspace *w, const struct netlink_peer *link)
{
	for (size_t i = 0; i < w->n_links; i++) {
		if (is_same_link(&w->links[i].link, link))
			return &w->links[i];
	}
	return NULL;
}

static void stop_threads(const struct network *network, const struct workspace *w,
			 struct attached *link, char *const *spared)
{
	struct error err = {0};

	if (link->threaded && threads_let_go(network->shaper.writer, &link->link, spared, &err) < 0)
		log_warning("the network of '%s': %s", w->name, err.text);
	link->threaded = false;
}

/* What a keeper before this one has set there goes, but for what is SPARED; first what leads to the ifb, and then that. */
static void take_back(const struct network *network, const struct netlink_peer *link,
		      char *const *spared)
{
	struct writer *writer = network->shaper.writer;
	const struct shape_ifb ifb = shape_ifb_of(SHAPE_IFB_LINK, link->index);
	const struct link_place here = link_place_of_index(link->index),
				of_ifb = link_place_of_ifb(ifb.name);
	/* the names are an earlier keeper's */
	const char *places[] = {here.text, link->name, of_ifb.text, ifb.name};

	for (size_t i = 0; i < ARRAY_SIZE(places) && writer->book && !writer->dry; i++) {
		struct error err = {0};

		if (book_has_inherited(writer->book, places[i]) &&
		    writer_undo_inherited(writer, places[i], spared, &err) < 0)
			log_warning("%s", err.text);
	}
}

/* Whose promises cannot be read, but for W's own, which is known. The caller's to free; NULL: nobody's. */
static char **unreadable_but(const struct network *network, const struct workspace *w)
{
	char *const *all = network->unreadable;
	size_t n = 0, kept = 0;
	char **others;

	while (all && all[n])
		n++;
	others = calloc(n + 1, sizeof(*others));
	for (size_t i = 0; others && i < n; i++) {
		if (!w->promise || strcmp(all[i], w->promise) != 0)
			others[kept++] = all[i];
	}
	if (kept)
		return others;
	free(others);
	return NULL;
}

/*
 * Several may have the same link: what GONE has had there has gone for the others, too, and is set again; or ALL is, so that
 * the book has it as this keeper's. True: there are others.
 */
static bool begin_again(const struct network *network, const struct workspace *but,
			const struct attached *gone, bool all)
{
	bool shared = false;

	for (size_t i = 0; i < network->n; i++) {
		struct workspace *w = &network->workspaces[i];

		for (size_t l = 0; l < w->n_links && w != but; l++) {
			struct attached *link = &w->links[l];

			if (link->link.index != gone->link.index)
				continue;
			shared = true;
			if (all)
				shape_lacks_all(&link->now);
			else
				shape_lacks(&link->now, &gone->now);
			if (all || gone->threaded)
				link->threaded = w->threads_tried = false;
		}
	}
	return shared;
}

/* Also where it cannot be told: what is taken for gone is not taken back any more. */
static bool is_there(const struct network *network, const struct netlink_peer *link)
{
	struct netlink_link now;

	return netlink_link_by_index(network->shaper.netlink, link->index, &now, NULL) != -ENODEV;
}

void network_let_go(const struct network *network, struct workspace *w, struct attached *gone)
{
	bool there = is_there(network, &gone->link);
	_cleanup_free_ char **unreadable = there ? unreadable_but(network, w) : NULL;
	const struct shape_others others = {.unreadable = unreadable,
					    .shared = begin_again(network, w, gone,
								  unreadable != NULL)};
	struct error err = {0};

	stop_threads(network, w, gone, unreadable);
	if (shape_let_go(&network->shaper, w->name, &gone->link, w->number, &others, &gone->now,
			 &err) < 0)
		log_warning("the network of '%s': %s", w->name, err.text);
	/* of what is there no more nobody can need anything */
	if (!there)
		take_back(network, &gone->link, NULL);
}

static bool has_link(const struct netlink_peer *links, size_t n, const struct netlink_peer *link)
{
	for (size_t i = 0; i < n; i++) {
		if (is_same_link(&links[i], link))
			return true;
	}
	return false;
}

/* What is known of those it had is kept. */
int network_find_links(const struct network *network, struct workspace *w, struct error *err)
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

		if (has_link(links, n, &known->link))
			continue;
		/* or a container would get rid of its limits by hiding behind many processes */
		if (cut && n < LINKS_MAX && is_there(network, &known->link))
			links[n++] = known->link;
		else
			network_let_go(network, w, known);
	}
	for (size_t i = 0; i < n; i++) {
		const struct attached *known = find_attached(w, &links[i]);

		next[i] = (struct attached){.link = links[i]};
		if (known) {
			next[i].now = known->now;
			next[i].threaded = known->threaded;
			next[i].taken = known->taken;
		}
	}
	memcpy(w->links, next, n * sizeof(*next));
	w->n_links = n;
	w->threads_tried = false;
	return 0;
}

/* Whether the namespaces that it was found in are connected by others than those. */
static bool has_other_links(const struct network *network, struct workspace *w)
{
	struct netlink_peer links[LINKS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < w->n_numbers; i++)
		n += netlink_pairs_with(&network->pairs, w->numbers[i], links + n, LINKS_MAX - n);
	for (size_t i = 0; i < n; i++) {
		if (!find_attached(w, &links[i]))
			return true;
	}
	return n != w->n_links;
}

bool network_links_are_due(const struct network *network, struct workspace *w)
{
	return network->pairs_anew && (!w->n_links || w->unnumbered || has_other_links(network, w));
}

bool network_has_turn(const struct network *network, const struct workspace *w)
{
	return !network->goes_on && (!w->n_links || (network->updates + w->hash) % LOOK_EVERY == 0);
}

/*
 * A namespace has the inode of one that is gone only when that has taken its links with it, which is told of
 * (network_links_are_due).
 */
bool network_is_where_it_was(struct workspace *w)
{
	bool thorough = !w->n_links && w->searches % THOROUGH_EVERY == 0;

	if (!w->spaces_known || thorough || !netspaces_are(w->directory, w->spaces, w->n_spaces))
		return false;
	w->searches += !w->n_links;
	return true;
}

/* ---- what is set there ---- */

/* Of the links to one of its namespaces, those that are not received by threads yet. */
static int thread_links_to(const struct network *network, struct workspace *w, int netns_fd,
			   struct error *err)
{
	struct netlink_peer links[LINKS_MAX];
	size_t n = 0;
	int r = netlink_peers_in(network->shaper.netlink, netns_fd, links, LINKS_MAX, &n, err);

	r = r == -ENODEV ? 0 : r;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct attached *known = find_attached(w, &links[i]);

		if (!known || known->threaded)
			continue;
		/* also when it went half the way: letting go undoes that */
		known->threaded = true;
		r = threads_start(network->shaper.writer, w->name, &links[i], netns_fd, w->places,
				  err);
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
			stop_threads(network, w, &w->links[i], NULL);
		return 0;
	}
	if (!w->places || w->threads_tried || all_threaded(w))
		return 0;
	r = netspaces_of(w->directory, false, spaces, &n, &cut, err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = thread_links_to(network, w, spaces[i].fd, err);
	netspaces_close(spaces, n);
	w->threads_tried = r == 0;
	return r;
}

/* As far as can be known before its namespaces are looked at again. */
static bool is_threaded(const struct workspace *w, const struct attached *link)
{
	bool wanted = w->terms.gate == TERMS_GATE_THREADED && w->places;

	return link->threaded == wanted || (wanted && w->threads_tried);
}

int network_set_promise(const struct network *network, const struct workspace *w,
			const char *promise, struct error *err)
{
	struct book *book = network->shaper.writer->book;
	int r = 0;

	for (size_t i = 0; book && i < w->n_links && r == 0; i++) {
		int index = w->links[i].link.index;
		const struct shape_ifb ifb = shape_ifb_of(SHAPE_IFB_LINK, index);

		r = book_move_promise(book, link_place_of_index(index).text, w->promise, promise,
				      err);
		if (r == 0)
			r = book_move_promise(book, link_place_of_ifb(ifb.name).text, w->promise,
					      promise, err);
	}
	return r;
}

static int set_links(const struct network *network, struct workspace *w, struct error *err)
{
	struct shape wanted = wanted_of(network, &w->terms);
	int r = 0;

	for (size_t i = 0; i < w->n_links && r == 0; i++) {
		/* what is there for another one, whose promise cannot be read, is for network_take_back */
		if (!w->links[i].taken)
			take_back(network, &w->links[i].link, network->unreadable);
		w->links[i].taken = true;
		r = shape_link(&network->shaper, w->name, &w->links[i].link, w->number, &wanted,
			       &w->links[i].now, err);
		/* it went in this moment */
		r = r == -ENODEV ? 0 : r;
	}
	return r == 0 ? thread_links(network, w, err) : r;
}

int network_set_links(const struct network *network, struct workspace *w, struct error *err)
{
	int r;

	network->shaper.writer->promise = w->promise;
	r = set_links(network, w, err);
	network->shaper.writer->promise = NULL;
	return r;
}

bool network_links_are_set(const struct network *network, const struct workspace *w)
{
	struct shape wanted = wanted_of(network, &w->terms);

	for (size_t i = 0; i < w->n_links; i++) {
		const struct attached *link = &w->links[i];

		if (!link->taken || !shape_is(&link->now, &wanted) || !is_threaded(w, link))
			return false;
	}
	return true;
}
