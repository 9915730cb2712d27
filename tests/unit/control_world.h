/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * For the tests of the controller: a kernel of our own, with quotas that are filled up by every write, throttling,
 * weights, and work that is done for one workspace in the time, or on the CPU, of another.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "keeper/control.h"
#include "tap.h"

#define CPUS 2
#define MOST 8
#define MS 1000000ull
#define PERIOD_MS 100

/* What a workspace does: one thread, and what that causes elsewhere. */
struct load {
	int cpu;	/* that its thread is on */
	double demand;	/* of that CPU, when it gets all of it */
	double causes;	/* on-behalf-of time for each unit of own time, */
	int causes_on;	/* on this CPU */
	double arrives; /* on-behalf-of time from outside, cores, */
	int arrives_on; /* on this CPU */
};

struct world {
	struct control control;
	struct control_workspace w[MOST];
	struct load load[MOST];
	double pending[CPUS][MOST]; /* work to be done, ms */
	double used_ms[MOST];	    /* of the quota in this period */
	double quota_set[MOST];
	uint64_t behalf_cpu_ns[MOST][CPUS], others_ns[CPUS];
	uint64_t now_ns;
	unsigned int writes;
	unsigned int late_rounds; /* charges are that much behind */
	/* a worker of the kernel's on CPU 0: of which it wants so much, and what it had, and waited, ms */
	double worker_wants, worker_ran_ms, worker_waited_ms;
	double host_lost[CPUS], looked_ran_ms, looked_waited_ms;
};

#define WORKER_WEIGHT CONTROL_HOST_WEIGHT

static inline void add_workspace(struct world *world, struct terms_cpu terms, struct load load)
{
	struct control_workspace *w = &world->w[world->control.n];

	w->terms = terms;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		cpus_add(&w->cpus, cpu);
	w->behalf_cpu_ns = world->behalf_cpu_ns[world->control.n];
	ok(control_admit(w, CPUS) == 0);
	world->quota_set[world->control.n] = w->setting.quota_cores;
	world->load[world->control.n++] = load;
}

static inline void pin(struct world *world, size_t i, unsigned int cpu)
{
	world->w[i].cpus = (struct cpus){0};
	cpus_add(&world->w[i].cpus, cpu);
}

static inline void world_begin(struct world *world)
{
	*world = (struct world){.now_ns = 1000 * MS};
	world->control = (struct control){
		.n_cpus = CPUS, .workspaces = world->w, .other_cpu_ns = world->others_ns};
}

static inline bool is_throttled(const struct world *world, size_t i)
{
	return world->quota_set[i] > 0 && world->used_ms[i] >= world->quota_set[i] * PERIOD_MS;
}

