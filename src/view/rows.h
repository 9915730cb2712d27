/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* From a snapshot to what a listing shows: which accounts, in which order, and all the sums. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ledger/snapshot.h"
#include "view/field.h"

/* What the user chose. */
struct view_choice {
	enum view_unit unit;
	const struct view_field *sort;
	bool reverse;	    /* the smallest figure first, the last name first */
	bool all;	    /* idle accounts one by one */
	bool tree;	    /* in the order of cgroups, whatever the sort */
	const char *filter; /* only accounts with this in name or cgroup; NULL or "": all */
	size_t name_width;  /* longer names are cut; 0: never */
	struct view_columns columns;
};

/* By charge, idle accounts folded, the default columns. */
void view_choice_default(struct view_choice *choice, enum view_unit unit);

/*
 * The sums are accounts too, so that every field is computed for them as for any other. Their
 * strings are constants or belong to the rows.
 */
struct view_rows {
	const struct ledger_snapshot *snapshot;
	const struct ledger_account **shown; /* sorted */
	size_t n_shown;
	size_t n_folded;		    /* idle accounts that are not in SHOWN */
	struct ledger_account folded;	    /* their sum */
	struct ledger_account unattributed; /* behalf without an owner */
	struct ledger_account idle;	    /* nothing: the idle time is no account's */
	struct ledger_account total;	    /* all accounts and unattributed */
	char folded_name[32];		    /* "12 idle accounts" */
};

/*
 * Which accounts a listing shows and in which order. Accounts below a thousandth of a CPU in charge,
 * imposed and the kernel's own figure are idle, and folded into one line unless all are chosen; the
 * host never is.
 *
 * SNAPSHOT must outlive the rows. ONLY, when not NULL, is the one account to show, and nothing is
 * folded. Give back with view_rows_free.
 */
int view_rows_make(const struct ledger_snapshot *snapshot, const struct view_choice *choice,
		   const struct ledger_account *only, struct view_rows *rows, struct error *err);
void view_rows_free(struct view_rows *rows);

/* How many of the accounts shown are above the one at I: how far a tree is to be indented there. */
size_t view_rows_depth(const struct view_rows *rows, size_t i);

/* What of its cgroup's path is below that of the nearest of them; NULL if it has none. */
const char *view_rows_below(const struct view_rows *rows, size_t i);

/* One line of a listing. */
struct view_line {
	const char *name;
	const struct ledger_account *account;
	uint64_t idle_ns; /* in the column of CHARGE besides the account's, to complete its sum */
	bool only_charge; /* has no other figure */
	bool only_behalf; /* has no figure of an account's own */
	bool is_sum;	  /* has no text but its name */
};

/* Adds the figures of ACCOUNT to SUM. */
void view_account_add(struct ledger_account *sum, const struct ledger_account *account);

struct view_line view_line_of_account(const struct ledger_account *account);

/*
 * The lines below the accounts: folded accounts, unattributed, idle and the total, which every column
 * adds up to. Returns how many.
 */
#define VIEW_FOOTERS_MAX 4
size_t view_rows_footers(const struct view_rows *rows, struct view_line lines[VIEW_FOOTERS_MAX]);

/*
 * The cell of FIELD in LINE, printable, the caller's to free; NULL when memory is out. "-" where there
 * can be no such figure.
 */
char *view_line_cell(const struct view_line *line, const struct view_field *field, uint64_t wall_ns,
		     enum view_unit unit);

/* All that the books must add up to. */
struct view_books {
	unsigned int cpus;
	uint64_t wall_ns;
	uint64_t own_ns;    /* of all accounts */
	uint64_t behalf_ns; /* of all accounts */
	uint64_t unattributed_ns;
	uint64_t idle_ns;
	uint64_t sum_ns; /* of the four above */
	uint64_t due_ns; /* cpus x wall_ns */
	double ratio;	 /* sum_ns / due_ns, 1 when nothing is due */
};

void view_books_make(const struct ledger_snapshot *snapshot, struct view_books *books);

/* The parts of the whole, in the order they are shown. */
enum view_part { VIEW_OWN, VIEW_BEHALF, VIEW_UNATTRIBUTED, VIEW_IDLE, VIEW_PARTS };

/*
 * Splits TOTAL units (1000 tenths of a percent, the cells of a bar) over the four parts in proportion,
 * such that they add up to TOTAL exactly: what rounding leaves goes to the largest remainders.
 */
void view_books_split(const struct view_books *books, unsigned int total,
		      unsigned int parts[VIEW_PARTS]);

/*
 * The account that PATTERN names: its name, else its cgroup's path, else its id, else that of its container, else a
 * prefix of exactly one name or container's id. -ENOENT or -ENOTUNIQ with a sentence.
 */
int view_find_account(const struct ledger_snapshot *snapshot, const char *pattern,
		      const struct ledger_account **account, struct error *err);

/*
 * LATER - EARLIER as a snapshot of its own; both stay as they are. *DIFFERENCE is the caller's to free
 * with ledger_snapshot_free.
 */
int view_difference(const struct ledger_snapshot *later, const struct ledger_snapshot *earlier,
		    struct ledger_snapshot **difference, struct error *err);
