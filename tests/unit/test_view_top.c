// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "view/field.h"
#include "view/top.h"
#include "view_example.h"

static struct view_top top_of(size_t width, size_t height)
{
	struct view_top top = {
		.delay_ns = 2 * S, .width = width, .height = height, .time = "12:00:00"};

	view_choice_default(&top.choice, VIEW_CPUS);
	return top;
}

static char *compose(struct view_top *top, const struct ledger_snapshot *snapshot)
{
	_cleanup_(cleanup_view_screen) struct view_screen *screen = NULL;
	struct error err = {0};
	char *text = NULL;
	size_t size;
	FILE *file;

	if (view_top_compose(top, snapshot, &screen, &err) < 0)
		return strdup(err.text);
	file = open_memstream(&text, &size);
	view_screen_print(screen, file);
	fclose(file);
	return text;
}

static void fits(const char *text, size_t width, size_t height)
{
	size_t lines = 0;

	for (const char *line = text; *line; lines++) {
		size_t length = strcspn(line, "\n");

		ok(length <= width, "%zu columns: %.*s", length, (int)length, line);
		line += length + (line[length] == '\n');
	}
	ok(lines <= height, "%zu lines", lines);
}

static size_t lines_with(const char *text, const char *start)
{
	size_t n = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		n += string_starts_with(line, start);
	}
	return n;
}

TEST(a_page_fits_80x24)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *few = example_snapshot();
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *many = example_many(3000);

	for (int unit = 0; unit < VIEW_UNITS; unit++) {
		struct view_top top = top_of(80, 24);
		_cleanup_free_ char *text = NULL, *text_of_many = NULL;

		top.choice.unit = (enum view_unit)unit;
		text = compose(&top, few);
		fits(text, 80, 24);
		has_str(text, "KERNEL-SAYS");
		text_of_many = compose(&top, many);
		fits(text_of_many, 80, 24);
		has_str(text_of_many, "idle accounts");
		has_str(text_of_many, "total");
	}
}

TEST(a_small_terminal_keeps_names_and_charge)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();

	for (size_t width = 1; width < 120; width++) {
		struct view_top top = top_of(width, 10);
		_cleanup_free_ char *text = compose(&top, snapshot);

		if (width >= 23)
			has_str(text, "NAME ");
		if (width >= 23)
			has_str(text, " CHARGE");
		ok((strstr(text, " REST") != NULL) == (width >= 85), "%zu", width);
	}
}

TEST(scrolling_ends_with_the_last_page)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_many(100);
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *first = NULL, *next = NULL, *last = NULL, *again = NULL;

	top.choice.all = true;
	first = compose(&top, snapshot);
	has_str(first, "c-00000");
	has_str(first, "accounts 1 to 15 of 100");
	view_top_key(&top, VIEW_KEY_PAGE_DOWN);
	next = compose(&top, snapshot);
	has_str(next, "accounts 16 to 30 of 100");
	is_uint(lines_with(next, "c-"), 15);
	view_top_key(&top, VIEW_KEY_END);
	view_top_key(&top, VIEW_KEY_DOWN);
	last = compose(&top, snapshot);
	has_str(last, "c-00099");
	has_str(last, "accounts 86 to 100 of 100");
	view_top_key(&top, VIEW_KEY_HOME);
	view_top_key(&top, VIEW_KEY_UP);
	view_top_key(&top, VIEW_KEY_PAGE_UP);
	again = compose(&top, snapshot);
	is_str(again, first);
}

TEST(help_has_every_key_and_column_and_fits)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_top top = top_of(80, 24);
	const char *label, *help;
	_cleanup_free_ char *text = NULL;

	ok(view_top_key(&top, 'h'));
	text = compose(&top, snapshot);
	fits(text, 80, 24);
	for (size_t i = 0; view_top_key_text(i, &label, &help); i++) {
		has_str(text, label);
		has_str(text, help);
	}
	for (size_t i = 0; i < n_view_fields; i++) {
		if (view_fields[i].key || view_fields[i].rank)
			has_str(text, view_fields[i].help);
	}
	ok(view_top_key(&top, 'q'), "any key leads back");
	ok(!top.help && !top.quit);
}

TEST(keys_do_what_help_says)
{
	struct view_top top = top_of(80, 24);

	view_top_key(&top, '+');
	is_uint(top.delay_ns, 4 * S);
	for (int i = 0; i < 20; i++)
		view_top_key(&top, '-');
	is_uint(top.delay_ns, VIEW_DELAY_MIN_NS);
	for (int i = 0; i < 20; i++)
		view_top_key(&top, '+');
	is_uint(top.delay_ns, VIEW_DELAY_MAX_NS);
	view_top_key(&top, 'p');
	ok(top.paused && !top.refresh);
	view_top_key(&top, ' ');
	ok(!top.paused && top.refresh);
	view_top_key(&top, 'a');
	ok(top.choice.all);
	view_top_key(&top, '>');
	is_str(top.choice.sort->heading, "OWN");
	view_top_key(&top, '<');
	view_top_key(&top, '<');
	view_top_key(&top, '<');
	is_str(top.choice.sort->heading, "KERNEL-SAYS");
	view_top_key(&top, 'u');
	is_int(top.choice.unit, VIEW_PERCENT);
	ok(!view_top_key(&top, 'X'));
	ok(!view_top_key(&top, 0));
	view_top_key(&top, 'q');
	ok(top.quit);
}

TEST(what_is_paused_and_what_does_not_balance_is_said_in_words)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *text = NULL;

	top.paused = true;
	snapshot->idle_ns -= 2 * S;
	text = compose(&top, snapshot);
	has_str(text, "paused");
	has_str(text, "books 0.9000");
	has_str(text, "= 100.0%");
}

TEST(escape_sequences_of_names_do_not_reach_the_terminal)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot =
		calloc(1, sizeof(*snapshot));
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *text = NULL;

	snapshot->cpus = 1;
	snapshot->wall_ns = S;
	example_add(snapshot, "x\033]0;title\007\nend", "/x")->own_user_ns = S;
	text = compose(&top, snapshot);
	has_str(text, "x?]0;title??end");
	ok(!strchr(text, '\033') && !strchr(text, '\007'));
}
