/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reading one CPU's books while it posts to them: what bpf/cursor.h wants to know to close the open intervals of a
 * copy, and how to come by a copy. To be included once, by a file that reads cursors: the functions are that
 * file's own.
 *
 * A CPU's books are its posted totals and what its cursor has open. The reader copies both, closes the copy of the
 * cursor as of now (with the same code that moves the cursor in the kernel), and adds. begun, ended and moving of
 * the cursor tell whether a boundary was under way or came in between; then it reads again.
 *
 * Most boundaries take less than a microsecond, and trying again is all it takes. But a CPU that is a virtual one
 * may have been taken off the real one in the middle of a boundary, and stand there for as long as others run: an
 * interval that was taken off the cursor and is not in the totals yet would be missing, however often one tries.
 * So the reader waits for it, asleep, as it may be the reader's own real CPU that the other one needs.
 *
 * On a CPU with a boundary every microsecond and many accounts, copies of the cursor and of the totals at one moment
 * may never be had: the last attempt is taken, with a cursor that is whole and totals at most a reading (some
 * microseconds) younger.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "bpf/wire.h"
#include "ledger/pinned.h"

#define READING_SPINS 64	/* before it waits */
#define READING_PAUSE_NS 100000 /* asleep, in between */

struct reading {
	struct wire_cpu cpu; /* the copy of the cursor */
	uint64_t now_ns;
	struct wire_totals *totals; /* of this CPU, by slot */
	uint32_t n_slots;
	unsigned int attempts; /* at a cursor and totals of one moment */
	uint64_t patience_ns;  /* how long CPUs that stand in a boundary are waited for, in all */
	uint64_t waited_ns;    /* for them so far; the caller sets it to 0 */
};

static const struct reading *reading_of(const struct wire_cpu *copy)
{
	return (const struct reading *)((const char *)copy - offsetof(struct reading, cpu));
}

static uint64_t cursor_now(const struct wire_cpu *copy)
{
	return reading_of(copy)->now_ns;
}

static struct wire_totals *cursor_totals(const struct wire_cpu *copy, uint32_t slot)
{
	const struct reading *r = reading_of(copy);

	return slot < r->n_slots ? &r->totals[slot] : NULL;
}

#include "bpf/cursor.h"

static uint64_t reading_load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Sleeps for a moment. False when there was enough of that. */
static bool reading_wait(struct reading *r)
{
	const struct timespec pause = {.tv_nsec = READING_PAUSE_NS};
	uint64_t begin_ns = clock_monotonic_ns();

	if (r->waited_ns >= r->patience_ns)
		return false;
	nanosleep(&pause, NULL);
	r->waited_ns += clock_monotonic_ns() - begin_ns;
	return true;
}

/* Copies the cursor; false when it moved meanwhile. What it remembers of cgroups and devices is left out. */
static bool copy_cursor(const struct wire_cpu *cpu, struct reading *r)
{
	uint64_t ended = reading_load(&cpu->ended);
	bool moving = false;

	for (int level = 0; level < WIRE_LEVELS; level++)
		moving |= __atomic_load_n(&cpu->moving[level], __ATOMIC_ACQUIRE);
	memcpy(&r->cpu, cpu, offsetof(struct wire_cpu, cgroups));
	r->now_ns = clock_monotonic_ns();
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !moving && reading_load(&cpu->begun) == ended;
}

/* False when it stood in a boundary for longer than one waits. */
static bool copy_whole_cursor(const struct wire_cpu *cpu, struct reading *r)
{
	do {
		for (int i = 0; i < READING_SPINS; i++)
			if (copy_cursor(cpu, r))
				return true;
	} while (reading_wait(r));
	return false;
}

/* The books of CPU NUMBER: the cursor with its open intervals closed in r->cpu, what it posted in r->totals. */
static void read_cpu(const struct ledger_pinned *p, uint32_t number, struct reading *r)
{
	const struct wire_cpu *cpu = &p->cpus[number];

	for (unsigned int attempt = 0; attempt < r->attempts; attempt++) {
		bool whole = copy_whole_cursor(cpu, r);

		for (uint32_t slot = 0; slot < r->n_slots; slot++)
			r->totals[slot] = p->totals[slot * (p->book->cpus + 1) + number];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!whole || reading_load(&cpu->begun) == r->cpu.begun)
			break;
	}
	if (r->cpu.started_ns)
		cursor_close_copy(&r->cpu);
}

/* Waits while closed accounts are folded. Returns how often they were, to be held against fold_begun afterwards. */
static uint32_t reading_folds(const struct wire_book *book, struct reading *r)
{
	uint32_t folds;

	do {
		folds = __atomic_load_n(&book->fold_ended, __ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&book->fold_begun, __ATOMIC_ACQUIRE) != folds && reading_wait(r));
	return folds;
}
