/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What `behalf stat` prints for people. All of them: 0, or -ENOMEM or -EIO of FILE. */
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "ledger/snapshot.h"
#include "view/rows.h"

/* All accounts, unattributed and idle time, the total and the books. */
int view_text_listing(FILE *file, const struct ledger_snapshot *snapshot,
		      const struct view_choice *choice, struct error *err);

/* One account, class by class, with what each figure means. */
int view_text_account(FILE *file, const struct ledger_snapshot *snapshot,
		      const struct ledger_account *account, const struct view_choice *choice,
		      struct error *err);

/* "books: accounts 12.345 + unattributed 0.012 + idle 7.600 = 19.957 s of 20.000 s (2 CPUs x 10.000 s): 0.9979" */
void view_text_books(FILE *file, const struct view_books *books);

/* Help of --columns and --sort: each heading with what it means, a line each. */
void view_text_fields(FILE *file);
