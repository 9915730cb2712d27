// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "view/figure.h"
#include "view/reconcile.h"

static void put_line(struct table *table, const struct view_line *line,
		     const struct view_choice *choice, uint64_t wall_ns)
{
	table_row(table);
	for (size_t i = 0; i < choice->columns.n; i++) {
		const struct view_field *field = choice->columns.fields[i];
		_cleanup_free_ char *cell = view_line_cell(line, field, wall_ns, choice->unit);
		_cleanup_free_ char *cut = NULL;

		if (cell && choice->name_width && field == view_field_name())
			cut = text_fit(cell, choice->name_width);
		table_format(table, "%s", cut ? cut : cell ? cell : "?");
	}
}

static void print_heading(FILE *file, const struct view_books *books, enum view_unit unit)
{
	char wall[VIEW_FIGURE_MAX];

	view_figure_seconds(wall, books->wall_ns);
	fprintf(file, "%s over %s s on %u CPU%s\n", view_unit_name(unit), wall, books->cpus,
		books->cpus == 1 ? "" : "s");
}

static int print_table(FILE *file, const struct view_rows *rows, const struct view_choice *choice,
		       struct error *err)
{
	struct table_column columns[VIEW_COLUMNS_MAX] = {0};
	_cleanup_(cleanup_table) struct table *table = table_new(columns, choice->columns.n);
	struct view_line footers[VIEW_FOOTERS_MAX];
	size_t n_footers = view_rows_footers(rows, footers);

	for (size_t i = 0; i < choice->columns.n; i++) {
		const struct view_field *field = choice->columns.fields[i];

		columns[i].heading = field->heading;
		if (view_field_is_figure(field))
			columns[i].align = TABLE_RIGHT;
	}
	for (size_t i = 0; i < rows->n_shown; i++) {
		struct view_line line = view_line_of_account(rows->shown[i]);

		put_line(table, &line, choice, rows->snapshot->wall_ns);
	}
	for (size_t i = 0; i < n_footers; i++)
		put_line(table, &footers[i], choice, rows->snapshot->wall_ns);
	return table_print(table, file, err);
}

void view_text_books(FILE *file, const struct view_books *books)
{
	const uint64_t accounts_ns = books->own_ns + books->behalf_ns;

	fprintf(file,
		"books: accounts %.3f + unattributed %.3f + idle %.3f = %.3f s of %.3f s "
		"(%u CPU%s x %.3f s): %.4f\n",
		(double)accounts_ns / 1e9, (double)books->unattributed_ns / 1e9,
		(double)books->idle_ns / 1e9, (double)books->sum_ns / 1e9,
		(double)books->due_ns / 1e9, books->cpus, books->cpus == 1 ? "" : "s",
		(double)books->wall_ns / 1e9, books->ratio);
}

static int check_written(FILE *file, struct error *err)
{
	if (fflush(file) == EOF || ferror(file))
		return error_errno(err, errno ? errno : EIO, "the figures could not be written");
	return 0;
}

int view_text_listing(FILE *file, const struct ledger_snapshot *snapshot,
		      const struct view_choice *given, struct error *err)
{
	_cleanup_(view_rows_free) struct view_rows rows = {0};
	struct view_choice copy = *given, *choice = &copy;
	struct view_books books;
	int r;

	view_columns_drop_empty(&copy.columns, snapshot);
	r = view_rows_make(snapshot, choice, NULL, &rows, err);
	if (r < 0)
		return r;
	view_books_make(snapshot, &books);
	print_heading(file, &books, choice->unit);
	fputc('\n', file);
	r = print_table(file, &rows, choice, err);
	if (r < 0)
		return r;
	fputc('\n', file);
	view_text_books(file, &books);
	return check_written(file, err);
}

/* ---- one account ---- */

static void print_figure(FILE *file, const char *sign, const char *label, uint64_t ns,
			 uint64_t wall_ns, enum view_unit unit, const char *help)
{
	char figure[VIEW_FIGURE_MAX];

	view_figure_time(figure, ns, wall_ns, unit);
	fprintf(file, "%s %-14s %10s   %s\n", sign, label, figure, help);
}

/* With the help of the field table; INDENT for a part of what is above. */
static void print_field(FILE *file, const char *sign, const char *heading,
			const struct ledger_account *account, uint64_t wall_ns, enum view_unit unit)
{
	const struct view_field *field = view_field_find(heading);

	print_figure(file, sign, heading, view_field_ns(field, account), wall_ns, unit,
		     field->help);
}

/* The name of a class is what follows the dot of its path in JSON. */
static void print_classes(FILE *file, const struct ledger_account *account, uint64_t wall_ns,
			  enum view_unit unit)
{
	for (size_t i = 0; i < n_view_fields; i++) {
		const struct view_field *field = &view_fields[i];
		char label[32];

		if (!field->classes || !field->json || view_field_ns(field, account) == 0)
			continue;
		snprintf(label, sizeof(label), "  %s", strchr(field->json, '.') + 1);
		print_figure(file, " ", label, view_field_ns(field, account), wall_ns, unit,
			     field->help);
	}
}

