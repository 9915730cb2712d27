// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reserves with different sets of CPUs cannot just be added up: one of 1.5 cores on CPUs 0-1 and one
 * of 1 core on CPU 0 are 2.5 cores of four, and cannot both be kept. They can be when time of CPUs
 * can be dealt out so that each gets its reserve from its own set: a flow from workspaces to CPUs,
 * each CPU taking 1000 mcores. What is dealt to one is moved to another CPU of its set when a second
 * one needs it: an augmenting path (Ford and Fulkerson), found breadth first.
 *
 * dealt[w * n + c] is what workspace w gets of CPU c, where c counts the available CPUs only.
 */
#include "plan/admission.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define CPU_MCORES 1000

struct dealing {
	const struct admission_cpu *workspaces; /* the last is the wanted one */
	size_t n_workspaces;
	unsigned int *cpus; /* numbers of the available ones */
	size_t n_cpus;
	uint32_t *dealt;
	uint32_t *used; /* by CPU: the sum of what is dealt of it */
	/* Of the search: how a workspace and a CPU were reached, -1 when not. */
	int *workspace_from; /* the CPU that it could give back */
	int *cpu_from;	     /* the workspace that could take it */
	int *queue;	     /* of workspaces */
};

static uint32_t *dealt_of(struct dealing *d, int workspace, int cpu)
{
	return &d->dealt[(size_t)workspace * d->n_cpus + (size_t)cpu];
}

/* Marks what can be reached from workspace START; the first CPU with time left, or -1. */
static int find_spare_cpu(struct dealing *d, int start)
{
	size_t head = 0, tail = 0;

	for (size_t w = 0; w < d->n_workspaces; w++)
		d->workspace_from[w] = -1;
	for (size_t c = 0; c < d->n_cpus; c++)
		d->cpu_from[c] = -1;
	d->queue[tail++] = start;
	while (head < tail) {
		int w = d->queue[head++];

		for (int c = 0; c < (int)d->n_cpus; c++) {
			if (d->cpu_from[c] >= 0 || !cpus_has(&d->workspaces[w].cpus, d->cpus[c]))
				continue;
			d->cpu_from[c] = w;
			if (d->used[c] < CPU_MCORES)
				return c;
			for (int v = 0; v < (int)d->n_workspaces; v++) {
				if (v == start || d->workspace_from[v] >= 0 || !*dealt_of(d, v, c))
					continue;
				d->workspace_from[v] = c;
				d->queue[tail++] = v;
			}
		}
	}
	return -1;
}

/* Deals up to WANT to workspace START along the path that ends at CPU; returns how much. */
static uint32_t deal_along(struct dealing *d, int start, int cpu, uint32_t want)
{
	uint32_t amount = CPU_MCORES - d->used[cpu];
	int w, c = cpu;

	amount = amount < want ? amount : want;
	while ((w = d->cpu_from[c]) != start) {
		uint32_t movable;

		c = d->workspace_from[w];
		movable = *dealt_of(d, w, c);
		amount = amount < movable ? amount : movable;
	}
	d->used[cpu] += amount;
	c = cpu;
	for (;;) {
		w = d->cpu_from[c];
		*dealt_of(d, w, c) += amount;
		if (w == start)
			return amount;
		c = d->workspace_from[w];
		*dealt_of(d, w, c) -= amount;
	}
}

static uint32_t deal(struct dealing *d, int workspace, uint32_t want)
{
	uint32_t got = 0;

	while (got < want) {
		int cpu = find_spare_cpu(d, workspace);

		if (cpu < 0)
			break;
		got += deal_along(d, workspace, cpu, want - got);
	}
	return got;
}

static int deal_all(struct dealing *d, uint32_t *left_mcores)
{
	size_t wanted = d->n_workspaces - 1;

	for (size_t w = 0; w < wanted; w++) {
		if (deal(d, (int)w, d->workspaces[w].reserve_mcores) <
		    d->workspaces[w].reserve_mcores) {
			*left_mcores = 0;
			return 0;
		}
	}
	*left_mcores = deal(d, (int)wanted, UINT32_MAX);
	return 0;
}

int admission_cpu_left(const struct admission_cpu *kept, size_t n_kept,
		       const struct cpus *available, const struct cpus *wanted,
		       uint32_t *left_mcores)
{
	size_t n = n_kept + 1, n_cpus = cpus_count(available);
	_cleanup_free_ struct admission_cpu *workspaces = calloc(n, sizeof(*workspaces));
	_cleanup_free_ unsigned int *cpus = calloc(n_cpus + 1, sizeof(*cpus));
	_cleanup_free_ uint32_t *dealt = calloc(n * n_cpus + 1, sizeof(*dealt));
	_cleanup_free_ uint32_t *used = calloc(n_cpus + 1, sizeof(*used));
	_cleanup_free_ int *workspace_from = calloc(n, sizeof(int));
	_cleanup_free_ int *cpu_from = calloc(n_cpus + 1, sizeof(int));
	_cleanup_free_ int *queue = calloc(n, sizeof(int));
	struct dealing dealing = {
		.workspaces = workspaces,
		.n_workspaces = n,
		.cpus = cpus,
		.dealt = dealt,
		.used = used,
		.workspace_from = workspace_from,
		.cpu_from = cpu_from,
		.queue = queue,
	};

	if (!workspaces || !cpus || !dealt || !used || !workspace_from || !cpu_from || !queue)
		return -ENOMEM;
	for (size_t w = 0; w < n_kept; w++)
		workspaces[w] = kept[w];
	workspaces[n_kept].cpus = *wanted;
	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(available, cpu))
			cpus[dealing.n_cpus++] = cpu;
	}
	return deal_all(&dealing, left_mcores);
}
