/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A reader's copy of one CPU's cursor, and what bpf/cursor.h wants to know to close its open intervals. To be
 * included once, by a file that reads cursors: the functions are that file's own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "bpf/wire.h"

struct reading {
	struct wire_cpu cpu; /* the copy of the cursor */
	uint64_t now_ns;
	struct wire_totals *totals; /* of this CPU, by slot */
	uint32_t n_slots;
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

/* Copies the cursor; false when it moved meanwhile. What it remembers of cgroups and devices is left out. */
static bool copy_cursor(const struct wire_cpu *cpu, struct reading *r)
{
	uint64_t ended = __atomic_load_n((const uint64_t *)&cpu->ended, __ATOMIC_ACQUIRE);

	memcpy(&r->cpu, cpu, offsetof(struct wire_cpu, cgroups));
	r->now_ns = clock_monotonic_ns();
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n((const uint64_t *)&cpu->begun, __ATOMIC_ACQUIRE) == ended;
}
