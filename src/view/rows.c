// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "base/table.h"
#include "ledger/difference.h"
#include "ledger/names.h"
#include "ledger/parts.h"
#include "view/figure.h"

void view_choice_default(struct view_choice *choice, enum view_unit unit)
{
	*choice = (struct view_choice){.unit = unit, .sort = view_field_charge()};
	view_columns_default(&choice->columns);
}

void view_account_add(struct ledger_account *sum, const struct ledger_account *account)
{
	sum->own_user_ns += account->own_user_ns;
	sum->own_kernel_ns += account->own_kernel_ns;
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		sum->behalf_ns[i] += account->behalf_ns[i];
	sum->imposed_ns += account->imposed_ns;
	sum->kernel_says_ns += account->kernel_says_ns;
	sum->reserved_ns += account->reserved_ns;
	ledger_evidence_add(&sum->evidence, &account->evidence);
}

static bool is_idle(const struct ledger_account *account, uint64_t wall_ns)
{
	uint64_t most_ns = ledger_account_charge_ns(account);

	if (account->cgroup && strcmp(account->cgroup, "/") == 0)
		return false;
	if (account->imposed_ns > most_ns)
		most_ns = account->imposed_ns;
	if (account->kernel_says_ns > most_ns)
		most_ns = account->kernel_says_ns;
	return most_ns < wall_ns / 1000 || most_ns == 0;
}

static int compare_shown(const void *a, const void *b, void *arg)
{
	const struct ledger_account *x = *(const struct ledger_account *const *)a;
	const struct ledger_account *y = *(const struct ledger_account *const *)b;
	const struct view_choice *choice = arg;
	int order = view_field_compare(choice->sort, x, y);

	/* figures: the largest first */
	if (choice->sort->kind == VIEW_TIME || choice->sort->kind == VIEW_COUNT)
		order = -order;
	if (choice->reverse)
		order = -order;
	if (order == 0)
		order = view_field_compare(view_field_name(), x, y);
	if (order == 0)
		order = (x->id > y->id) - (x->id < y->id);
	return order;
}

static int rank_in_tree(unsigned char c)
{
	return c == '/' ? 1 : c ? c + 1 : 0;
}

/* A cgroup comes right after the one it is in: '/' is before all other characters. */
static int compare_tree(const void *a, const void *b)
{
	const struct ledger_account *x = *(const struct ledger_account *const *)a;
	const struct ledger_account *y = *(const struct ledger_account *const *)b;
	const unsigned char *p = (const unsigned char *)(x->cgroup ? x->cgroup : "");
	const unsigned char *q = (const unsigned char *)(y->cgroup ? y->cgroup : "");

	while (*p && *p == *q) {
		p++;
		q++;
	}
	if (*p == *q)
		return (x->id > y->id) - (x->id < y->id);
	return rank_in_tree(*p) - rank_in_tree(*q);
}

static bool is_below(const char *path, const char *above)
{
	const size_t length = strlen(above);

	if (strcmp(above, "/") == 0)
		return path[0] && path[1];
	return strncmp(path, above, length) == 0 && path[length] == '/';
}

size_t view_rows_depth(const struct view_rows *rows, size_t i)
{
	const char *path = rows->shown[i]->cgroup;
	size_t depth = 0;

	/* in a tree those above come before */
	for (size_t j = 0; path && j < i; j++)
		depth += rows->shown[j]->cgroup && is_below(path, rows->shown[j]->cgroup);
	return depth;
}

const char *view_rows_below(const struct view_rows *rows, size_t i)
{
	const char *path = rows->shown[i]->cgroup;

	if (!path || !path[0])
		return path;
	/* the nearest comes last */
	for (size_t j = i; j-- > 0;) {
		const char *above = rows->shown[j]->cgroup;

		if (above && strcmp(above, "/") != 0 && is_below(path, above))
			return path + strlen(above) + 1;
	}
	return path + 1;
}

static bool is_chosen(const struct ledger_account *account, const struct view_choice *choice,
		      uint64_t wall_ns)
{
	if (choice->filter && choice->filter[0])
		return strcasestr(account->name, choice->filter) ||
		       (account->cgroup && strcasestr(account->cgroup, choice->filter));
	return choice->all || !is_idle(account, wall_ns);
}

