// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the accounts while CPUs post to them: CPU by CPU (ledger/reading.h), then what is no CPU's. */
#include "ledger/books.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/reading.h"

#define ATTEMPTS_CPU 8
#define ATTEMPTS_FOLD 16
#define PATIENCE_NS 500000000u
#define SLOTS_TO_COME 64 /* opened while the books are read */

static uint32_t load_u32(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void add_totals(struct wire_totals *to, const struct wire_totals *from)
{
	uint64_t *t = (uint64_t *)to;
	const uint64_t *f = (const uint64_t *)from;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*t); i++)
		t[i] += f[i];
}

static struct wire_totals *rows_of(const struct ledger_books *books, uint32_t slot)
{
	return &books->rows[(size_t)slot * books->n_rows];
}

/* Gives what closed accounts still hold to their parents, children before parents. */
static void fold_closed(struct ledger_books *books)
{
	bool again = true;

	for (int depth = 0; again && depth < 32; depth++) {
		again = false;
		for (uint32_t slot = WIRE_SLOT_FIRST; slot < books->n_slots; slot++) {
			static const struct wire_totals nothing;
			const struct wire_slot_info *info = &books->slots[slot];
			uint32_t parent = info->parent_slot;

			if (info->state != WIRE_CLOSED || parent >= books->n_slots ||
			    parent == slot ||
			    memcmp(&books->totals[slot], &nothing, sizeof(nothing)) == 0)
				continue;
			add_totals(&books->totals[parent], &books->totals[slot]);
			add_totals(&rows_of(books, parent)[books->n_rows - 1],
				   &books->totals[slot]);
			memset(rows_of(books, slot), 0, books->n_rows * sizeof(*books->rows));
			books->totals[slot] = nothing;
			again = true;
		}
	}
}

static void read_once(const struct ledger_pinned *p, struct ledger_books *books, struct reading *r)
{
	const uint32_t cpus = p->book->cpus;

	memset(books->totals, 0, books->n_slots * sizeof(*books->totals));
	memset(books->rows, 0, (size_t)books->n_slots * books->n_rows * sizeof(*books->rows));
	memset(books->counters, 0, sizeof(books->counters));
	books->cpus = 0;
	books->idle_ns = books->expected_ns = 0;
	for (uint32_t number = 0; number < cpus; number++) {
		read_cpu(p, number, r);
		books->idle_rows_ns[number] = r->cpu.started_ns ? r->cpu.idle_ns : 0;
		if (!r->cpu.started_ns)
			continue;
		books->cpus++;
		books->expected_ns += r->now_ns - r->cpu.started_ns;
		books->idle_ns += r->cpu.idle_ns;
		for (size_t i = 0; i < WIRE_COUNTERS; i++)
			books->counters[i] += r->cpu.counters[i];
		for (uint32_t slot = 0; slot < books->n_slots; slot++)
			rows_of(books, slot)[number] = r->totals[slot];
	}
	for (uint32_t slot = 0; slot < books->n_slots; slot++) {
		struct wire_totals *rows = rows_of(books, slot);

		rows[cpus] = p->totals[slot * (cpus + 1) + cpus];
		for (uint32_t row = 0; row <= cpus; row++)
			add_totals(&books->totals[slot], &rows[row]);
	}
	/*
	 * After the totals: a slot that is opened later has none here, one that is closed later is an
	 * account still. Everything is told from this copy.
	 */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	memcpy(books->slots, p->slots, books->n_slots * sizeof(*books->slots));
	fold_closed(books);
}

static int allocate(const struct ledger_pinned *p, struct ledger_books *books, struct reading *r)
{
	books->n_slots = load_u32(&p->book->next_slot) + SLOTS_TO_COME;
	if (books->n_slots > p->book->slots)
		books->n_slots = p->book->slots;
	books->n_rows = p->book->cpus + 1;
	books->totals = aligned_alloc(64, books->n_slots * sizeof(*books->totals));
	books->rows =
		aligned_alloc(64, (size_t)books->n_slots * books->n_rows * sizeof(*books->rows));
	books->idle_rows_ns = calloc(books->n_rows, sizeof(*books->idle_rows_ns));
	books->slots = calloc(books->n_slots, sizeof(*books->slots));
	r->n_slots = books->n_slots;
	r->attempts = ATTEMPTS_CPU;
	r->patience_ns = PATIENCE_NS;
	r->totals = aligned_alloc(64, books->n_slots * sizeof(*r->totals));
	return books->totals && books->rows && books->idle_rows_ns && books->slots && r->totals
		       ? 0
		       : -ENOMEM;
}

int ledger_books_read(const struct ledger_pinned *p, struct ledger_books *out, struct error *err)
{
	struct ledger_books books = {0};
	struct reading *r = calloc(1, sizeof(*r));
	uint32_t folds;

	if (!r)
		return error_oom(err);
	if (allocate(p, &books, r) < 0) {
		ledger_books_free(&books);
		free(r->totals);
		free(r);
		return error_oom(err);
	}
	for (int i = 0; i < ATTEMPTS_FOLD; i++) {
		folds = reading_folds(p->book, r);
		read_once(p, &books, r);
		if (load_u32(&p->book->fold_begun) == folds)
			break;
	}
	free(r->totals);
	free(r);
	*out = books;
	return 0;
}

void ledger_books_free(struct ledger_books *books)
{
	free(books->totals);
	free(books->rows);
	free(books->idle_rows_ns);
	free(books->slots);
	*books = (struct ledger_books){0};
}
