// SPDX-License-Identifier: GPL-2.0-or-later
/* Dealing CPU time out, against a count over all subsets (Hall's theorem) and against itself. */
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "plan/deal.h"

#define CORE UINT64_C(1000000000)

/* A small generator, the same everywhere. */
static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

static struct cpus set_of(uint64_t bits)
{
	return (struct cpus){{bits}};
}

static struct deal_result deal(const struct deal_demand *demands, size_t n, uint64_t available)
{
	struct cpus cpus = set_of(available);
	struct deal_result result = {0};

	ok(deal_cpus(demands, n, &cpus, CORE, &result) == 0);
	return result;
}

/* The most that demands confined to a set of CPUs exceed it by: what must be missing at least. */
static uint64_t worst_excess(const struct deal_demand *demands, size_t n, unsigned int n_cpus)
{
	uint64_t worst = 0;

	for (uint64_t subset = 0; subset < UINT64_C(1) << n_cpus; subset++) {
		uint64_t asked = 0, capacity = (uint64_t)__builtin_popcountll(subset) * CORE;

		for (size_t i = 0; i < n; i++) {
			if (!(demands[i].cpus.bits[0] & ~subset))
				asked += demands[i].ncores;
		}
		if (asked > capacity && asked - capacity > worst)
			worst = asked - capacity;
	}
	return worst;
}

TEST(what_is_missing_is_what_must_be)
{
	unsigned int refused = 0;

	seed = 1;
	for (int round = 0; round < 3000; round++) {
		struct deal_demand demands[8];
		size_t n = random_below(ARRAY_SIZE(demands) + 1);
		unsigned int n_cpus = 1 + (unsigned int)random_below(6);
		uint64_t all = (UINT64_C(1) << n_cpus) - 1;
		struct deal_result result;

		for (size_t i = 0; i < n; i++)
			demands[i] = (struct deal_demand){set_of(1 + random_below(all)),
							  random_below(2 * CORE)};
		result = deal(demands, n, all);
		must(result.missing_ncores == worst_excess(demands, n, n_cpus), "round %d", round);
		if (!result.missing_ncores)
			continue;
		refused++;
		must(result.asked_ncores - result.capacity_ncores == result.missing_ncores,
		     "round %d: the tight part explains it", round);
	}
	ok(refused > 300 && refused < 2700, "%u refused", refused);
}

TEST(the_order_does_not_matter)
{
	seed = 2;
	for (int round = 0; round < 500; round++) {
		struct deal_demand demands[12], turned[12];
		struct deal_result a, b;

		for (size_t i = 0; i < ARRAY_SIZE(demands); i++)
			demands[i] = (struct deal_demand){set_of(1 + random_below(255)),
							  random_below(CORE)};
		for (size_t i = 0; i < ARRAY_SIZE(demands); i++)
			turned[(i * 5 + (size_t)round) % ARRAY_SIZE(turned)] = demands[i];
		a = deal(demands, ARRAY_SIZE(demands), 255);
		b = deal(turned, ARRAY_SIZE(turned), 255);
		must(memcmp(&a, &b, sizeof(a)) == 0, "round %d", round);
	}
}

TEST(what_is_left_can_be_had_and_no_more)
{
	struct cpus all = set_of(15);

	seed = 3;
	for (int round = 0; round < 500; round++) {
		struct deal_demand demands[5];
		uint64_t left;

		for (size_t i = 0; i < 5; i++)
			demands[i] = (struct deal_demand){set_of(1 + random_below(15)),
							  random_below(CORE)};
		must(deal_left(demands, 4, &all, CORE, &demands[4].cpus, &left) == 0);
		if (deal(demands, 4, 15).missing_ncores) {
			must(left == 0);
			continue;
		}
		demands[4].ncores = left;
		must(!deal(demands, 5, 15).missing_ncores, "round %d", round);
		demands[4].ncores = left + 1;
		must(deal(demands, 5, 15).missing_ncores == 1, "round %d", round);
	}
}

