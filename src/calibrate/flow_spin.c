// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Computing at a rate: a unit is as many rounds of a loop as take SPIN_UNIT_NS when nobody disturbs. What interrupts
 * the thread is no progress of it, so rounds are counted, not the thread's time.
 */
#include "base/clock.h"
#include "calibrate/flow_run.h"

#define TRIALS 8
#define TRIAL_ROUNDS 200000u

static void spin(uint64_t rounds)
{
	for (volatile uint64_t i = 0; i < rounds; i++)
		;
}

static uint64_t rounds_of_unit(void)
{
	uint64_t best_ns = UINT64_MAX;

	for (int i = 0; i < TRIALS; i++) {
		uint64_t before_ns = clock_monotonic_ns(), took_ns;

		spin(TRIAL_ROUNDS);
		took_ns = clock_monotonic_ns() - before_ns;
		best_ns = took_ns < best_ns ? took_ns : best_ns;
	}
	return (uint64_t)((double)TRIAL_ROUNDS * FLOW_SPIN_UNIT_NS / (double)(best_ns + 1));
}

void flow_run_spin(const struct flow_spec *spec, volatile struct flow_counts *counts)
{
	uint64_t rounds = rounds_of_unit();
	struct flow_pace pace;

	flow_pace_start(&pace, spec->rate);
	for (;;) {
		uint64_t units = flow_pace_wait(&pace, counts);

		while (units--) {
			spin(rounds);
			counts->sent++;
		}
	}
}
