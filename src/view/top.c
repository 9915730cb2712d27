// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "base/table.h"
#include "view/figure.h"
#include "view/history.h"
#include "view/pages.h"

/* A name needs so much before it is worth a further column, */
#define NAME_WIDTH_MIN 16
/* and has so much at least where there is room, so that columns do not jump. */
#define NAME_WIDTH_ROOMY 24
/* TREND is shown unasked from here on */
#define TREND_WIDTH_ROOMY 80
#define TREND_WIDTH (VIEW_HISTORY_SAMPLES + 1)
/* of a page that may be as wide as it takes */
#define BAR_WIDTH_FREE 76
/* What the four shares take at most with their names, and with their sum, which is known, behind them. */
#define SHARES_WIDTH_NAMES 63
#define SHARES_WIDTH_SUM 73

/* The look of the parts of the bar: a character beside a colour. */
static const struct {
	char mark;
	const char *name;
	enum view_style style;
} parts[VIEW_PARTS] = {
	[VIEW_OWN] = {'#', "own", STYLE_OWN},
	[VIEW_BEHALF] = {'+', "behalf", STYLE_BEHALF},
	[VIEW_UNATTRIBUTED] = {'?', "unattributed", STYLE_UNATTRIBUTED},
	[VIEW_IDLE] = {'.', "idle", STYLE_IDLE},
};

/* What is at hand while a page is composed. */
struct page {
	struct view_top *top;
	const struct ledger_snapshot *snapshot;
	struct view_screen *screen;
	struct view_rows rows;
	struct view_line footers[VIEW_FOOTERS_MAX];
	size_t n_footers;
	size_t first, n_visible; /* of rows.shown */
	bool trend;
	size_t room; /* columns of the terminal without TREND; 0: any */
	struct view_columns columns;
	size_t widths[VIEW_COLUMNS_MAX];
	char **cells; /* of the visible lines and the footers, columns.n each */
	size_t n_cells;
};

static void cleanup_page(struct page *page)
{
	for (size_t i = 0; i < page->n_cells; i++)
		free(page->cells[i]);
	free(page->cells);
	view_rows_free(&page->rows);
	view_screen_free(page->screen);
}

/* ---- head ---- */

static void put_title(struct page *page, const struct view_books *books)
{
	const struct view_top *top = page->top;
	struct view_screen *screen = page->screen;
	char wall[VIEW_FIGURE_MAX];

	view_figure_seconds(wall, books->wall_ns);
	view_screen_put(screen, STYLE_TITLE, "behalf top");
	view_screen_put(screen, STYLE_PLAIN, "  %s  %u CPU%s, %zu account%s, over %s s, ",
			top->time ? top->time : "", books->cpus, books->cpus == 1 ? "" : "s",
			page->snapshot->n_accounts, page->snapshot->n_accounts == 1 ? "" : "s",
			wall);
	view_screen_put(screen,
			books->ratio < 0.995 || books->ratio > 1.005 ? STYLE_WARNING : STYLE_PLAIN,
			"books %.4f", books->ratio);
	if (top->paused)
		view_screen_put(screen, STYLE_WARNING, "  paused");
	view_screen_end_line(screen);
}

static void put_bar(struct page *page, const struct view_books *books)
{
	const size_t room = page->top->width ? page->top->width : BAR_WIDTH_FREE + 2;
	unsigned int cells[VIEW_PARTS];

	view_books_split(books, room > 2 ? (unsigned int)room - 2 : 0, cells);
	view_screen_put(page->screen, STYLE_PLAIN, "[");
	for (size_t i = 0; i < VIEW_PARTS; i++) {
		_cleanup_free_ char *marks = malloc(cells[i] + 1);

		if (marks) {
			memset(marks, parts[i].mark, cells[i]);
			marks[cells[i]] = '\0';
		}
		view_screen_put(page->screen, parts[i].style, "%s", marks ? marks : "");
	}
	view_screen_put(page->screen, STYLE_PLAIN, "]");
	view_screen_end_line(page->screen);
}

static void put_shares(struct page *page, const struct view_books *books)
{
	const size_t room = page->top->width ? page->top->width : SHARES_WIDTH_SUM;
	const bool names = room >= SHARES_WIDTH_NAMES;
	unsigned int tenths[VIEW_PARTS];

	view_books_split(books, 1000, tenths);
	for (size_t i = 0; i < VIEW_PARTS; i++) {
		if (i > 0)
			view_screen_put(page->screen, STYLE_PLAIN, "  ");
		view_screen_put(page->screen, parts[i].style, "%c", parts[i].mark);
		if (names)
			view_screen_put(page->screen, STYLE_PLAIN, " %s", parts[i].name);
		view_screen_put(page->screen, STYLE_PLAIN, " %u.%u%%", tenths[i] / 10,
				tenths[i] % 10);
	}
	if (room >= SHARES_WIDTH_SUM)
		view_screen_put(page->screen, STYLE_PLAIN, "  = 100.0%%");
	view_screen_end_line(page->screen);
}

