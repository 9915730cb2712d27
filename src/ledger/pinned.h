/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "bpf/wire.h"

/* The pinned ledger, mapped into this process. */
struct ledger_pinned {
	const struct wire_book *book;
	const struct wire_cpu *cpus;	    /* book->cpus of them */
	const struct wire_totals *totals;   /* book->slots * (book->cpus + 1) */
	const struct wire_slot_info *slots; /* book->slots */
	int netns;			    /* map: cookie -> struct wire_netns */
	int baseline;			    /* map: cgroup id -> ns */
	int requests; /* map: block request -> struct owner_note; -EBADF: not there */
	size_t book_bytes, cpus_bytes, totals_bytes, slots_bytes;
};

/* Opens it for reading. -ENOENT with a sentence when the ledger is off. */
int ledger_pinned_open(struct ledger_pinned *pinned, struct error *err);
void ledger_pinned_close(struct ledger_pinned *pinned);

#define LEDGER_PINNED_CLOSED                                                                       \
	{                                                                                          \
		.netns = -EBADF, .baseline = -EBADF, .requests = -EBADF                            \
	}
#define _cleanup_pinned_ __attribute__((cleanup(ledger_pinned_close)))

/*
 * How often the kernel did not run one of the programs because that program was running on the CPU
 * already, over all programs, since the ledger was switched on.
 */
uint64_t ledger_recursion_misses(const struct ledger_pinned *pinned);
