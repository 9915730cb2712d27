// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Demands with different sets of CPUs cannot just be added up: one of 1.5 cores on CPUs 0-1 and one of 1
 * core on CPU 0 are 2.5 cores of four, and cannot both be met. They can be when time can be dealt out so
 * that each gets its part from its own set: a flow from demands to CPUs.
 *
 * What makes no difference is put together first: demands of the same set are one group, and CPUs that are
 * in the same groups are one class. So ten thousand workspaces that may run anywhere are one group and
 * one class. Between groups and classes the largest flow is found by Dinic's algorithm:
 *
 *	source -> group (its demand) -> class (no bound, where the set holds the class) -> sink (its CPUs)
 *
 * What can still be reached from a group that lacks something, when nothing more can be moved, is the
 * smallest part of which too much is asked (max-flow min-cut; that part is the same for every largest
 * flow). A group's edges are edges[first[g]] .. edges[first[g + 1]]; a class's, the other way round, are in
 * back[].
 */
#include "plan/deal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define WORDS ARRAY_SIZE(((struct cpus *)0)->bits)
#define UNREACHED UINT32_MAX

struct edge {
	uint32_t group, class;
	uint64_t flow;
};

struct deal {
	struct cpus available;
	size_t n_words; /* of a set that can be other than zero */
	uint64_t cpu_ncores;

	struct deal_demand *groups; /* sets within available, demand summed */
	size_t n_groups;
	uint64_t *lacking; /* by group: of its demand, what is not met */

	uint16_t class_of[CPUS_MAX];
	uint32_t *class_cpus; /* how many CPUs each has */
	uint64_t *spare;      /* by class */
	size_t n_classes;

	struct edge *edges;
	uint32_t *first; /* by group */
	uint32_t *back;	 /* indices of edges by class */
	uint32_t *back_first;

	/* of one phase: levels from the source, and where each stands in its list */
	uint32_t *group_level, *class_level, *group_at, *class_at, *queue;
};

static void free_deal(struct deal *d)
{
	free(d->groups);
	free(d->lacking);
	free(d->class_cpus);
	free(d->spare);
	free(d->edges);
	free(d->first);
	free(d->back);
	free(d->back_first);
	free(d->group_level);
	free(d->class_level);
	free(d->group_at);
	free(d->class_at);
	free(d->queue);
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* ---- groups: demands of the same set ---- */

static uint64_t hash_of(const struct deal *d, const struct cpus *cpus)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < d->n_words; i++)
		hash = (hash ^ (cpus->bits[i] & d->available.bits[i])) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

static bool is_same(const struct deal *d, const struct cpus *group, const struct cpus *cpus)
{
	for (size_t i = 0; i < d->n_words; i++) {
		if (group->bits[i] != (cpus->bits[i] & d->available.bits[i]))
			return false;
	}
	return true;
}

static int make_groups(struct deal *d, const struct deal_demand *demands, size_t n)
{
	size_t n_buckets = 16;
	_cleanup_free_ uint32_t *buckets = NULL; /* group + 1, 0: empty */

	while (n_buckets < 2 * n)
		n_buckets *= 2;
	buckets = calloc(n_buckets, sizeof(*buckets));
	d->groups = calloc(n + 1, sizeof(*d->groups));
	if (!buckets || !d->groups)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t at = hash_of(d, &demands[i].cpus) & (n_buckets - 1);
		struct deal_demand *group;

		while (buckets[at] &&
		       !is_same(d, &d->groups[buckets[at] - 1].cpus, &demands[i].cpus))
			at = (at + 1) & (n_buckets - 1);
		if (!buckets[at]) {
			d->groups[d->n_groups].cpus =
				cpus_intersect(&demands[i].cpus, &d->available);
			buckets[at] = (uint32_t)++d->n_groups;
		}
		group = &d->groups[buckets[at] - 1];
		group->ncores = add(group->ncores, demands[i].ncores);
	}
	return 0;
}

/* ---- classes: CPUs that are in the same groups ---- */

/* Splits each class by whether its CPUs are in the set: those that are get a class of their own. */
static void split_classes(struct deal *d, const struct cpus *set, uint32_t *inside,
			  uint32_t *moved_to)
{
	size_t before = d->n_classes;

	memset(inside, 0, before * sizeof(*inside));
	for (unsigned int cpu = 0; cpu < d->n_words * 64; cpu++) {
		if (cpus_has(set, cpu))
			inside[d->class_of[cpu]]++;
	}
	for (size_t class = 0; class < before; class ++) {
		moved_to[class] = (uint32_t) class;
		if (!inside[class] || inside[class] == d->class_cpus[class])
			continue;
		moved_to[class] = (uint32_t)d->n_classes;
		d->class_cpus[d->n_classes++] = inside[class];
		d->class_cpus[class] -= inside[class];
	}
	if (d->n_classes == before)
		return;
	for (unsigned int cpu = 0; cpu < d->n_words * 64; cpu++) {
		if (cpus_has(set, cpu))
			d->class_of[cpu] = (uint16_t)moved_to[d->class_of[cpu]];
	}
}

