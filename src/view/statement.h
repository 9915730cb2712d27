/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "base/error.h"
#include "ledger/snapshot.h"

/*
 * The books in sentences: what the CPUs had to give, a sentence for each account that took at least a
 * hundredth of it (or for ONLY, when it is not NULL) with what the kernel's own figure says instead, and
 * whether the books balance.
 */
int view_statement(FILE *file, const struct ledger_snapshot *snapshot,
		   const struct ledger_account *only, struct error *err);
