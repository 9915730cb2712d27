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
	uint64_t from_ns, to_ns; /* the moments that it is of */
};

/*
 * What was counted in the last two minutes before NOW_NS; where there are less than half a minute of marks in
 * them, since the last mark before. One span that has many times what is usual counts as three times that.
 * False: there are no marks, none of the last ten minutes, or they are too close to each other.
 */
bool lately_measure(const struct lately_marks *marks, uint64_t now_ns, struct lately *lately);

/* What the host was forecast to need meanwhile for all that was promised, in ns per second. */
struct lately_promised {
	double all_ns;	    /* INFINITY: not known */
	double threads_ns;  /* of it in the kernel's own threads: RCU's, for connections */
	double programs_ns; /* and what its own programs took, which nobody promised */
};

/*
 * Makes what is expected of the base of a profile, on N_CPUS, that of LATELY:
 *
 *	threads = counted threads - promised threads
 *	base    = threads + the profile's rest, but at least counted - promised, and at most counted
 *
 * Promised is what programs cost beside (programs_share), too: a plan has that apart from the base.
 * What threads do for connections that are promised is in the forecast of these, and not counted once more. The rest
 * (timers, ends of interrupts) has in it what the host does for loads: there the profile's figure stands, between the two
 * bounds. The worst case, by which is admitted, stays the profile's: the same terms have the same verdict whenever they are
 * asked for. No more than that is expected; returns how much more was counted, in ns per second.
 */
double lately_set_base(const struct lately *lately, const struct lately_promised *promised,
		       uint32_t n_cpus, struct profile_base *base);
