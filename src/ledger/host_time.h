/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the host itself was charged in all, and what of it its kernel's own threads took: read cheaply, and often. */
#include <stdint.h>

#include "base/error.h"

/* ns since the ledger was switched on, at AT_NS of the monotonic clock. Of nothing that a group left to it. */
struct ledger_host_time {
	uint64_t ledger; /* when that was: another ledger has another */
	uint64_t at_ns;
	uint64_t threads_ns;  /* of kernel/kernel_threads.h, by the kernel's own figure */
	uint64_t threads_set; /* of which threads, in the same sense */
	uint64_t own_ns;
	uint64_t work_ns; /* behalf, in threads: work items, writeback */
	uint64_t rest_ns; /* behalf, the other classes */
};

struct ledger_host;

/* Opens the pinned ledger, and the threads that there are now. -ENOENT with a sentence when it is off. */
int ledger_host_open(struct ledger_host **host, struct error *err);
void ledger_host_read(const struct ledger_host *host, struct ledger_host_time *time);
void ledger_host_close(struct ledger_host *host);
