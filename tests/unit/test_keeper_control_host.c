// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's part: the kernel's own workers have their turn. */
#include "tap.h"

#include "control_world.h"

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