static void put_legend(struct page *page)
{
	static const char *const units[VIEW_UNITS] = {
		[VIEW_SECONDS] = "CPU-seconds over that time",
		[VIEW_CPUS] = "CPUs: 1.000 is one CPU busy",
		[VIEW_PERCENT] = "percent of one CPU",
	};

	view_screen_put(page->screen, STYLE_DIM, "%s. CHARGE = OWN + BEHALF.%s",
			units[page->top->choice.unit],
			page->top->height ? "  h: help  q: leave" : "");
	view_screen_end_line(page->screen);
}

/* ---- columns ---- */

/* What the columns take, with one space between them. */
static size_t total_width(const struct page *page)
{
	size_t width = 0;

	for (size_t i = 0; i < page->columns.n; i++) {
		bool is_name = page->columns.fields[i] == view_field_name();

		width += (i > 0) + (is_name ? NAME_WIDTH_MIN : page->widths[i]);
	}
	return width;
}

static void remove_column(struct page *page, size_t at)
{
	page->columns.n--;
	for (size_t i = at; i < page->columns.n; i++)
		page->columns.fields[i] = page->columns.fields[i + 1];
}

static void set_field_widths(struct page *page)
{
	for (size_t i = 0; i < page->columns.n; i++) {
		const struct view_field *field = page->columns.fields[i];
		size_t heading = strlen(field->heading);

		page->widths[i] = field->width > heading ? field->width : heading;
		if (page->top->choice.unit == VIEW_SECONDS && field->kind == VIEW_TIME &&
		    page->widths[i] < 8)
			page->widths[i] = 8;
	}
}

/* The least important columns go until the rest fits; the last one stays. */
static void choose_columns(struct page *page)
{
	const struct view_top *top = page->top;

	page->trend = top->history && top->width > 2 * TREND_WIDTH &&
		      (top->trend || top->width >= TREND_WIDTH_ROOMY);
	page->room = top->width - (page->trend ? TREND_WIDTH : 0);
	page->columns = page->top->choice.columns;
	view_columns_drop_empty(&page->columns, page->snapshot);
	set_field_widths(page);
	while (page->top->width && page->columns.n > 1 && total_width(page) > page->room) {
		size_t least = page->columns.n - 1;

		for (size_t i = page->columns.n; i-- > 0;) {
			if (page->columns.fields[i]->rank > page->columns.fields[least]->rank)
				least = i;
		}
		remove_column(page, least);
		set_field_widths(page);
	}
}

static struct view_line line_at(const struct page *page, size_t i)
{
	if (i < page->n_visible)
		return view_line_of_account(page->rows.shown[page->first + i]);
	return page->footers[i - page->n_visible];
}

/* In a tree a name is indented below its parent's, and one that is a path says what is new in it. */
static char *name_in_tree(const struct page *page, size_t i)
{
	const struct ledger_account *account = page->rows.shown[i];
	const char *below = view_rows_below(&page->rows, i);
	const bool is_path = below && strcmp(account->name, account->cgroup + 1) == 0;
	_cleanup_free_ char *name = view_name_text(is_path ? below : account->name);
	const size_t depth = view_rows_depth(&page->rows, i);

	return name ? string_format("%*s%s", (int)(2 * depth), "", name) : NULL;
}

static char *make_cell(const struct page *page, size_t l, const struct view_field *field)
{
	const struct view_line line = line_at(page, l);

	if (page->top->choice.tree && l < page->n_visible && field == view_field_name())
		return name_in_tree(page, page->first + l);
	return view_line_cell(&line, field, page->snapshot->wall_ns, page->top->choice.unit);
}

static int make_cells(struct page *page, struct error *err)
{
	const size_t n_lines = page->n_visible + page->n_footers;

	page->cells = calloc(n_lines * page->columns.n + 1, sizeof(*page->cells));
	if (!page->cells)
		return error_oom(err);
	for (size_t l = 0; l < n_lines; l++) {
		for (size_t c = 0; c < page->columns.n; c++) {
			char *cell = make_cell(page, l, page->columns.fields[c]);

			if (!cell)
				return error_oom(err);
			page->cells[page->n_cells++] = cell;
		}
	}
	return 0;
}

