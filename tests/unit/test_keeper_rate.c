// SPDX-License-Identifier: GPL-2.0-or-later
/* Judging promised rates by counters. */
#include "tap.h"

#include "keeper/rate.h"

#define LOOK_NS 500000000ull

TEST(a_reserve_that_is_wanted_and_not_got_breaks)
{
	struct rate_truth rate = {0};
	uint64_t now_ns = 1000000000, count = 0;

	for (int i = 0; i < 4; i++, now_ns += LOOK_NS, count += 400)
		rate_reserve(&rate, 1000, count, true, now_ns);
	is_int(rate.truth.state, CONTROL_KEPT);
	for (int i = 0; i < 4; i++, now_ns += LOOK_NS, count += 400)
		rate_reserve(&rate, 1000, count, true, now_ns);
	is_int(rate.truth.state, CONTROL_BROKEN);
	ok(rate.truth.got > 790 && rate.truth.got < 810, "%f", rate.truth.got);
	ok(rate.truth.ratio < 0.81);
	ok(rate.truth.violation_ns >= LOOK_NS, "%llu", (unsigned long long)rate.truth.violation_ns);
	/* and is kept again as soon as it wants no more */
	rate_reserve(&rate, 1000, count, false, now_ns);
	is_int(rate.truth.state, CONTROL_KEPT);
	is_uint(rate.truth.since_ns, now_ns);
}

TEST(a_reserve_that_nobody_asks_for_is_kept)
{
	struct rate_truth rate = {0};

	for (unsigned int i = 0; i < 20; i++)
		rate_reserve(&rate, 1000, 5ull * i, i % 3 == 0, LOOK_NS * (i + 1));
	is_int(rate.truth.state, CONTROL_KEPT);
	ok(rate.truth.ratio == 1);
}

TEST(a_limit_that_is_passed_breaks)
{
	struct rate_truth rate = {0};
	uint64_t now_ns = LOOK_NS, count = 0;

	for (int i = 0; i < 10; i++, now_ns += LOOK_NS, count += 500)
		rate_limit(&rate, 1000, count, now_ns);
	is_int(rate.truth.state, CONTROL_KEPT);
	for (int i = 0; i < 10; i++, now_ns += LOOK_NS, count += 600)
		rate_limit(&rate, 1000, count, now_ns);
	is_int(rate.truth.state, CONTROL_BROKEN);
}

TEST(without_a_term_there_is_nothing_to_be_kept)
{
	struct rate_truth rate = {0};

	rate_limit(&rate, 1000, 5, LOOK_NS);
	rate_limit(&rate, 0, 5, 2 * LOOK_NS);
	is_int(rate.truth.state, CONTROL_NO_TERM);
	/* a counter that begins anew is no flood */
	rate_limit(&rate, 1000, 500000, 3 * LOOK_NS);
	rate_limit(&rate, 1000, 10, 4 * LOOK_NS);
	rate_limit(&rate, 1000, 20, 5 * LOOK_NS);
	is_int(rate.truth.state, CONTROL_KEPT);
}