int view_rows_make(const struct ledger_snapshot *snapshot, const struct view_choice *choice,
		   const struct ledger_account *only, struct view_rows *rows, struct error *err)
{
	/* qsort_r takes no const */
	struct view_choice order = *choice;

	*rows = (struct view_rows){
		.snapshot = snapshot,
	};
	rows->shown = calloc(snapshot->n_accounts + 1, sizeof(*rows->shown));
	if (!rows->shown)
		return error_oom(err);
	for (size_t i = 0; i < snapshot->n_accounts; i++) {
		const struct ledger_account *account = &snapshot->accounts[i];

		view_account_add(&rows->total, account);
		if (only && account != only)
			continue;
		if (!only && !is_chosen(account, choice, snapshot->wall_ns)) {
			rows->n_folded++;
			view_account_add(&rows->folded, account);
			continue;
		}
		rows->shown[rows->n_shown++] = account;
	}
	memcpy(rows->unattributed.behalf_ns, snapshot->unattributed_ns,
	       sizeof(snapshot->unattributed_ns));
	view_account_add(&rows->total, &rows->unattributed);
	snprintf(rows->folded_name, sizeof(rows->folded_name), "%zu %s account%s", rows->n_folded,
		 choice->filter && choice->filter[0] ? "other" : "idle",
		 rows->n_folded == 1 ? "" : "s");
	qsort_r(rows->shown, rows->n_shown, sizeof(*rows->shown), compare_shown, &order);
	if (choice->tree)
		qsort(rows->shown, rows->n_shown, sizeof(*rows->shown), compare_tree);
	return 0;
}

void view_rows_free(struct view_rows *rows)
{
	free(rows->shown);
	rows->shown = NULL;
}

struct view_line view_line_of_account(const struct ledger_account *account)
{
	return (struct view_line){.name = account->name, .account = account};
}

size_t view_rows_footers(const struct view_rows *rows, struct view_line lines[VIEW_FOOTERS_MAX])
{
	size_t n = 0;

	if (rows->n_folded)
		lines[n++] = (struct view_line){
			.name = rows->folded_name, .account = &rows->folded, .is_sum = true};
	lines[n++] = (struct view_line){.name = "unattributed",
					.account = &rows->unattributed,
					.only_behalf = true,
					.is_sum = true};
	lines[n++] = (struct view_line){.name = "idle",
					.account = &rows->idle,
					.idle_ns = rows->snapshot->idle_ns,
					.only_charge = true,
					.is_sum = true};
	lines[n++] = (struct view_line){.name = "total",
					.account = &rows->total,
					.idle_ns = rows->snapshot->idle_ns,
					.is_sum = true};
	return n;
}

char *view_line_cell(const struct view_line *line, const struct view_field *field, uint64_t wall_ns,
		     enum view_unit unit)
{
	char text[VIEW_FIGURE_MAX];
	uint64_t ns;

	if (field == view_field_name())
		return view_name_text(line->name);
	if (field->kind != VIEW_TIME && field->kind != VIEW_COUNT)
		return line->is_sum ? strdup("") : view_figure_text(field, line->account);
	if ((line->only_charge && field != view_field_charge()) ||
	    (line->only_behalf && field->only_of_accounts))
		return strdup("-");
	if (field->kind == VIEW_COUNT)
		return view_figure_text(field, line->account);
	/* most are promised nothing */
	if (field == view_field_reserve() && line->account->reserved_ns == 0)
		return strdup("-");
	ns = view_field_ns(field, line->account);
	if (field == view_field_charge())
		ns += line->idle_ns;
	view_figure_time(text, ns, wall_ns, unit);
	return strdup(text);
}

void view_books_make(const struct ledger_snapshot *snapshot, struct view_books *books)
{
	*books = (struct view_books){
		.cpus = snapshot->cpus,
		.wall_ns = snapshot->wall_ns,
		.idle_ns = snapshot->idle_ns,
		.due_ns = snapshot->cpus * snapshot->wall_ns,
	};
	for (size_t i = 0; i < snapshot->n_accounts; i++) {
		books->own_ns += ledger_account_own_ns(&snapshot->accounts[i]);
		books->behalf_ns += ledger_account_behalf_ns(&snapshot->accounts[i]);
	}
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		books->unattributed_ns += snapshot->unattributed_ns[i];
	books->sum_ns = books->own_ns + books->behalf_ns + books->unattributed_ns + books->idle_ns;
	books->ratio = books->due_ns ? (double)books->sum_ns / (double)books->due_ns : 1.0;
}

