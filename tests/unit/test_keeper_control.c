// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The controller against a kernel of our own: quotas that are filled up by every write, throttling,
 * weights, and work that is done for one workspace in the time, or on the CPU, of another.
 */
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "keeper/control.h"

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

static void add_workspace(struct world *world, struct terms_cpu terms, struct load load)
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

static void pin(struct world *world, size_t i, unsigned int cpu)
{
	world->w[i].cpus = (struct cpus){0};
	cpus_add(&world->w[i].cpus, cpu);
}

static void world_begin(struct world *world)
{
	*world = (struct world){.now_ns = 1000 * MS};
	world->control = (struct control){
		.n_cpus = CPUS, .workspaces = world->w, .other_cpu_ns = world->others_ns};
}

static bool is_throttled(const struct world *world, size_t i)
{
	return world->quota_set[i] > 0 && world->used_ms[i] >= world->quota_set[i] * PERIOD_MS;
}

/* One CPU for a millisecond: first what is pending, in whose time ever, then threads by weight. */
static void run_cpu(struct world *world, int cpu)
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

static void run_ms(struct world *world)
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
static void look_at_worker(struct world *world)
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
static void apply(struct world *world)
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

static void run(struct world *world, double seconds)
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

static double charge_of(const struct world *world, size_t i)
{
	return (double)(world->w[i].seen.own_ns + world->w[i].seen.behalf_ns) / 1e9;
}

static void world_end(struct world *world)
{
	control_end(&world->control);
}

static struct terms_cpu cpu_terms(uint32_t reserve, uint32_t limit, uint32_t share)
{
	return (struct terms_cpu){reserve, limit, share};
}

TEST(a_workspace_within_its_limit_is_left_alone)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(0, 500, 0), (struct load){.demand = 0.3});
	run(&world, 20);
	ok(world.writes == 0);
	ok(world.w[0].setting.quota_cores == 0.5);
	ok(world.w[0].limit.state == CONTROL_KEPT);
	world_end(&world);
}

TEST(a_plain_spinner_gets_all_of_its_limit)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(0, 500, 0), (struct load){.demand = 1});
	run(&world, 20);
	ok(charge_of(&world, 0) > 0.97 * 10);
	ok(charge_of(&world, 0) < 1.03 * 10);
	ok(world.writes < 20);
	world_end(&world);
}

/* The charge follows the limit over any ten seconds but the first. */
TEST(charges_above_the_quota_are_collected)
{
	static const double causes[] = {0.3, 1.3, 3};
	static const uint32_t limits[] = {100, 500, 900};

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(limits); j++) {
			struct world world;
			double before, ratio;

			world_begin(&world);
			add_workspace(
				&world, cpu_terms(0, limits[j], 0),
				(struct load){.demand = 1, .causes = causes[i], .causes_on = 1});
			run(&world, 10);
			ratio = charge_of(&world, 0) / 10 / (limits[j] / 1000.0);
			ok(ratio < 1.25);
			before = charge_of(&world, 0);
			run(&world, 10);
			ratio = (charge_of(&world, 0) - before) / 10 / (limits[j] / 1000.0);
			ok(ratio > 0.93 && ratio < 1.05, "causes %g, limit %u: %g", causes[i],
			   limits[j], ratio);
			ok(world.w[0].limit.state == CONTROL_KEPT);
			world_end(&world);
		}
	}
}

TEST(what_is_imposed_is_given_back)
{
	struct world world;
	double before;

	world_begin(&world);
	/* the flood is nobody's to throttle: it arrives */
	add_workspace(&world, cpu_terms(0, 300, 0), (struct load){.cpu = 1, .demand = 1});
	add_workspace(&world, cpu_terms(0, 0, 0), (struct load){.arrives = 0.5, .arrives_on = 1});
	run(&world, 10);
	before = charge_of(&world, 0);
	run(&world, 10);
	ok((charge_of(&world, 0) - before) / 10 > 0.3 * 0.95);
	ok((charge_of(&world, 0) - before) / 10 < 0.3 * 1.05);
	world_end(&world);
}

static double flooded_victim(struct world *world, uint32_t neighbour_reserve)
{
	double before;

	world_begin(world);
	add_workspace(world, cpu_terms(1000, 0, 0), (struct load){.cpu = 1, .demand = 1});
	pin(world, 0, 1);
	add_workspace(world, cpu_terms(neighbour_reserve, 500, 0),
		      (struct load){.demand = 1, .causes = 1.3, .causes_on = 1});
	run(world, 3);
	before = charge_of(world, 0);
	run(world, 10);
	return (charge_of(world, 0) - before) / 10;
}

