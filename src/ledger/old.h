/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The books of a ledger that is to be taken over, through its layout. */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ledger/layout.h"

/* An array that is mapped. */
struct ledger_old_map {
	const char *memory;
	size_t bytes;
	size_t value_bytes;
	size_t n;
};

struct ledger_old {
	uint32_t version;
	int book_fd;
	struct ledger_layout *layout;
	struct ledger_old_map book, cpus, totals, slots;
	size_t n_cpus; /* without the row that is no CPU's */
	struct {
		struct ledger_member started_ns, started_realtime_ns, cpus, slots, hierarchy;
		struct ledger_member next_slot, fold_begun, fold_ended;
		struct ledger_member upgrades, approximated_ns, misses; /* since version 3 */
		struct ledger_member left_out;				/* since version 7 */
	} in_book;
	struct {
		struct ledger_member begun, ended, started_ns, idle_ns, hard_ns, soft_ns;
		struct ledger_member poll_ns, packet_ns, frame, counters;
		struct ledger_member moving; /* not in all of version 7 */
	} in_cpu;
	struct {
		struct ledger_member since, entered, active, slot, kind;
	} in_frame;
	struct {
		struct ledger_member own_ns, behalf_ns;
	} in_totals;
	struct {
		struct ledger_member id, parent_id, state, parent_slot;
	} in_slot;
};

/* A copy of its books at one moment. */
struct ledger_old_copy {
	char *cpus;
	uint64_t *now_ns; /* when each CPU's was taken */
	char *totals;	  /* slot by slot, row by row */
	char *slots;
	size_t n_slots;
	size_t n_rows;
};

/* Opens what is pinned in the directory PATH. */
int ledger_old_map_all(struct ledger_old *old, const char *path, struct error *err);

int ledger_old_copy(const struct ledger_old *old, struct ledger_old_copy *copy, struct error *err);
void ledger_old_copy_free(struct ledger_old_copy *copy);

const char *ledger_old_copy_row(const struct ledger_old *old, const struct ledger_old_copy *copy,
				size_t slot, size_t row);
const char *ledger_old_copy_slot(const struct ledger_old *old, const struct ledger_old_copy *copy,
				 size_t slot);

/*
 * Up to when the cursor CPU has posted: since it was started, all of that time is in the totals, in idle_ns
 * or, before that moment, nowhere. See bpf/cursor.h for the clocks.
 */
uint64_t ledger_old_posted_until(const struct ledger_old *old, const char *cpu);
