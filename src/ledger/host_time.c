// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's rows are read as they are: each figure is written by one CPU and whole at any moment, and what a CPU has
 * not posted yet is a few milliseconds of the seconds that this is for.
 */
#include "ledger/host_time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "kernel/kernel_threads.h"
#include "ledger/pinned.h"

struct ledger_host {
	struct ledger_pinned pinned;
	struct kernel_threads *threads;
};

int ledger_host_open(struct ledger_host **host, struct error *err)
{
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ledger_host *opened;
	int r;

	if (proc < 0)
		return error_errno(err, errno, "open '/proc'");
	opened = calloc(1, sizeof(*opened));
	if (!opened)
		return error_oom(err);
	opened->pinned = (struct ledger_pinned)LEDGER_PINNED_CLOSED;
	r = ledger_pinned_open(&opened->pinned, err);
	if (r == 0)
		r = kernel_threads_open(proc, &opened->threads, err);
	if (r < 0) {
		ledger_host_close(opened);
		return r;
	}
	*host = opened;
	return 0;
}

void ledger_host_close(struct ledger_host *host)
{
	if (!host)
		return;
	ledger_pinned_close(&host->pinned);
	kernel_threads_close(host->threads);
	free(host);
}

static uint64_t load(const __u64 *figure)
{
	return __atomic_load_n(figure, __ATOMIC_RELAXED);
}

static void add_row(const struct wire_totals *row, struct ledger_host_time *time)
{
	time->own_ns += load(&row->own_ns);
	for (int level = 0; level < WIRE_LEVELS; level++) {
		for (int class = 0; class < WIRE_CLASSES; class ++) {
			uint64_t ns = load(&row->behalf_ns[level * WIRE_CLASSES + class]);

			if (class == WIRE_WORK || class == WIRE_WRITEBACK)
				time->work_ns += ns;
			else
				time->rest_ns += ns;
		}
	}
}

void ledger_host_read(const struct ledger_host *host, struct ledger_host_time *time)
{
	const struct ledger_pinned *p = &host->pinned;
	const struct wire_totals *rows = &p->totals[(size_t)WIRE_SLOT_HOST * (p->book->cpus + 1)];

	*time = (struct ledger_host_time){
		.ledger = p->book->started_ns,
		.at_ns = clock_monotonic_ns(),
	};
	time->threads_ns = kernel_threads_read(host->threads, &time->threads_set);
	/* the last row is what groups that are gone have left */
	for (uint32_t cpu = 0; cpu < p->book->cpus; cpu++)
		add_row(&rows[cpu], time);
}
