// SPDX-License-Identifier: GPL-2.0-or-later
/* Reserves: who is in the way of one gives way, and who is not does not. */
#include "tap.h"

#include "control_world.h"

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
