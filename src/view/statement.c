// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/statement.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "view/figure.h"
#include "view/rows.h"

/* Further apart than this, the books do not balance. */
#define BALANCE_SLACK 0.005

/* Up to so many classes are named in a sentence. */
#define CLASSES_NAMED 3

static void put_seconds(FILE *file, uint64_t ns)
{
	char text[VIEW_FIGURE_MAX];

	view_figure_seconds(text, ns);
	fputs(text, file);
}

static void put_opening(FILE *file, const struct view_books *books)
{
	fputs("In ", file);
	put_seconds(file, books->wall_ns);
	fprintf(file, " s, %u CPU%s had ", books->cpus, books->cpus == 1 ? "" : "s");
	put_seconds(file, books->due_ns);
	fputs(" CPU-s to give: ", file);
	put_seconds(file, books->own_ns);
	fputs(" went to threads, ", file);
	put_seconds(file, books->behalf_ns);
	fputs(" to kernel work elsewhere on somebody's behalf, ", file);
	put_seconds(file, books->unattributed_ns);
	fputs(" to such work without a known owner, and ", file);
	put_seconds(file, books->idle_ns);
	fputs(" were idle.\n", file);
}

/* " (net_rx 2.00, timer 0.12)": the largest first, none below a hundredth of the whole. */
static void put_classes(FILE *file, const struct ledger_account *account)
{
	const uint64_t whole_ns = ledger_account_behalf_ns(account);
	bool named[WIRE_CLASSES] = {false};
	size_t n = 0;

	for (; n < CLASSES_NAMED; n++) {
		size_t largest = WIRE_CLASSES;

		for (size_t i = 0; i < WIRE_CLASSES; i++) {
			if (named[i] || account->behalf_ns[i] == 0)
				continue;
			if (largest == WIRE_CLASSES ||
			    account->behalf_ns[i] > account->behalf_ns[largest])
				largest = i;
		}
		if (largest == WIRE_CLASSES || account->behalf_ns[largest] < whole_ns / 100)
			break;
		named[largest] = true;
		fprintf(file, "%s%s ", n ? ", " : " (",
			ledger_class_name((enum wire_class)largest));
		put_seconds(file, account->behalf_ns[largest]);
	}
	if (n)
		fputc(')', file);
}

/* What the kernel's own figure makes of it. */
static void put_kernel_says(FILE *file, const struct ledger_account *account)
{
	const uint64_t charge_ns = ledger_account_charge_ns(account);
	const uint64_t says_ns = account->kernel_says_ns;
	const uint64_t apart_ns = says_ns > charge_ns ? says_ns - charge_ns : charge_ns - says_ns;

	if (says_ns == 0) {
		fputs("; the kernel's own figure says nothing of it", file);
	} else {
		fputs("; the kernel's own figure says ", file);
		put_seconds(file, says_ns);
		if (charge_ns && apart_ns * 100 >= charge_ns)
			fprintf(file, ", %.0f%% %s", (double)apart_ns * 100 / (double)charge_ns,
				says_ns < charge_ns ? "less" : "more");
	}
	if (account->imposed_ns && account->imposed_ns >= charge_ns / 100) {
		fputs(" (imposed on it by others: ", file);
		put_seconds(file, account->imposed_ns);
		fputc(')', file);
	}
	fputs(".\n", file);
}

static int put_account(FILE *file, const struct ledger_account *account, struct error *err)
{
	_cleanup_free_ char *name = view_name_text(account->name);

	if (!name)
		return error_oom(err);
	fprintf(file, "%s: ", name);
	put_seconds(file, ledger_account_own_ns(account));
	fputs(" CPU-s in its own threads and ", file);
	put_seconds(file, ledger_account_behalf_ns(account));
	fputs(" CPU-s of kernel work elsewhere on its behalf", file);
	put_classes(file, account);
	fputs(": charge ", file);
	put_seconds(file, ledger_account_charge_ns(account));
	put_kernel_says(file, account);
	return 0;
}

static void put_others(FILE *file, size_t n, const struct ledger_account *sum)
{
	if (n == 0)
		return;
	fprintf(file, "%zu other account%s: together ", n, n == 1 ? "" : "s");
	put_seconds(file, ledger_account_own_ns(sum));
	fputs(" CPU-s in their own threads and ", file);
	put_seconds(file, ledger_account_behalf_ns(sum));
	fputs(" CPU-s on their behalf.\n", file);
}

static void put_balance(FILE *file, const struct view_books *books)
{
	const double apart = books->ratio - 1;
	const bool balanced = apart <= BALANCE_SLACK && apart >= -BALANCE_SLACK;

	fprintf(file, "The books %s: ", balanced ? "balance" : "do not balance");
	fprintf(file, "%.3f CPU-s are posted of %.3f (%.4f).\n", (double)books->sum_ns / 1e9,
		(double)books->due_ns / 1e9, books->ratio);
}

int view_statement(FILE *file, const struct ledger_snapshot *snapshot,
		   const struct ledger_account *only, struct error *err)
{
	_cleanup_(view_rows_free) struct view_rows rows = {0};
	struct ledger_account others = {0};
	struct view_choice choice;
	struct view_books books;
	size_t n_others = 0;
	int r;

	view_choice_default(&choice, VIEW_SECONDS);
	choice.all = true;
	view_books_make(snapshot, &books);
	r = view_rows_make(snapshot, &choice, only, &rows, err);
	if (r < 0)
		return r;
	put_opening(file, &books);
	for (size_t i = 0; i < rows.n_shown; i++) {
		const struct ledger_account *account = rows.shown[i];

		if (!only && ledger_account_charge_ns(account) < books.due_ns / 100) {
			n_others++;
			view_account_add(&others, account);
			continue;
		}
		r = put_account(file, account, err);
		if (r < 0)
			return r;
	}
	put_others(file, n_others, &others);
	put_balance(file, &books);
	if (fflush(file) == EOF || ferror(file))
		return error_errno(err, errno ? errno : EIO, "the statement could not be written");
	return 0;
}