/* Figures are never cut; names get what is left. */
static void fit_widths(struct page *page)
{
	size_t longest = NAME_WIDTH_ROOMY, others = 0, name = page->columns.n;

	for (size_t i = 0; i < page->n_cells; i++) {
		size_t c = i % page->columns.n, width = text_width(page->cells[i]);

		if (page->columns.fields[c] == view_field_name())
			longest = width > longest ? width : longest;
		else if (page->columns.fields[c]->kind == VIEW_TIME ||
			 page->columns.fields[c]->kind == VIEW_COUNT || !page->top->width)
			page->widths[c] = width > page->widths[c] ? width : page->widths[c];
	}
	for (size_t c = 0; c < page->columns.n; c++) {
		if (page->columns.fields[c] == view_field_name())
			name = c;
		else
			others += page->widths[c] + 1;
	}
	if (name == page->columns.n)
		return;
	page->widths[name] = longest;
	if (page->top->width && others + longest > page->room)
		page->widths[name] = others + 4 < page->room ? page->room - others : 4;
}

/* Where a name in a tree is cut, it stays where it stands. */
static char *fit_cell(const char *text, size_t width)
{
	const size_t blank = strspn(text, " ");
	const size_t indent = blank < width / 2 ? blank : width / 2;
	_cleanup_free_ char *fitting = text_fit(text + blank, width - indent);

	return fitting ? string_format("%*s%s", (int)indent, "", fitting) : NULL;
}

static void put_cell(struct page *page, size_t column, const char *text, enum view_style style)
{
	const struct view_field *field = page->columns.fields[column];
	_cleanup_free_ char *fitting = fit_cell(text, page->widths[column]);
	const char *shown = fitting ? fitting : "";
	int pad = (int)(page->widths[column] - text_width(shown));

	if (column > 0)
		view_screen_put(page->screen, style == STYLE_SELECTED ? style : STYLE_PLAIN, " ");
	if (view_field_is_figure(field))
		view_screen_put(page->screen, style, "%*s%s", pad, "", shown);
	else if (column + 1 < page->columns.n || style != STYLE_PLAIN)
		view_screen_put(page->screen, style, "%s%*s", shown, pad, "");
	else
		view_screen_put(page->screen, style, "%s", shown);
}

static void put_headings(struct page *page)
{
	for (size_t c = 0; c < page->columns.n; c++) {
		const struct view_field *field = page->columns.fields[c];

		put_cell(page, c, field->heading,
			 field == page->top->choice.sort ? STYLE_SORTED : STYLE_HEADING);
	}
	if (page->trend)
		view_screen_put(page->screen, STYLE_HEADING, " %-*s", VIEW_HISTORY_SAMPLES,
				"TREND");
	view_screen_end_line(page->screen);
}

static void put_line(struct page *page, size_t line, enum view_style style)
{
	for (size_t c = 0; c < page->columns.n; c++)
		put_cell(page, c, page->cells[line * page->columns.n + c], style);
	if (page->trend && line < page->n_visible) {
		_cleanup_free_ char *marks = view_history_marks(
			page->top->history, page->rows.shown[page->first + line]->id);

		view_screen_put(page->screen, STYLE_PLAIN, " %s", marks ? marks : "");
	}
	view_screen_end_line(page->screen);
}

/* ---- the whole ---- */

#define HEAD_LINES 5 /* title, bar, shares, legend, headings */
#define FOOT_LINES 1 /* status */

/* The account that Enter opens: moved by keys, or where it has gone since. */
static void choose_selected(struct page *page)
{
	struct view_top *top = page->top;
	const size_t n = page->rows.n_shown;

	for (size_t i = 0; !top->moved && i < n; i++) {
		if (page->rows.shown[i]->id == top->selected && top->at > 0)
			top->at = i;
	}
	if (top->at >= n)
		top->at = n ? n - 1 : 0;
	top->selected = n ? page->rows.shown[top->at]->id : 0;
	if (top->moved && top->at < top->first)
		top->first = top->at;
	if (top->moved && top->page && top->at >= top->first + top->page)
		top->first = top->at - top->page + 1;
	top->moved = false;
}

/* Which accounts fit. */
static void choose_visible(struct page *page)
{
	struct view_top *top = page->top;
	const size_t around = HEAD_LINES + page->n_footers + FOOT_LINES;
	const size_t n = page->rows.n_shown;

	top->page = n;
	if (top->height)
		top->page = top->height > around ? top->height - around : 1;
	choose_selected(page);
	if (top->page < n && top->first > n - top->page)
		top->first = n - top->page;
	if (top->page >= n)
		top->first = 0;
	page->first = top->first;
	page->n_visible = n - page->first < top->page ? n - page->first : top->page;
}

