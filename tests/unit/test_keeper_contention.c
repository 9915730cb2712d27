// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include "keeper/contention.h"

#define MBIT 1000000ull
#define ROUND_NS 100000000ull
#define BEGIN_NS (3600 * 1000000000ull)

static const struct contention_bounds half = {50 * MBIT, CONTENTION_REST_NS};

/* Rounds in which a part of 100 Mbit/s was sent, until something changes or LIMIT are over; how many that took. */
static int rounds_until_change(struct contention *c, const struct contention_bounds *bounds,
			       double part, int limit)
{
	for (int n = 1; n <= limit; n++) {
		uint64_t more = (uint64_t)(part * 100 * MBIT / 8 / 10);

		if (contention_look(c, bounds, c->bytes + more, c->at_ns + ROUND_NS))
			return n;
	}
	return 0;
}

TEST(it_begins_with_the_first_round_that_is_more_than_half_full)
{
	struct contention c = {0};

	ok(!contention_look(&c, &half, 1ull << 40, BEGIN_NS));
	ok(!contention_is(&c));
	is_int(rounds_until_change(&c, &half, 0.49, 1000), 0);
	is_int(rounds_until_change(&c, &half, 0.51, 1000), 1);
	ok(contention_is(&c));
}

TEST(it_is_over_when_there_was_little_for_half_a_minute)
{
	struct contention c = {.bytes = 1, .at_ns = BEGIN_NS};

	is_int(rounds_until_change(&c, &half, 1, 1), 1);
	is_int(rounds_until_change(&c, &half, 0.1, 299), 0);
	/* once in between, and it begins anew */
	is_int(rounds_until_change(&c, &half, 1, 1), 0);
	is_int(rounds_until_change(&c, &half, 0.1, 1000), 300);
	ok(!contention_is(&c));
}

TEST(other_bounds_are_for_another_question)
{
	static const struct contention_bounds most = {90 * MBIT, 1000000000};
	struct contention c = {.bytes = 1, .at_ns = BEGIN_NS};

	is_int(rounds_until_change(&c, &most, 0.89, 100), 0);
	is_int(rounds_until_change(&c, &most, 0.91, 1), 1);
	is_int(rounds_until_change(&c, &most, 0.89, 100), 10);
}

TEST(looks_that_are_too_near_and_counts_that_begin_anew_tell_nothing)
{
	struct contention c = {.bytes = 100 * MBIT, .at_ns = BEGIN_NS};

	ok(!contention_look(&c, &half, 200 * MBIT, BEGIN_NS + 1000));
	ok(!contention_look(&c, &half, 0, BEGIN_NS + ROUND_NS));
	ok(!contention_is(&c));
	is_int(rounds_until_change(&c, &half, 0.2, 1), 0);
}
