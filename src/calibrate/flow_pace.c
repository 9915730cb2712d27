// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A sender that cannot keep up is not to catch up later in one go: what is more than some ticks late is
 * dropped, and the counts tell the true rate.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "calibrate/flow_run.h"

#define LATE_TICKS 20

void flow_pace_start(struct flow_pace *pace, double rate)
{
	*pace = (struct flow_pace){
		.rate = rate, .started_ns = clock_monotonic_ns(), .scattered = true};
	pace->late_ticks = LATE_TICKS;
	pace->tick_ns = rate * FLOW_TICK_NS < 1e9 ? (uint64_t)(1e9 / rate) : FLOW_TICK_NS;
}

static void sleep_until(uint64_t at_ns)
{
	const struct timespec at = {
		.tv_sec = (time_t)(at_ns / 1000000000u),
		.tv_nsec = (long)(at_ns % 1000000000u),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

/*
 * Once in each tick, at any moment of it: senders that all woke up at the same distance from the others would find
 * the CPUs busy, or asleep, every time for as long as they run, and what they cost would be that luck.
 */
static uint64_t moment_of(const struct flow_pace *pace, uint64_t tick)
{
	uint64_t at_ns = tick * pace->tick_ns;

	return pace->scattered ? at_ns + random_of(pace->started_ns + at_ns) % pace->tick_ns
			       : at_ns;
}

uint64_t flow_pace_wait(struct flow_pace *pace, volatile struct flow_counts *counts)
{
	uint64_t now_ns = clock_monotonic_ns(), units, most;

	do {
		/* none is left out because the last came late, but those that are over */
		uint64_t over = (now_ns - pace->started_ns) / pace->tick_ns;

		pace->tick = pace->tick >= over ? pace->tick + 1 : over;
		sleep_until(pace->started_ns + moment_of(pace, pace->tick));
		now_ns = clock_monotonic_ns();
		counts->wakeups++;
		pace->due = (uint64_t)((double)(now_ns - pace->started_ns) * pace->rate / 1e9);
	} while (pace->due <= pace->done);
	units = pace->due - pace->done;
	most = (uint64_t)(pace->rate * (double)pace->tick_ns / 1e9 * pace->late_ticks) + 1;
	pace->done = pace->due;
	return units < most ? units : most;
}

void flow_run_fail(volatile struct flow_counts *counts, int error)
{
	counts->failed = (uint32_t)error;
	_exit(1);
}
