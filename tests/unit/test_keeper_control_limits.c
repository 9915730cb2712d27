// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits: charges are held to them, by quotas, and gates where that is not enough. */
#include "tap.h"

#include "control_world.h"

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
