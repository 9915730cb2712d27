/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "ledger/pinned.h"

/* All that the CPUs have posted, open intervals included, summed over the CPUs and CPU by CPU. */
struct ledger_books {
	struct wire_totals *totals;   /* by slot */
	struct wire_totals *rows;     /* the same by slot * n_rows + CPU, see struct wire_totals */
	uint64_t *idle_rows_ns;	      /* by CPU */
	struct wire_slot_info *slots; /* whose they were then: they may be others' already */
	uint32_t n_rows;	      /* possible CPUs and one more */
	uint32_t n_slots;	      /* slots that have been in use */
	unsigned int cpus;	      /* that are accounted */
	uint64_t expected_ns;	      /* sum over those CPUs of the time they are accounted */
	uint64_t idle_ns;
	uint64_t counters[WIRE_COUNTERS];
};

/*
 * Reads the books at one moment. Totals of closed accounts that are not their parents' yet are added
 * there. Free with ledger_books_free.
 */
int ledger_books_read(const struct ledger_pinned *pinned, struct ledger_books *books,
		      struct error *err);
void ledger_books_free(struct ledger_books *books);
