// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cmd/reserves.h"
#include "ledger/difference.h"

void sample_sleep_until(uint64_t at_ns)
{
	const struct timespec at = {
		.tv_sec = (time_t)(at_ns / 1000000000u),
		.tv_nsec = (long)(at_ns % 1000000000u),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static struct view_recording *recording;

void sample_from(struct view_recording *from)
{
	recording = from;
}

bool sample_is_recorded(void)
{
	return recording != NULL;
}

static int read_ledger(struct ledger_snapshot **snapshot, struct error *err)
{
	int r = ledger_snapshot_read(snapshot, err);

	if (r == 0)
		reserves_fill(*snapshot);
	return r;
}

int sample_read(struct ledger_snapshot **snapshot, uint64_t *realtime_ns, struct error *err)
{
	struct timespec now;

	if (recording)
		return view_recording_next(recording, snapshot, realtime_ns, err);
	clock_gettime(CLOCK_REALTIME, &now);
	*realtime_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	return read_ledger(snapshot, err);
}

struct kept {
	struct ledger_snapshot **snapshots;
	size_t n;
};

static void drop(struct kept *kept, size_t at, size_t n)
{
	for (size_t i = at; i < at + n; i++)
		ledger_snapshot_free(kept->snapshots[i]);
	kept->n -= n;
	memmove(&kept->snapshots[at], &kept->snapshots[at + n],
		(kept->n - at) * sizeof(*kept->snapshots));
}

static void cleanup_kept(struct kept *kept)
{
	drop(kept, 0, kept->n);
	free(kept->snapshots);
}

/*
 * Keeps NEXT, and of those before it what may be needed: all within INTERVAL_NS and one more, or, with 0,
 * the first. A ledger that began anew makes all before it void.
 */
static int keep(struct kept *kept, struct ledger_snapshot *next, uint64_t interval_ns)
{
	struct ledger_snapshot **grown =
		reallocarray(kept->snapshots, kept->n + 1, sizeof(struct ledger_snapshot *));

	if (!grown) {
		ledger_snapshot_free(next);
		return -ENOMEM;
	}
	kept->snapshots = grown;
	if (kept->n && next->wall_ns < grown[kept->n - 1]->wall_ns)
		drop(kept, 0, kept->n);
	grown[kept->n++] = next;
	if (!interval_ns && kept->n > 2)
		drop(kept, 1, 1);
	while (interval_ns && kept->n > 2 && next->at_ns - grown[1]->at_ns >= interval_ns)
		drop(kept, 0, 1);
	return 0;
}

static int take_recorded(uint64_t interval_ns, struct ledger_snapshot **snapshot, struct error *err)
{
	_cleanup_(cleanup_kept) struct kept kept = {0};
	struct ledger_snapshot *next;
	uint64_t realtime_ns;
	int r;

	while ((r = sample_read(&next, &realtime_ns, err)) == 0) {
		if (keep(&kept, next, interval_ns) < 0)
			return error_oom(err);
	}
	if (r != -ENODATA)
		return r;
	if (kept.n == 0)
		return error_set(err, ENODATA, "there is nothing in the record");
	next = kept.snapshots[--kept.n];
	if (kept.n)
		ledger_snapshot_subtract(next, kept.snapshots[0]);
	*snapshot = next;
	return 0;
}

int sample_take(uint64_t interval_ns, struct ledger_snapshot **snapshot, struct error *err)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *first = NULL, *last = NULL;
	int r;

	if (recording)
		return take_recorded(interval_ns, snapshot, err);
	if (interval_ns) {
		r = read_ledger(&first, err);
		if (r < 0)
			return r;
		sample_sleep_until(first->at_ns + interval_ns);
	}
	r = read_ledger(&last, err);
	if (r < 0)
		return r;
	if (first)
		ledger_snapshot_subtract(last, first);
	*snapshot = take_ptr(last);
	return 0;
}