static void print_identity(FILE *file, const struct ledger_account *account)
{
	static const char *const fields[] = {"ID", "CGROUP", "NETNS", "LINKS"};
	_cleanup_free_ char *name = text_printable(account->name);

	fprintf(file, "%s\n", name ? name : "?");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct view_field *field = view_field_find(fields[i]);
		_cleanup_free_ char *text = view_figure_text(field, account);

		if (text && text[0] && strcmp(text, "0") != 0)
			fprintf(file, "  %-14s %s\n", field->heading, text);
	}
}

/* Term by term. */
static void print_promises(FILE *file, const struct ledger_account *account)
{
	const char *heading = "PROMISED";

	for (size_t i = 0; account->promises && account->promises[i]; i++, heading = "") {
		_cleanup_free_ char *text = text_printable(account->promises[i]);

		fprintf(file, "  %-14s %s\n", heading, text ? text : "?");
	}
}

/* "kernel says X, less Y imposed by others, plus Z done for it elsewhere: it really cost W" */
static void print_reconciliation(FILE *file, const struct ledger_snapshot *snapshot,
				 const struct ledger_account *account, enum view_unit unit)
{
	const uint64_t wall_ns = snapshot->wall_ns;
	struct view_reconciliation r;
	char figure[VIEW_FIGURE_MAX];

	print_field(file, " ", "KERNEL-SAYS", account, wall_ns, unit);
	if (!view_reconcile(snapshot, account, &r)) {
		print_field(file, " ", "IMPOSED", account, wall_ns, unit);
		return;
	}
	if (snapshot->irq_time)
		print_figure(file, " ", "(imposed", account->imposed_ns, wall_ns, unit,
			     "by others; this kernel bills interrupts to nobody)");
	else
		print_figure(file, "-", "IMPOSED", r.imposed_ns, wall_ns, unit,
			     "by others, whose interrupts this kernel billed to it");
	print_figure(file, "+", "elsewhere", r.elsewhere_ns, wall_ns, unit,
		     "done for it in the time of others, or of nobody");
	if (r.in_time_ns)
		print_figure(file, " ", "  (in time", r.in_time_ns, wall_ns, unit,
			     "done for it while it ran itself, billed to it already)");
	if ((uint64_t)llabs(r.apart_ns) > r.cost_ns / 200) {
		view_figure_time(figure, (uint64_t)llabs(r.apart_ns), wall_ns, unit);
		fprintf(file, "%c %-14s %10s   %s\n", r.apart_ns > 0 ? '-' : '+', "unexplained",
			figure, "by which the kernel's figure is off");
	}
	print_figure(file, "=", "CHARGE", r.cost_ns, wall_ns, unit, "what it really cost");
}

/* What the kernel did for it, as far as it did. */
static void print_evidence(FILE *file, const struct ledger_account *account)
{
	const char *before = "\n";

	for (size_t i = 0; i < n_view_fields; i++) {
		const struct view_field *field = &view_fields[i];

		if (field->kind != VIEW_COUNT || view_field_number(field, account) == 0)
			continue;
		fprintf(file, "%s  %-14s %10" PRIu64 "   %s\n", before, field->heading,
			view_field_number(field, account), field->help);
		before = "";
	}
}

int view_text_account(FILE *file, const struct ledger_snapshot *snapshot,
		      const struct ledger_account *account, const struct view_choice *choice,
		      struct error *err)
{
	const uint64_t wall_ns = snapshot->wall_ns;
	struct view_books books;

	view_books_make(snapshot, &books);
	print_identity(file, account);
	print_promises(file, account);
	fputc('\n', file);
	print_heading(file, &books, choice->unit);
	fputc('\n', file);
	print_field(file, " ", "OWN", account, wall_ns, choice->unit);
	print_figure(file, " ", "  user", account->own_user_ns, wall_ns, choice->unit,
		     view_field_find("USER")->help);
	print_figure(file, " ", "  kernel", account->own_kernel_ns, wall_ns, choice->unit,
		     view_field_find("KERNEL")->help);
	print_field(file, "+", "BEHALF", account, wall_ns, choice->unit);
	print_classes(file, account, wall_ns, choice->unit);
	print_field(file, "=", "CHARGE", account, wall_ns, choice->unit);
	print_evidence(file, account);
	fputc('\n', file);
	print_reconciliation(file, snapshot, account, choice->unit);
	fputc('\n', file);
	view_text_books(file, &books);
	return check_written(file, err);
}

void view_text_fields(FILE *file)
{
	for (size_t i = 0; i < n_view_fields; i++)
		fprintf(file, "  %-12s %s\n", view_fields[i].heading, view_fields[i].help);
}