static int make_classes(struct deal *d)
{
	size_t n_cpus = cpus_count(&d->available);
	_cleanup_free_ uint32_t *inside = calloc(n_cpus + 1, sizeof(*inside));
	_cleanup_free_ uint32_t *moved_to = calloc(n_cpus + 1, sizeof(*moved_to));

	d->class_cpus = calloc(n_cpus + 1, sizeof(*d->class_cpus));
	d->spare = calloc(n_cpus + 1, sizeof(*d->spare));
	if (!inside || !moved_to || !d->class_cpus || !d->spare)
		return -ENOMEM;
	d->n_classes = n_cpus > 0;
	d->class_cpus[0] = (uint32_t)n_cpus;
	for (size_t g = 0; g < d->n_groups && d->n_classes < n_cpus; g++)
		split_classes(d, &d->groups[g].cpus, inside, moved_to);
	for (size_t class = 0; class < d->n_classes; class ++)
		d->spare[class] = d->class_cpus[class] * d->cpu_ncores;
	return 0;
}

/* ---- edges ---- */

/* Lists the classes of group G's set, each once: SEEN has who saw it last. EDGES may be NULL. */
static size_t list_classes(const struct deal *d, size_t g, uint32_t *seen, struct edge *edges)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_words; i++) {
		for (uint64_t word = d->groups[g].cpus.bits[i]; word; word &= word - 1) {
			uint32_t class = d->class_of[i * 64 + (size_t)__builtin_ctzll(word)];

			if (seen[class] == g + 1)
				continue;
			seen[class] = (uint32_t)g + 1;
			if (edges)
				edges[n] = (struct edge){(uint32_t)g, class, 0};
			n++;
		}
	}
	return n;
}

/* The edges once more, sorted by class. */
static void index_back(struct deal *d)
{
	uint32_t n_edges = d->first[d->n_groups];

	for (uint32_t e = 0; e < n_edges; e++)
		d->back_first[d->edges[e].class + 1]++;
	for (size_t class = 0; class < d->n_classes; class ++) {
		d->back_first[class + 1] += d->back_first[class];
		d->class_at[class] = d->back_first[class];
	}
	for (uint32_t e = 0; e < n_edges; e++)
		d->back[d->class_at[d->edges[e].class]++] = e;
}

static int make_edges(struct deal *d)
{
	_cleanup_free_ uint32_t *seen = calloc(d->n_classes + 1, sizeof(*seen));
	size_t n_edges;

	d->first = calloc(d->n_groups + 1, sizeof(*d->first));
	d->back_first = calloc(d->n_classes + 1, sizeof(*d->back_first));
	d->class_at = calloc(d->n_classes + 1, sizeof(*d->class_at));
	if (!seen || !d->first || !d->back_first || !d->class_at)
		return -ENOMEM;
	for (size_t g = 0; g < d->n_groups; g++)
		d->first[g + 1] = d->first[g] + (uint32_t)list_classes(d, g, seen, NULL);
	n_edges = d->first[d->n_groups];
	d->edges = calloc(n_edges + 1, sizeof(*d->edges));
	d->back = calloc(n_edges + 1, sizeof(*d->back));
	if (!d->edges || !d->back)
		return -ENOMEM;
	memset(seen, 0, d->n_classes * sizeof(*seen));
	for (size_t g = 0; g < d->n_groups; g++)
		list_classes(d, g, seen, &d->edges[d->first[g]]);
	index_back(d);
	return 0;
}

/* ---- the flow ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void reach_class(struct deal *d, uint32_t class, uint32_t level, size_t *tail)
{
	if (d->class_level[class] != UNREACHED)
		return;
	d->class_level[class] = level;
	d->queue[(*tail)++] = (uint32_t)d->n_groups + class;
}

static void reach_group(struct deal *d, uint32_t group, uint32_t level, size_t *tail)
{
	if (d->group_level[group] != UNREACHED)
		return;
	d->group_level[group] = level;
	d->queue[(*tail)++] = group;
}

/* Levels of all that can be reached from who lacks something. Whether a class with time to spare is. */
static bool set_levels(struct deal *d)
{
	size_t head = 0, tail = 0;
	bool found = false;

	memset(d->group_level, 0xff, d->n_groups * sizeof(*d->group_level));
	memset(d->class_level, 0xff, d->n_classes * sizeof(*d->class_level));
	for (uint32_t g = 0; g < d->n_groups; g++) {
		if (d->lacking[g])
			reach_group(d, g, 0, &tail);
	}
	while (head < tail) {
		uint32_t at = d->queue[head++];

		if (at < d->n_groups) {
			for (uint32_t e = d->first[at]; e < d->first[at + 1]; e++)
				reach_class(d, d->edges[e].class, d->group_level[at] + 1, &tail);
			continue;
		}
		at -= (uint32_t)d->n_groups;
		found |= d->spare[at] > 0;
		for (uint32_t b = d->back_first[at]; b < d->back_first[at + 1]; b++) {
			const struct edge *edge = &d->edges[d->back[b]];

			if (edge->flow)
				reach_group(d, edge->group, d->class_level[at] + 1, &tail);
		}
	}
	return found;
}

