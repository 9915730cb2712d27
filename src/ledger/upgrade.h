/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Taking over the books of a ledger that is on, of this or another version, into new ones.
 *
 * Both post side by side for a moment, each into its own books, so there is nothing to wait for and nothing
 * to undo: the old ledger is on until the new one is published in its place, whatever happens before.
 *
 * 1. The new hooks are attached; they see cgroups come and go, and post nothing.
 * 2. ledger_old_carry_accounts: the old accounts, and what is known of namespaces and sockets.
 * 3. ledger_old_carry_books: what the old ledger has posted, and what its cursors have open, read at one
 *    moment, is entered as what each CPU has posted before: until begin_ns[] of it.
 * 4. The new cursors begin, each at that time. So the new books balance over all the time of both, by
 *    construction: nothing is lost, and nothing is counted twice. What is approximated is whose the
 *    time from there to the first hook is, some milliseconds at most on a busy machine: it goes to the
 *    task that runs as the new cursor begins. ledger_old_finish adds it up for people to see.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "bpf/wire.h"

struct ledger_old;

/* The maps of the ledger that is built, and those that are mapped. */
struct ledger_new {
	int cpus_fd, totals_fd, slots_fd; /* as they are mapped below, writable */
	int accounts, free_slots, closed_slots, netns, netns_heirs, baseline, socks, listeners,
		inodes;
	struct wire_book *book;
	struct wire_cpu *cpus;
	struct wire_totals *totals;
	struct wire_slot_info *slots;
	size_t cpus_bytes, totals_bytes, slots_bytes;
};

/* Maps what is to be mapped; BOOK and the descriptors are the caller's, and set before. */
int ledger_new_map(struct ledger_new *new, struct error *err);
void ledger_new_unmap(struct ledger_new *new);

/*
 * The ledger that is pinned. *OLD is NULL when there is none. -EPROTO with a sentence when its books
 * cannot be read.
 */
int ledger_old_open(struct ledger_old **old, struct error *err);
void ledger_old_free(struct ledger_old *old);
void cleanup_ledger_old(struct ledger_old **old);

uint32_t ledger_old_version(const struct ledger_old *old);

/* The parts that it does without, as bits. */
uint32_t ledger_old_left_out(const struct ledger_old *old);

int ledger_old_carry_accounts(const struct ledger_old *old, const struct ledger_new *new,
			      struct error *err);

/* BEGIN_NS has a place for each possible CPU; 0 for one that the old ledger never accounted. */
int ledger_old_carry_books(const struct ledger_old *old, const struct ledger_new *new,
			   uint64_t *begin_ns, struct error *err);

/*
 * When the cursors have begun: those of CPUs that are offline begin here, and the book is completed. Returns
 * the time that is approximated.
 */
uint64_t ledger_old_finish(const struct ledger_old *old, const struct ledger_new *new,
			   const uint64_t *begin_ns);
