// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Computing at a rate: a unit is as many rounds of a loop as take FLOW_SPIN_UNIT_NS by the median of some trials. What interrupts
 * the thread is no progress of it, so rounds are counted, not the thread's time.
 */
#include "base/clock.h"
#include "calibrate/flow_run.h"

#define TRIALS 9
#define LATE_TICKS 100 /* a reserve is to be there within a period of the CPU controller */
#define TRIAL_ROUNDS 200000u

static void spin(uint64_t rounds)
{
	for (volatile uint64_t i = 0; i < rounds; i++)
		;
}

static uint64_t rounds_of_unit(void)
{
	uint64_t took_ns[TRIALS];

	for (int i = 0; i < TRIALS; i++) {
		uint64_t before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		int at = i;

		spin(TRIAL_ROUNDS);
		took_ns[i] = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
		/* in order */
		for (; at > 0 && took_ns[at] < took_ns[at - 1]; at--) {
			uint64_t swapped = took_ns[at];

			took_ns[at] = took_ns[at - 1];
			took_ns[at - 1] = swapped;
		}
	}
	return (uint64_t)((double)TRIAL_ROUNDS * FLOW_SPIN_UNIT_NS /
			  (double)(took_ns[TRIALS / 2] + 1));
}

void flow_run_spin(const struct flow_spec *spec, volatile struct flow_counts *counts)
{
	uint64_t rounds = rounds_of_unit();
	struct flow_pace pace;

	flow_pace_start(&pace, spec->rate);
	pace.late_ticks = LATE_TICKS;
	pace.scattered = false; /* the less it sleeps, the nearer it comes to all of a CPU */
	for (;;) {
		uint64_t units = flow_pace_wait(&pace, counts);

		while (units--) {
			spin(rounds);
			counts->sent++;
		}
	}
}