static uint64_t push_class(struct deal *d, uint32_t class, uint64_t want);

/* Gets up to WANT for a group from classes one level on; what it cannot is not tried again. */
static uint64_t push_group(struct deal *d, uint32_t group, uint64_t want)
{
	uint64_t got = 0;

	for (uint32_t *e = &d->group_at[group]; *e < d->first[group + 1]; (*e)++) {
		struct edge *edge = &d->edges[*e];

		if (d->class_level[edge->class] == d->group_level[group] + 1) {
			uint64_t more = push_class(d, edge->class, want - got);

			edge->flow += more;
			got += more;
		}
		if (got == want)
			break;
	}
	return got;
}

/* Gets up to WANT of a class: what it has to spare, then what its groups can get elsewhere. */
static uint64_t push_class(struct deal *d, uint32_t class, uint64_t want)
{
	uint64_t got = least(want, d->spare[class]);

	d->spare[class] -= got;
	for (uint32_t *b = &d->class_at[class]; got < want && *b < d->back_first[class + 1];
	     (*b)++) {
		struct edge *edge = &d->edges[d->back[*b]];
		uint64_t more;

		if (!edge->flow || d->group_level[edge->group] != d->class_level[class] + 1)
			continue;
		more = push_group(d, edge->group, least(want - got, edge->flow));
		edge->flow -= more;
		got += more;
		if (got == want)
			break;
	}
	return got;
}

static int find_flow(struct deal *d)
{
	d->lacking = calloc(d->n_groups + 1, sizeof(*d->lacking));
	d->group_level = calloc(d->n_groups + 1, sizeof(*d->group_level));
	d->class_level = calloc(d->n_classes + 1, sizeof(*d->class_level));
	d->group_at = calloc(d->n_groups + 1, sizeof(*d->group_at));
	d->queue = calloc(d->n_groups + d->n_classes + 1, sizeof(*d->queue));
	if (!d->lacking || !d->group_level || !d->class_level || !d->group_at || !d->queue)
		return -ENOMEM;
	for (size_t g = 0; g < d->n_groups; g++)
		d->lacking[g] = d->groups[g].ncores;
	while (set_levels(d)) {
		memcpy(d->group_at, d->first, d->n_groups * sizeof(*d->group_at));
		memcpy(d->class_at, d->back_first, d->n_classes * sizeof(*d->class_at));
		for (uint32_t g = 0; g < d->n_groups; g++) {
			if (d->lacking[g])
				d->lacking[g] -= push_group(d, g, d->lacking[g]);
		}
	}
	return 0;
}

/* What can be reached is where too much is asked, see above. */
static void read_result(const struct deal *d, struct deal_result *result)
{
	*result = (struct deal_result){0};
	for (size_t g = 0; g < d->n_groups; g++)
		result->missing_ncores = add(result->missing_ncores, d->lacking[g]);
	if (!result->missing_ncores)
		return;
	for (size_t g = 0; g < d->n_groups; g++) {
		if (d->group_level[g] != UNREACHED)
			result->asked_ncores = add(result->asked_ncores, d->groups[g].ncores);
	}
	for (unsigned int cpu = 0; cpu < d->n_words * 64; cpu++) {
		if (!cpus_has(&d->available, cpu) || d->class_level[d->class_of[cpu]] == UNREACHED)
			continue;
		cpus_add(&result->tight, cpu);
		result->capacity_ncores += d->cpu_ncores;
	}
}

static size_t words_of(const struct cpus *cpus)
{
	size_t n = WORDS;

	while (n > 0 && !cpus->bits[n - 1])
		n--;
	return n;
}

int deal_cpus(const struct deal_demand *demands, size_t n, const struct cpus *available,
	      uint64_t cpu_ncores, struct deal_result *result)
{
	_cleanup_(free_deal) struct deal d = {
		.available = *available,
		.n_words = words_of(available),
		.cpu_ncores = cpu_ncores,
	};
	int r = make_groups(&d, demands, n);

	if (r == 0)
		r = make_classes(&d);
	if (r == 0)
		r = make_edges(&d);
	if (r == 0)
		r = find_flow(&d);
	if (r == 0)
		read_result(&d, result);
	return r;
}

int deal_left(const struct deal_demand *demands, size_t n, const struct cpus *available,
	      uint64_t cpu_ncores, const struct cpus *wanted, uint64_t *left_ncores)
{
	_cleanup_free_ struct deal_demand *all = calloc(n + 1, sizeof(*all));
	struct cpus mine = cpus_intersect(wanted, available);
	uint64_t most = cpus_count(&mine) * cpu_ncores;
	struct deal_result result;
	int r;

	if (!all)
		return -ENOMEM;
	if (n)
		memcpy(all, demands, n * sizeof(*all));
	r = deal_cpus(all, n, available, cpu_ncores, &result);
	if (r < 0)
		return r;
	if (result.missing_ncores || !most) {
		*left_ncores = 0;
		return 0;
	}
	all[n] = (struct deal_demand){mine, most};
	r = deal_cpus(all, n + 1, available, cpu_ncores, &result);
	if (r == 0)
		*left_ncores = most - result.missing_ncores;
	return r;
}