TEST(who_is_in_the_way_of_a_reserve_is_squeezed)
{
	struct world world;

	ok(flooded_victim(&world, 0) > 0.97);
	ok(world.w[0].reserve.state == CONTROL_KEPT);
	ok(world.w[1].setting.quota_cores < 0.1);
	/* and is let go when the other wants nothing: idle time goes to whoever wants it */
	world.load[0].demand = 0;
	run(&world, 15);
	ok(world.w[1].setting.quota_cores > 0.2);
	world_end(&world);
}

TEST(work_for_others_is_told_before_anything_is_missing)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(900, 0, 0), (struct load){.cpu = 1, .demand = 1});
	pin(&world, 0, 1);
	add_workspace(&world, cpu_terms(100, 0, 0), (struct load){.demand = 0.5});
	add_workspace(&world, cpu_terms(0, 0, 0), (struct load){.arrives = 0.05, .arrives_on = 1});
	run(&world, 2);
	ok(world.w[0].reserve.state == CONTROL_KEPT);
	ok(cpus_has(&world.w[0].disturbed, 1) && cpus_count(&world.w[0].disturbed) == 1);
	ok(!world.w[2].blamed && world.w[2].setting.gate_cores == 0);
	/* one that may run everywhere is nowhere out of the way */
	ok(cpus_count(&world.w[1].disturbed) == 0);
	world.load[2].arrives = 0;
	run(&world, 2);
	ok(cpus_count(&world.w[0].disturbed) == 0);
	world_end(&world);
}

TEST(nobody_is_squeezed_while_work_is_being_moved)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(1000, 0, 0), (struct load){.cpu = 1, .demand = 1});
	pin(&world, 0, 1);
	add_workspace(&world, cpu_terms(0, 1000, 0),
		      (struct load){.demand = 0.2, .causes = 1.3, .causes_on = 1});
	for (int i = 0; i < 10; i++) {
		run(&world, 0.2);
		world.control.steered = cpus_count(&world.w[0].disturbed) > 0;
	}
	ok(world.w[1].blamed);
	ok(world.w[1].setting.quota_cores == 1);
	run(&world, 3);
	ok(world.w[1].setting.quota_cores < 0.1);
	world_end(&world);
}

/* Two whose weights leave a worker of the kernel's next to nothing, together as one alone. */
static void begin_beside_worker(struct world *world, double host_reserve)
{
	world_begin(world);
	world->control.host_reserve = host_reserve;
	add_workspace(world, cpu_terms(500, 0, 10000), (struct load){.demand = 1});
	add_workspace(world, cpu_terms(0, 0, 10000), (struct load){.demand = 1});
	add_workspace(world, cpu_terms(0, 0, 100), (struct load){.cpu = 1, .demand = 1});
	pin(world, 2, 1);
	world->worker_wants = 0.2;
	run(world, 10);
	world->worker_ran_ms = world->looked_ran_ms = 0;
}

TEST(the_hosts_part_is_kept_by_a_cap_on_the_sum)
{
	struct world world;
	double alone, before;

	begin_beside_worker(&world, 0);
	run(&world, 10);
	alone = world.worker_ran_ms / 10000;
	ok(alone < 0.03, "without a reserve it has %.3f", alone);
	ok(world.w[1].setting.quota_cores == 0);
	world_end(&world);

	begin_beside_worker(&world, 0.1);
	before = charge_of(&world, 0);
	run(&world, 30);
	ok(world.worker_ran_ms / 30000 > 0.07, "it has %.3f", world.worker_ran_ms / 30000);
	/* as much as is kept for it, and not all that it wants */
	ok(world.worker_ran_ms / 30000 < 0.15, "it has %.3f", world.worker_ran_ms / 30000);
	ok((charge_of(&world, 0) - before) / 30 > 0.49);
	/* who is elsewhere is not held */
	ok(world.w[2].setting.quota_cores == 0);
	/* and nobody is, when it wants nothing */
	world.worker_wants = 0;
	run(&world, 20);
	before = charge_of(&world, 0) + charge_of(&world, 1);
	run(&world, 5);
	ok((charge_of(&world, 0) + charge_of(&world, 1) - before) / 5 > 0.98);
	world_end(&world);
}

TEST(one_within_its_own_reserve_is_not_squeezed)
{
	struct world world;

	ok(flooded_victim(&world, 400) < 0.9);
	ok(world.w[0].reserve.state == CONTROL_BROKEN);
	ok(world.w[0].reserve.by == 1);
	ok(world.w[0].reserve.violation_ns > 5000 * MS);
	ok(charge_of(&world, 1) / 13 > 0.4 * 0.95);
	world_end(&world);
}