void view_books_split(const struct view_books *books, unsigned int total,
		      unsigned int parts[VIEW_PARTS])
{
	const uint64_t ns[VIEW_PARTS] = {books->own_ns, books->behalf_ns, books->unattributed_ns,
					 books->idle_ns};
	double remainders[VIEW_PARTS];
	unsigned int given = 0;

	for (size_t i = 0; i < VIEW_PARTS; i++) {
		/* before anything was measured all is idle */
		double exact = i == VIEW_IDLE ? total : 0;

		if (books->sum_ns)
			exact = (double)ns[i] / (double)books->sum_ns * total;
		parts[i] = (unsigned int)exact;
		remainders[i] = exact - parts[i];
		given += parts[i];
	}
	for (; given < total; given++) {
		size_t largest = 0;

		for (size_t i = 1; i < VIEW_PARTS; i++) {
			if (remainders[i] > remainders[largest])
				largest = i;
		}
		parts[largest]++;
		remainders[largest] = -1;
	}
}

/* "a/b" names the same cgroup as "/a/b" */
static bool is_cgroup(const struct ledger_account *account, const char *path)
{
	const char *cgroup = account->cgroup ? account->cgroup : "";

	if (strcmp(cgroup, path) == 0)
		return true;
	return cgroup[0] == '/' && cgroup[1] && strcmp(cgroup + 1, path) == 0;
}

/* What its cgroup tells of its name: the id of a container, where its engine calls it otherwise. */
static bool is_called(const struct ledger_account *account, const char *pattern, bool in_full)
{
	_cleanup_free_ char *id = account->cgroup ? ledger_name_of_path(account->cgroup) : NULL;

	return id && (in_full ? strcmp(id, pattern) == 0 : string_starts_with(id, pattern));
}

static bool is_named(const struct ledger_account *account, const char *pattern)
{
	return strcmp(account->name, pattern) == 0;
}

static bool is_numbered(const struct ledger_account *account, const char *pattern)
{
	uint64_t id;

	return string_to_u64(pattern, 10, &id) == 0 && id != 0 && account->id == id;
}

static bool is_container(const struct ledger_account *account, const char *pattern)
{
	return is_called(account, pattern, true);
}

/* What comes first in here wins, wherever in the snapshot it is. */
static const struct ledger_account *find_exact(const struct ledger_snapshot *snapshot,
					       const char *pattern, size_t *n_found)
{
	static bool (*const ways[])(const struct ledger_account *account, const char *pattern) = {
		is_named, is_cgroup, is_numbered, is_container};
	const struct ledger_account *found = NULL;

	*n_found = 0;
	for (size_t way = 0; way < ARRAY_SIZE(ways) && !found; way++) {
		for (size_t i = 0; i < snapshot->n_accounts; i++) {
			if (!ways[way](&snapshot->accounts[i], pattern))
				continue;
			found = &snapshot->accounts[i];
			++*n_found;
		}
	}
	return found;
}

int view_find_account(const struct ledger_snapshot *snapshot, const char *pattern,
		      const struct ledger_account **account, struct error *err)
{
	const struct ledger_account *found, *other = NULL;
	size_t n_found;

	found = find_exact(snapshot, pattern, &n_found);
	if (n_found > 1)
		return error_set(err, ENOTUNIQ,
				 "%zu accounts are named '%s', give the path of a cgroup (%s)",
				 n_found, pattern, found->cgroup);
	for (size_t i = 0; !n_found && pattern[0] && i < snapshot->n_accounts; i++) {
		if (!string_starts_with(snapshot->accounts[i].name, pattern) &&
		    !is_called(&snapshot->accounts[i], pattern, false))
			continue;
		if (found)
			other = &snapshot->accounts[i];
		else
			found = &snapshot->accounts[i];
	}
	if (other)
		return error_set(err, ENOTUNIQ, "more than one account begins with '%s': %s, %s",
				 pattern, found->name, other->name);
	if (!found)
		return error_set(err, ENOENT, "there is no account '%s'", pattern);
	*account = found;
	return 0;
}

int view_difference(const struct ledger_snapshot *later, const struct ledger_snapshot *earlier,
		    struct ledger_snapshot **difference, struct error *err)
{
	struct ledger_snapshot *copy = ledger_snapshot_copy(later);

	if (!copy)
		return error_oom(err);
	ledger_snapshot_subtract(copy, earlier);
	*difference = copy;
	return 0;
}
