/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The host's base as the ledger counted it lately. What the kernel's own threads do goes by clocks of their own, and
 * may be twice as much ten minutes after a calibration: where a ledger runs it is not forecast, but read. A mark
 * is what had been counted of the host at one moment; two of them are a span. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/profile.h"

/* Totals, in ns since the ledger was switched on. */
struct lately_mark {
	uint64_t ledger;      /* a number that no other ledger of this host has */
	uint64_t at_ns;	      /* monotonic clock */
	uint64_t threads_set; /* which of the kernel's own threads (kernel/kernel_threads.h) */
	uint64_t threads_ns;  /* what they ran, by the kernel's figure */
	uint64_t
		own_ns; /* what the ledger charged the host as own: theirs, and programs in no group */
	uint64_t work_ns; /* of the host's behalf what is done in threads: work items, writeback */
	uint64_t rest_ns; /* and all else of it: timers, ends of interrupts, ... */
};

#define LATELY_MARKS_MAX 64

/* Of one ledger, the oldest first. */
struct lately_marks {
	struct lately_mark all[LATELY_MARKS_MAX];
	size_t n;
};

/* Once in this long is often enough. */
#define LATELY_PERIOD_NS UINT64_C(5000000000)

/* Adds a later one; marks of another ledger go, and the oldest where there is no room. */
void lately_add(struct lately_marks *marks, const struct lately_mark *mark);

/* As a file, a line for each; the caller's to free, NULL when memory is out. */
char *lately_format(const struct lately_marks *marks);
/* Of what cannot be read there is nothing: they are the last minutes, and come again. */
void lately_parse(const char *text, struct lately_marks *marks);

/* ns per second, of all CPUs. */
struct lately {
	double threads_ns, rest_ns;
	double threads_upper_ns; /* so much at most in the quantile of the spans that was asked for */
	uint64_t from_ns, to_ns; /* the moments that it is of */
};

/*
 * What was counted in the last two minutes before NOW_NS; where there are less than half a minute of marks in
 * them, since the last mark before. One span that has many times what is usual counts as three times that.
 * False: there are no marks, none of the last ten minutes, or they are too close to each other.
 */
bool lately_measure(const struct lately_marks *marks, uint64_t now_ns, double quantile,
		    struct lately *lately);

/*
 * Makes the base of a profile of N_CPUS that of LATELY. Threads are as they were measured. Of the rest, which has what
 * the host does for loads in it, the profile's figure stands as long as it is between two bounds: it cannot have been more
 * than was measured of all, nor less than that without what PROMISED_NS (per second, INFINITY: not known) is
 * forecast for all that is promised. The worst case is never less than the profile's: what was quiet for
 * two minutes need not stay so.
 */
void lately_set_base(const struct lately *lately, double promised_ns, uint32_t n_cpus,
		     struct profile_base *base);