TEST(a_reserve_that_is_not_asked_for_is_kept)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(500, 0, 0), (struct load){.demand = 0.1});
	add_workspace(&world, cpu_terms(0, 0, 0), (struct load){.demand = 1});
	run(&world, 5);
	ok(world.w[0].reserve.state == CONTROL_KEPT);
	ok(world.w[0].reserve.ratio > 0.97);
	ok(world.w[1].reserve.state == CONTROL_NO_TERM);
	world_end(&world);
}

TEST(reserves_come_before_shares_and_the_rest_is_shared)
{
	struct world world;
	double before[4], got[4];

	world_begin(&world);
	add_workspace(&world, cpu_terms(500, 0, 0), (struct load){.demand = 1});
	for (int i = 0; i < 3; i++)
		add_workspace(&world, cpu_terms(0, 0, 0), (struct load){.demand = 1});
	for (size_t i = 0; i < 4; i++)
		pin(&world, i, 0);
	run(&world, 4);
	for (size_t i = 0; i < 4; i++)
		before[i] = charge_of(&world, i);
	run(&world, 10);
	for (size_t i = 0; i < 4; i++)
		got[i] = (charge_of(&world, i) - before[i]) / 10;
	/* its reserve, and a fourth of the other half */
	ok(got[0] > 0.6, "%g", got[0]);
	ok(got[0] < 0.66, "%g", got[0]);
	ok(got[1] > 0.08 && got[2] > 0.08 && got[3] > 0.08);
	/* work-conserving: nothing is lost */
	ok(got[0] + got[1] + got[2] + got[3] > 0.999);
	world_end(&world);
}

/* One is promised to receive, and no CPU; the other to compute. */
TEST(who_is_promised_io_has_the_cpu_it_takes)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(0, 0, 0), (struct load){.demand = 0.3});
	add_workspace(&world, cpu_terms(500, 0, 0), (struct load){.demand = 1});
	for (size_t i = 0; i < 2; i++)
		pin(&world, i, 0);
	ok(control_static(&world.w[0]).weight == 0);
	world.w[0].io_own_mcores = 300;
	world.w[0].io_mcores = 350;
	run(&world, 5);
	ok(world.w[0].setting.weight > 0.5 * world.w[1].setting.weight, "%g beside %g",
	   world.w[0].setting.weight, world.w[1].setting.weight);
	ok(charge_of(&world, 0) / 5 > 0.28, "%g", charge_of(&world, 0) / 5);
	ok(world.w[0].reserve.state == CONTROL_NO_TERM);
	world_end(&world);
}

/* What was promised of I/O is no share of what others leave: nobody's weight is lowered for it. */
TEST(promised_io_is_not_more_than_its_part)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(300, 0, 0), (struct load){.demand = 1});
	add_workspace(&world, cpu_terms(300, 0, 0), (struct load){.demand = 1});
	for (size_t i = 0; i < 2; i++)
		pin(&world, i, 0);
	world.w[0].io_own_mcores = world.w[0].io_mcores = 300;
	run(&world, 15);
	ok(charge_of(&world, 0) / 15 > 0.6, "%g", charge_of(&world, 0) / 15);
	ok(charge_of(&world, 1) / 15 > 0.3, "%g", charge_of(&world, 1) / 15);
	world_end(&world);
}

TEST(weights_leave_the_host_its_turn)
{
	struct world world;
	double sum = 0;

	world_begin(&world);
	for (int i = 0; i < MOST; i++)
		add_workspace(&world, cpu_terms(4000, 0, 10000), (struct load){.demand = 1});
	run(&world, 5);
	for (int i = 0; i < MOST; i++)
		sum += world.w[i].setting.weight;
	ok(sum <= CONTROL_WEIGHTS_MAX * CPUS * 1.11);
	world_end(&world);
}

TEST(debt_is_forgiven_above_a_bound)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(0, 200, 0),
		      (struct load){.demand = 0.15, .arrives = 0.8, .arrives_on = 1});
	run(&world, 30);
	ok(world.w[0].limit.state == CONTROL_BROKEN);
	ok(world.w[0].setting.quota_cores <= 0.02);
	world.load[0].arrives = 0;
	run(&world, 5);
	ok(world.w[0].setting.quota_cores >= 0.15);
	world_end(&world);
}

