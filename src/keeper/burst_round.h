/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The part of the keeper's round that is about how much of a disk's work comes at once: means_burst.h. */
#include <stdint.h>

#include "keeper/events.h"
#include "keeper/means_burst.h"
#include "keeper/roster.h"
#include "keeper/writer.h"

/*
 * What completes at once may take. Beside a storm of buffered writes an interrupt took 550 us, and the 99th percentile
 * of one who answers in 90 was 2.6 times as long; with 25 it is 1.3 times.
 */
#define BURST_MOST_US 25

struct burst_watch;

/* All zero at first, but for MOST_US. */
struct burst_round {
	int most_us; /* 0: BURST_MOST_US; below 0: disks are left as they are */
	struct burst_watch *disks;
	size_t n;
	uint64_t look_due_ns; /* for disks that came, or interrupts elsewhere */
	bool looked;
};

/*
 * While a disk works on a CPU that is reserved nearly whole, in the way of who has it, and nothing can move that, what it
 * completes at once is bounded; and as long as one like that may come again. LEDGER_ON: else nobody knows.
 */
void burst_round(struct burst_round *round, struct writer *writer, const struct roster *roster,
		 struct events *events, bool ledger_on, uint64_t now_ns);

/* What was set stays. */
void burst_round_clear(struct burst_round *round);

/* Appends to LIST what is set of each disk, for the status. */
void burst_round_tell(const struct burst_round *round, const struct writer *writer,
		      struct json_object *list);
