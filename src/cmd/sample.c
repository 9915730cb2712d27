// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/sample.h"

#include <errno.h>
#include <time.h>

#include "base/cleanup.h"

void sample_sleep_until(uint64_t at_ns)
{
	const struct timespec at = {
		.tv_sec = (time_t)(at_ns / 1000000000u),
		.tv_nsec = (long)(at_ns % 1000000000u),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

int sample_take(uint64_t interval_ns, struct ledger_snapshot **snapshot, struct error *err)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *first = NULL, *last = NULL;
	int r;

	if (interval_ns) {
		r = ledger_snapshot_read(&first, err);
		if (r < 0)
			return r;
		sample_sleep_until(first->at_ns + interval_ns);
	}
	r = ledger_snapshot_read(&last, err);
	if (r < 0)
		return r;
	if (first)
		ledger_snapshot_subtract(last, first);
	*snapshot = take_ptr(last);
	return 0;
}