TEST(a_gate_is_shut_only_before_one_in_debt)
{
	struct world world;

	world_begin(&world);
	/* what arrives is nothing that throttling would stop */
	add_workspace(&world, cpu_terms(0, 200, 0), (struct load){.demand = 0.05, .arrives = 0.1});
	run(&world, 5);
	ok(world.w[0].setting.gate_cores == 0);
	world.load[0].arrives = 0.8;
	run(&world, 5);
	ok(world.w[0].setting.gate_cores > 0 && world.w[0].setting.gate_cores < 0.2);
	/* what the gate lets through */
	world.load[0].arrives = 0.01;
	run(&world, 10);
	ok(world.w[0].setting.gate_cores == 0);
	world_end(&world);
}

TEST(what_arrives_is_kept_out_of_the_way_of_a_reserve)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(1000, 0, 0), (struct load){.cpu = 1, .demand = 1});
	pin(&world, 0, 1);
	add_workspace(&world, cpu_terms(0, 0, 0), (struct load){.arrives = 0.5, .arrives_on = 1});
	run(&world, 3);
	ok(world.w[1].setting.gate_cores > 0 && world.w[1].setting.gate_cores < 0.1);
	world.load[0].demand = 0;
	run(&world, 20);
	ok(world.w[1].setting.gate_cores == 0);
	world_end(&world);
}

TEST(clocks_and_figures_may_jump)
{
	struct world world;

	srandom(17);
	for (int i = 0; i < 50; i++) {
		world_begin(&world);
		add_workspace(&world, cpu_terms(300, 500, 0),
			      (struct load){.demand = 1, .causes = (double)(random() % 300) / 100});
		add_workspace(&world, cpu_terms(0, 0, 10), (struct load){.cpu = 1, .demand = 1});
		for (int j = 0; j < 60; j++) {
			run(&world, 0.1);
			if (random() % 10 == 0)
				world.now_ns += (uint64_t)(random() % 20) * 1000 * MS;
			if (random() % 10 == 0)
				world.w[0].seen.behalf_ns -= (uint64_t)(random() % 1000) * 100;
			if (random() % 20 == 0)
				world.w[1].seen = (struct control_seen){0};
			world.w[1].gone = random() % 15 == 0;
			ok(isfinite(world.w[0].setting.quota_cores));
			ok(isfinite(world.w[0].setting.weight));
			ok(world.w[0].setting.quota_cores >= 0.01 &&
			   world.w[0].setting.quota_cores <= 1.5);
			ok(world.w[1].setting.quota_cores == 0 ||
			   world.w[1].setting.quota_cores >= 0.01);
		}
		world_end(&world);
	}
}

TEST(what_a_keeper_leaves_is_carried_on)
{
	struct world world, next;
	struct control_carried carried;

	flooded_victim(&world, 0);
	carried = control_carry(&world.w[1]);
	ok(carried.squeeze > 0 && carried.squeeze < 0.1);
	world_begin(&next);
	add_workspace(&next, cpu_terms(1000, 0, 0), (struct load){.cpu = 1, .demand = 1});
	pin(&next, 0, 1);
	add_workspace(&next, cpu_terms(0, 500, 0),
		      (struct load){.demand = 1, .causes = 1.3, .causes_on = 1});
	control_resume(&next.w[1], carried);
	next.quota_set[1] = world.w[1].setting.quota_cores;
	run(&next, 1);
	ok(charge_of(&next, 0) > 0.95);
	world_end(&world);
	world_end(&next);
}