/* One CPU for a millisecond: first what is pending, in whose time ever, then threads by weight. */
static inline void run_cpu(struct world *world, int cpu)
{
	double left = 1, weights = 0, asked[MOST] = {0}, work = 0;
	size_t n = world->control.n;

	for (size_t i = 0; i < n; i++)
		work += world->pending[cpu][i];
	for (size_t i = 0; i < n && work > 0; i++) {
		double done = work > 0.95 ? world->pending[cpu][i] * 0.95 / work
					  : world->pending[cpu][i];

		world->w[i].seen.behalf_ns += (uint64_t)(done * MS);
		world->behalf_cpu_ns[i][cpu] += (uint64_t)(done * MS);
		left -= done;
		/* queues are short: the rest is dropped */
		world->pending[cpu][i] = 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (world->load[i].cpu != cpu)
			continue;
		if (is_throttled(world, i)) {
			/* its threads are ready for all that (psi_flags_change() in kernel/sched/psi.c) */
			world->w[i].seen.waited_ns += (uint64_t)(world->load[i].demand * MS);
			continue;
		}
		asked[i] = world->load[i].demand;
		if (asked[i] > 0)
			weights += world->w[i].setting.weight ? world->w[i].setting.weight : 1024;
	}
	if (cpu == 0 && world->worker_wants > 0) {
		double ran =
			fmin(world->worker_wants, left * WORKER_WEIGHT / (weights + WORKER_WEIGHT));

		world->worker_ran_ms += ran;
		/* it has work that is left over, and so is always ready */
		if (ran < world->worker_wants)
			world->worker_waited_ms += 1 - ran;
		left -= ran;
	}
	for (size_t i = 0; i < n; i++) {
		double weight = world->w[i].setting.weight ? world->w[i].setting.weight : 1024;
		double part = asked[i] > 0 ? weight / weights : 0, own, imposed;

		if (part == 0)
			continue;
		own = fmin(asked[i], left * part);
		imposed = (1 - left) * part;
		world->w[i].seen.own_ns += (uint64_t)(own * MS);
		world->w[i].seen.imposed_ns += (uint64_t)(imposed * MS);
		world->w[i].seen.billed_ns += (uint64_t)((own + imposed) * MS);
		if (own + imposed < asked[i])
			world->w[i].seen.waited_ns += (uint64_t)((asked[i] - own - imposed) * MS);
		world->used_ms[i] += own + imposed;
		world->pending[world->load[i].causes_on][i] += own * world->load[i].causes;
	}
}

static inline void run_ms(struct world *world)
{
	if (world->now_ns / MS % PERIOD_MS == 0)
		memset(world->used_ms, 0, sizeof(world->used_ms));
	for (size_t i = 0; i < world->control.n; i++)
		world->pending[world->load[i].arrives_on][i] += world->load[i].arrives;
	for (int cpu = 0; cpu < CPUS; cpu++)
		run_cpu(world, cpu);
	world->now_ns += MS;
}

/* As host_threads.c does once a second. */
static inline void look_at_worker(struct world *world)
{
	double ran = world->worker_ran_ms - world->looked_ran_ms;
	double waited = world->worker_waited_ms - world->looked_waited_ms;

	world->looked_ran_ms = world->worker_ran_ms;
	world->looked_waited_ms = world->worker_waited_ms;
	world->host_lost[0] = waited > 600 && ran < 300 ? waited / 1000 : 0;
	world->control.host_got = ran / 1000;
	world->control.host_lost = world->host_lost;
}

/* What the loop does: a round each 100 ms, not in step with the kernel's periods. */
static inline void apply(struct world *world)
{
	for (size_t i = 0; i < world->control.n; i++) {
		double quota = world->w[i].setting.quota_cores;

		ok(quota == 0 || quota >= CONTROL_FLOOR_CORES);
		if (world->w[i].terms.limit_mcores) {
			ok(quota > 0);
			ok(quota <= world->w[i].terms.limit_mcores / 1000.0 * 3 + 1e-9);
		}
		if (world->w[i].others_quota > 0)
			quota = fmin(quota > 0 ? quota : INFINITY, world->w[i].others_quota);
		if (quota == world->quota_set[i])
			continue;
		world->quota_set[i] = quota;
		world->used_ms[i] = 0;
		world->writes++;
	}
}

static inline void run(struct world *world, double seconds)
{
	for (double ms = 0; ms < seconds * 1000; ms++) {
		run_ms(world);
		if (world->now_ns / MS % 100 != 37)
			continue;
		if (world->now_ns / MS % 1000 == 37)
			look_at_worker(world);
		ok(control_round(&world->control, world->now_ns) == 0);
		apply(world);
	}
}

static inline double charge_of(const struct world *world, size_t i)
{
	return (double)(world->w[i].seen.own_ns + world->w[i].seen.behalf_ns) / 1e9;
}

static inline void world_end(struct world *world)
{
	control_end(&world->control);
}

static inline struct terms_cpu cpu_terms(uint32_t reserve, uint32_t limit, uint32_t share)
{
	return (struct terms_cpu){reserve, limit, share};
}
