/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The pages of `behalf top` besides the list of accounts: both are tables with a column per CPU. */
#include "view/rows.h"
#include "view/top.h"

/* One account: what it was posted, class by class, on which CPU; and how owners were found. */
void view_page_account(const struct view_top *top, const struct ledger_snapshot *snapshot,
		       const struct ledger_account *account, struct view_screen *screen);

/* What each account of ROWS, from top->first on, was charged on each CPU. */
void view_page_cpus(const struct view_top *top, const struct view_rows *rows,
		    struct view_screen *screen);