/* What each computes and does for others' packets fits, and none has more than it is promised. */
static void add_three_with_io(struct world *world)
{
	static const struct load loads[] = {
		{.cpu = 0, .demand = 0.5, .causes = 0.2, .causes_on = 1},
		{.cpu = 1, .demand = 0.5, .causes = 0.2, .causes_on = 0},
		{.cpu = 0, .demand = 0.35, .causes = 0.2, .causes_on = 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		double own = loads[i].demand;

		add_workspace(world, cpu_terms((uint32_t)(own * 800), 0, 0), loads[i]);
		world->w[i].io_own_mcores = (uint32_t)(own * 210);
		world->w[i].io_mcores = (uint32_t)(own * 420);
	}
}

TEST(those_who_are_squeezed_do_not_hold_each_other_down)
{
	struct world world;
	double before[3];

	world_begin(&world);
	add_three_with_io(&world);
	for (size_t i = 0; i < 3; i++)
		control_resume(&world.w[i],
			       (struct control_carried){.gain = 1,
							.squeeze = world.load[i].demand * 0.75});
	run(&world, 4);
	for (size_t i = 0; i < 3; i++)
		before[i] = charge_of(&world, i);
	run(&world, 5);
	for (size_t i = 0; i < 3; i++) {
		double got = (charge_of(&world, i) - before[i]) / 5;

		ok(got > 1.2 * world.load[i].demand * 0.97, "%zu: %g of %g", i, got,
		   1.2 * world.load[i].demand);
	}
	world_end(&world);
}

TEST(one_within_its_reserve_and_its_io_is_not_squeezed)
{
	struct world world;
	double before;

	world_begin(&world);
	add_workspace(&world, cpu_terms(1000, 0, 0), (struct load){.cpu = 1, .demand = 1});
	pin(&world, 0, 1);
	add_workspace(&world, cpu_terms(200, 0, 0),
		      (struct load){.demand = 0.5, .causes = 1, .causes_on = 1});
	world.w[1].io_own_mcores = 100;
	world.w[1].io_mcores = 300;
	run(&world, 3);
	before = charge_of(&world, 1);
	run(&world, 10);
	/* and no more than that: the rest is in the way of the other's reserve */
	ok((charge_of(&world, 1) - before) / 10 > 0.5 * 0.95, "%g", charge_of(&world, 1) - before);
	ok((charge_of(&world, 1) - before) / 10 < 0.5 * 1.1, "%g", charge_of(&world, 1) - before);
	world_end(&world);
}

TEST(one_that_keeps_to_its_promise_gets_no_quota)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(1000, 0, 0), (struct load){.cpu = 1, .demand = 1});
	pin(&world, 0, 1);
	add_workspace(&world, cpu_terms(200, 0, 0),
		      (struct load){.demand = 0.25, .causes = 1, .causes_on = 1});
	world.w[1].io_mcores = 301;
	run(&world, 10);
	ok(world.w[0].reserve.state == CONTROL_BROKEN && world.w[0].reserve.by == 1);
	ok(!world.w[1].blamed && world.w[1].setting.quota_cores == 0);
	/* as soon as it has more, it is held to what it was promised */
	world.load[1].demand = 0.5;
	run(&world, 5);
	ok(world.w[1].setting.quota_cores > 0);
	world_end(&world);
}

TEST(nobody_is_to_blame_for_what_ones_own_quota_does_not_leave)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(400, 0, 0), (struct load){.cpu = 1, .demand = 1});
	world.w[0].others_quota = 0.3;
	add_workspace(&world, cpu_terms(0, 0, 0), (struct load){.demand = 0.3});
	run(&world, 10);
	ok(world.w[0].reserve.state == CONTROL_BROKEN);
	ok(world.w[0].reserve.by == CONTROL_BY_QUOTA, "%d", world.w[0].reserve.by);
	/* nor are those who impose a little on it most to blame */
	world.load[1] = (struct load){.demand = 0.3, .causes = 0.1, .causes_on = 1};
	run(&world, 3);
	ok(world.w[0].reserve.by == CONTROL_BY_QUOTA, "%d", world.w[0].reserve.by);
	world_end(&world);
}

/* What others impose is billed to it, so that its quota is used up sooner. */
TEST(who_takes_of_anothers_quota_is_squeezed)
{
	struct world world;
	double before;

	world_begin(&world);
	add_workspace(&world, cpu_terms(900, 0, 0), (struct load){.cpu = 1, .demand = 1});
	pin(&world, 0, 1);
	world.w[0].others_quota = 0.9;
	add_workspace(&world, cpu_terms(0, 0, 0),
		      (struct load){.demand = 0.6, .causes = 0.5, .causes_on = 1});
	run(&world, 5);
	before = charge_of(&world, 0);
	run(&world, 10);
	ok((charge_of(&world, 0) - before) / 10 > 0.9 * 0.97, "%g",
	   (charge_of(&world, 0) - before) / 10);
	world_end(&world);
}

/* One with little beside one that is promised much is all that can be given up. */
TEST(who_was_promised_nothing_gives_way_first)
{
	struct world world;

	world_begin(&world);
	add_workspace(&world, cpu_terms(900, 0, 0), (struct load){.cpu = 1, .demand = 1});
	pin(&world, 0, 1);
	add_workspace(&world, cpu_terms(0, 0, 0), (struct load){.arrives = 0.5, .arrives_on = 1});
	world.w[1].io_mcores = 600;
	add_workspace(&world, cpu_terms(0, 0, 0),
		      (struct load){.demand = 0.4, .causes = 0.1, .causes_on = 1});
	run(&world, 5);
	ok(world.w[1].setting.gate_cores == 0 && !world.w[1].blamed);
	ok(world.w[2].setting.quota_cores > 0 && world.w[2].setting.quota_cores < 0.1, "%g",
	   world.w[2].setting.quota_cores);
	world_end(&world);
}