static void put_selected(struct page *page)
{
	_cleanup_free_ char *name = NULL;

	if (!page->rows.n_shown)
		return;
	name = view_name_text(page->rows.shown[page->top->at]->name);
	view_screen_put(page->screen, STYLE_DIM, "; Enter: %s", name ? name : "");
}

static void put_status(struct page *page)
{
	const struct view_top *top = page->top;
	const struct view_field *sort = top->choice.sort;
	const bool text = sort->kind == VIEW_TEXT;

	for (size_t i = page->n_visible; i < top->page; i++)
		view_screen_end_line(page->screen);
	if (top->typing) {
		view_screen_put(page->screen, STYLE_WARNING, "filter: %s_", top->filter);
	} else if (top->message) {
		view_screen_put(page->screen, STYLE_WARNING, "%s", top->message);
	} else {
		if (top->choice.tree)
			view_screen_put(page->screen, STYLE_DIM, "tree of cgroups");
		else
			view_screen_put(page->screen, STYLE_DIM, "sorted by %s%s", sort->heading,
					!top->choice.reverse ? ""
					: text		     ? " backwards"
							     : ", smallest first");
		view_screen_put(page->screen, STYLE_DIM, ", every %.1f s",
				(double)top->delay_ns / 1e9);
		if (top->filter[0])
			view_screen_put(page->screen, STYLE_WARNING, ", with '%s'", top->filter);
		if (page->n_visible < page->rows.n_shown)
			view_screen_put(page->screen, STYLE_DIM, ", accounts %zu to %zu of %zu",
					page->first + 1, page->first + page->n_visible,
					page->rows.n_shown);
		put_selected(page);
	}
	view_screen_end_line(page->screen);
}

static enum view_style style_of_line(const struct page *page, size_t line)
{
	if (line >= page->n_visible)
		return STYLE_DIM;
	return page->top->height && page->first + line == page->top->at ? STYLE_SELECTED
									: STYLE_PLAIN;
}

/* The account that was opened; NULL when it is gone, and the list is shown again. */
static const struct ledger_account *opened(struct page *page)
{
	if (page->top->shown != VIEW_PAGE_ACCOUNT)
		return NULL;
	for (size_t i = 0; i < page->snapshot->n_accounts; i++) {
		if (page->snapshot->accounts[i].id == page->top->selected)
			return &page->snapshot->accounts[i];
	}
	page->top->shown = VIEW_PAGE_LIST;
	return NULL;
}

static int compose_page(struct page *page, struct error *err)
{
	const struct ledger_account *account;
	struct view_books books;
	int r;

	page->top->choice.filter = page->top->filter;
	r = view_rows_make(page->snapshot, &page->top->choice, NULL, &page->rows, err);
	if (r < 0)
		return r;
	page->n_footers = view_rows_footers(&page->rows, page->footers);
	/* the account that is shown stays so, also while it is idle, until another one is asked for */
	if (page->top->shown != VIEW_PAGE_ACCOUNT || page->top->moved || !opened(page))
		choose_visible(page);
	account = opened(page);
	if (account) {
		view_page_account(page->top, page->snapshot, account, page->screen);
		return 0;
	}
	choose_columns(page);
	r = make_cells(page, err);
	if (r < 0)
		return r;
	fit_widths(page);
	view_books_make(page->snapshot, &books);
	put_title(page, &books);
	put_bar(page, &books);
	put_shares(page, &books);
	if (page->top->shown == VIEW_PAGE_CPUS) {
		view_page_cpus(page->top, &page->rows, page->screen);
		return 0;
	}
	put_legend(page);
	put_headings(page);
	for (size_t i = 0; i < page->n_visible + page->n_footers; i++)
		put_line(page, i, style_of_line(page, i));
	if (page->top->height)
		put_status(page);
	return 0;
}

int view_top_compose(struct view_top *top, const struct ledger_snapshot *snapshot,
		     struct view_screen **screen, struct error *err)
{
	_cleanup_(cleanup_page) struct page page = {
		.top = top, .snapshot = snapshot, .screen = view_screen_new()};
	int r = 0;

	if (top->help)
		view_top_help(top, page.screen);
	else
		r = compose_page(&page, err);
	if (r < 0)
		return r;
	r = view_screen_check(page.screen, err);
	if (r < 0)
		return r;
	*screen = take_ptr(page.screen);
	return 0;
}