TEST(sets_that_are_not_there)
{
	struct deal_demand demands[] = {{set_of(0xf0), 5}, {set_of(0x3), CORE}, {set_of(0), 2}};
	struct deal_result result = deal(demands, 3, 0xf);

	is_uint(result.missing_ncores, 7);
	is_uint(cpus_count(&result.tight), 0);
	is_uint(result.asked_ncores, 7);
	result = deal(demands + 1, 1, 0x1);
	is_uint(result.missing_ncores, 0);
	result = deal(NULL, 0, 0xf);
	is_uint(result.missing_ncores, 0);
	demands[0] = (struct deal_demand){set_of(1), UINT64_MAX};
	demands[1] = (struct deal_demand){set_of(1), UINT64_MAX};
	result = deal(demands, 2, 0xf);
	ok(result.missing_ncores > UINT64_MAX / 2);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Ten thousand sets, no two the same, over 256 CPUs that are all but full. Time is told, not tested. */
TEST_TIMEOUT(many_different_sets, 60)
{
	size_t n = 10000;
	_cleanup_free_ struct deal_demand *demands = calloc(n, sizeof(*demands));
	struct cpus all = {0};
	struct deal_result result;
	double begun = cpu_seconds();

	seed = 4;
	for (unsigned int cpu = 0; cpu < 256; cpu++)
		cpus_add(&all, cpu);
	for (size_t i = 0; i < n; i++) {
		unsigned int size = 1 + (unsigned int)random_below(16);

		for (unsigned int k = 0; k < size; k++)
			cpus_add(&demands[i].cpus, (unsigned int)random_below(256));
		demands[i].ncores = 254 * CORE / n;
	}
	must(deal_cpus(demands, n, &all, CORE, &result) == 0);
	note("%.3f s", cpu_seconds() - begun);
	is_uint(result.missing_ncores, 0);
	demands[0].ncores += 3 * CORE;
	must(deal_cpus(demands, n, &all, CORE, &result) == 0);
	is_uint(result.asked_ncores - result.capacity_ncores, result.missing_ncores);
	ok(result.missing_ncores >= CORE);
}

static struct cpus set(const char *text)
{
	struct cpus cpus = {0};

	ok(cpus_parse(text, &cpus) == 0);
	return cpus;
}

/* In thousandths of a CPU. */
static uint64_t left(const struct deal_demand *kept, size_t n, const char *available,
		     const char *wanted)
{
	struct cpus all = set(available), mine = set(wanted);
	uint64_t mcores = 4711;

	ok(deal_left(kept, n, &all, 1000, &mine, &mcores) == 0);
	return mcores;
}

TEST(what_is_left_to_reserve)
{
	struct deal_demand kept[] = {
		{set("0-1"), 1500},
		{set("0"), 1000},
		{set("2"), 200},
	};

	is_uint(left(NULL, 0, "0-1", "0-1"), 2000);
	is_uint(left(NULL, 0, "0-1", "1"), 1000);
	is_uint(left(NULL, 0, "0-1", "7"), 0);
	is_uint(left(kept, 1, "0-1", "0-1"), 500);
	is_uint(left(kept, 1, "0-1", "0"), 500);
	/* the first moves to CPU 1 as far as it can */
	is_uint(left(kept, 1, "0-2", "0"), 500);
	is_uint(left(kept, 1, "0-2", "0,2"), 1500);
	/* the first two need 2.5 of the two CPUs they can run on, though there are four */
	is_uint(left(kept, 2, "0-3", "3"), 0);
	is_uint(left(&kept[1], 2, "0-2", "0-2"), 1800);
	is_uint(left(&kept[1], 2, "0-2", "2"), 800);
}

TEST(reserves_move_along_a_chain_of_sets)
{
	/* Dealt greedily from the lowest CPU on, the last would find nothing. */
	struct deal_demand kept[] = {
		{set("0-1"), 1000},
		{set("1-2"), 1000},
		{set("2-3"), 1000},
	};

	is_uint(left(kept, 3, "0-3", "0"), 1000);
	is_uint(left(kept, 3, "0-3", "1"), 1000);
	is_uint(left(kept, 3, "0-3", "3"), 1000);
	is_uint(left(kept, 3, "0-3", "0-3"), 1000);
}
