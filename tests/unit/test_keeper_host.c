// SPDX-License-Identifier: GPL-2.0-or-later
/* Which of the kernel's workers are starved. */
#include "tap.h"

#include "keeper/host_threads.h"

TEST(workers_are_known_by_their_pool)
{
	static const struct {
		const char *name, *pool;
	} names[] = {
		{"kworker/u8:1-loop0", "kworker/u8"},
		{"kworker/u8:12+flush-8:0", "kworker/u8"},
		{"kworker/0:1-events", "kworker/0"},
		{"kworker/0:1H-kblockd", "kworker/0H"},
		{"kworker/u8:12H-events_highpri", "kworker/u8H"},
		{"kworker/R-mld", "kworker/R-mld"},
		{"kswapd0", "77"},
	};
	char pool[HOST_POOL_BYTES];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		host_threads_pool(names[i].name, 77, pool);
		is_str(pool, names[i].pool);
	}
}

#define LIST_MAX 4

/* Of ALL, those that are for the list. */
static bool starve(const struct host_waiting *all, size_t n, double *lost)
{
	struct host_waiting list[LIST_MAX];
	size_t n_list = 0;

	for (size_t i = 0; i < n; i++) {
		list[n_list] = all[i];
		n_list += host_threads_count(&list[n_list]);
	}
	return host_threads_starve(list, n_list, lost);
}

TEST(one_that_waits_and_hardly_runs_is_starved)
{
	const struct host_waiting list[] = {{"7", 1, 0.01, 0.9}, {"8", 0, 0.1, 0.3}};
	double lost[2] = {0};

	ok(starve(list, 2, lost));
	is_near(lost[1], 0.9, 1e-9);
	is_near(lost[0], 0, 1e-9);
	lost[1] = 0;
	ok(!starve(&list[1], 1, lost));
	is_near(lost[0], 0, 1e-9);
}

/* The same work is done by one and then by another. */
TEST(workers_of_a_pool_are_starved_together)
{
	const struct host_waiting list[] = {{"kworker/u8", 0, 0.01, 0.4},
					    {"kworker/u8", 1, 0.02, 0.3},
					    {"kworker/0", 0, 0.01, 0.3},
					    {"kworker/1", 1, 0.01, 0.3}};
	double lost[2] = {0};

	ok(starve(list, 4, lost));
	is_near(lost[0], 0.4, 1e-9);
	is_near(lost[1], 0.3, 1e-9);
	ok(!starve(&list[1], 3, lost));
}

TEST(a_pool_that_runs_is_not_starved)
{
	const struct host_waiting list[] = {{"kworker/u8", 0, 0.2, 0.5},
					    {"kworker/u8", 1, 0.2, 0.5}};
	double lost[2] = {0};

	ok(!starve(list, 2, lost));
}

/* The one that does the work does not wait. */
TEST(a_pool_one_of_which_runs_is_not_starved)
{
	const struct host_waiting all[] = {{"kworker/u8", 0, 0.8, 0.1},
					   {"kworker/u8", 1, 0.01, 0.35},
					   {"kworker/u8", 0, 0.01, 0.35}};
	double lost[2] = {0};

	ok(!starve(all, 3, lost));
	is_near(lost[0] + lost[1], 0, 1e-9);
	/* but one that waits all of the time has something to do that the other does not do */
	ok(starve((struct host_waiting[]){{"kworker/u8", 0, 0.4, 0.01},
					  {"kworker/u8", 1, 0.01, 0.9}},
		  2, lost));
	is_near(lost[1], 0.9, 1e-9);
	lost[1] = 0;
	/* nor does it lose anything where they are */
	ok(starve((struct host_waiting[]){{"kworker/u8", 0, 0.2, 0.01},
					  {"kworker/u8", 1, 0.01, 0.7}},
		  2, lost));
	is_near(lost[0], 0, 1e-9);
	is_near(lost[1], 0.7, 1e-9);
}
