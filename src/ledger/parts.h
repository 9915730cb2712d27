/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* An account CPU by CPU: arrays of struct ledger_part, the last of which is no CPU's. */
#include <stdbool.h>
#include <stddef.h>

#include "ledger/books.h"
#include "ledger/snapshot.h"

/* The rows of SLOT, books->n_rows of them. The caller's to free; NULL when memory is out. */
struct ledger_part *ledger_parts_new(const struct ledger_books *books, uint32_t slot);
struct ledger_part *ledger_parts_copy(const struct ledger_part *parts, size_t n);

/*
 * Takes EARLIER off LATER, modulo 2^64, part by part; or, when INHERITED, all of it off the last part,
 * as the account of EARLIER was removed and LATER's has its total. Nothing when either is NULL.
 */
void ledger_parts_take_off(struct ledger_part *later, const struct ledger_part *earlier, size_t n,
			   bool inherited);

/* Adds FROM to TO; takes it off. */
void ledger_evidence_add(struct ledger_evidence *to, const struct ledger_evidence *from);
void ledger_evidence_take_off(struct ledger_evidence *later, const struct ledger_evidence *earlier);

/* What is below 0 after that is 0. */
void ledger_parts_settle(struct ledger_part *parts, size_t n);
