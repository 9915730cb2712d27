// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "base/table.h"
#include "view/field.h"
#include "view/history.h"
#include "view/top.h"
#include "view_example.h"

static struct view_top top_of(size_t width, size_t height)
{
	struct view_top top = {
		.delay_ns = 2 * S, .width = width, .height = height, .time = "12:00:00"};

	view_choice_default(&top.choice, VIEW_CPUS);
	view_columns_top(&top.choice.columns);
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
		has_str(text, "IMPOSED");
		text_of_many = compose(&top, many);
		fits(text_of_many, 80, 24);
		has_str(text_of_many, " idle acc");
		has_str(text_of_many, "total");
	}
}

/* Whole in each terminal, in as many words as fit: the last share is not cut off. */
TEST(the_shares_fit_a_small_terminal)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();

	for (size_t width = 34; width < 90; width++) {
		struct view_top top = top_of(width, 10);
		_cleanup_free_ char *text = compose(&top, snapshot);
		const char *shares = strstr(text, "\n# ");

		must(shares);
		shares++;
		ok(strcspn(shares, "\n") <= width, "%zu columns: %.*s", width,
		   (int)strcspn(shares, "\n"), shares);
		ok(strncmp(shares, "# own 47.8%  +", 14) == 0 ||
		   strncmp(shares, "# 47.8%  +", 10) == 0);
		ok((strstr(text, "unattributed 0.1%") != NULL) == (width >= 63), "%zu", width);
		ok((strstr(text, "%  = 100.0%\n") != NULL) == (width >= 73), "%zu", width);
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
		ok((strstr(text, " KERNEL-SAYS") != NULL) == (width >= 82), "%zu", width);
		ok((strstr(text, " REST") != NULL) == (width >= 89), "%zu", width);
	}
}

TEST(all_columns_and_the_trend_fit_80)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_history *history = view_history_new();
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *text = NULL;

	view_history_add(history, snapshot);
	top.history = history;
	text = compose(&top, snapshot);
	fits(text, 80, 24);
	has_str(text,
		"\nNAME              RESERVE CHARGE   OWN BEHALF IMPOSED   NET   BLK  WORK TREND");
	has_str(text,
		"\nweb                 0.500  0.630 0.410  0.220   0.020 0.205 0.003 0.012        *\n");
	has_str(text, "\nload                    -  0.530");
	view_history_free(history);
}

TEST(an_account_shows_its_evidence)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *list = NULL, *text = NULL;

	snapshot->n_parts = 3;
	snapshot->accounts[1].parts = calloc(3, sizeof(struct ledger_part));
	snapshot->accounts[1].parts[0].evidence.rx_packets = 1999999;
	snapshot->accounts[1].parts[1].evidence.rx_packets = 1;
	list = compose(&top, snapshot);
	view_top_key(&top, '\n');
	text = compose(&top, snapshot);
	fits(text, 80, 24);
	has_str(text, "\npackets received      1999999        1  2000000  1.00 us each\n");
	has_str(text, "\nblock requests              0        0     4096  4.88 us each\n");
	ok(!strstr(text, "packets sent later"));
}

/* By its state, not by a word in somebody's name. */
TEST(a_promise_that_is_broken_is_seen)
{
	static const char *const promises[] = {
		"cpu.reserve 0.500: got 0.498, kept for 3 s by not broken for 1 s",
		"cpu.limit 0.300: got 0.400, broken for 2 s by is kept",
	};
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_(cleanup_view_screen) struct view_screen *screen = NULL;
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *list = compose(&top, snapshot);
	const struct view_span *spans;
	size_t n, seen = 0;

	for (size_t i = 0; i < 2; i++)
		must(strv_append(&snapshot->accounts[1].promises, promises[i]) == 0);
	view_top_key(&top, '\n');
	must(view_top_compose(&top, snapshot, &screen, NULL) == 0);
	spans = view_screen_spans(screen, &n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < 2; k++) {
			if (strcmp(spans[i].text, promises[k]) != 0)
				continue;
			is_int(spans[i].style, k ? STYLE_WARNING : STYLE_PLAIN);
			seen++;
		}
	}
	is_uint(seen, 2);
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
	is_str(top.choice.sort->heading, "CHARGE");
	view_top_key(&top, '<');
	is_str(top.choice.sort->heading, "RESERVE");
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

static void type(struct view_top *top, const char *text)
{
	for (; *text; text++)
		view_top_key(top, (unsigned char)*text);
}

TEST(a_filter_is_typed_and_the_rest_is_summed_up)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *typing = NULL, *text = NULL, *again = NULL;

	type(&top, "/WEx");
	view_top_key(&top, VIEW_KEY_BACKSPACE);
	typing = compose(&top, snapshot);
	has_str(typing, "filter: WE_");
	view_top_key(&top, '\n');
	ok(!top.typing && top.shown == VIEW_PAGE_LIST);
	text = compose(&top, snapshot);
	fits(text, 80, 24);
	is_uint(lines_with(text, "web "), 1);
	is_uint(lines_with(text, "load "), 0);
	has_str(text, "\n4 other accounts");
	has_str(text, "with 'WE'");
	view_top_key(&top, VIEW_KEY_ESCAPE);
	again = compose(&top, snapshot);
	is_uint(lines_with(again, "load "), 1);
}

TEST(a_tree_has_cgroups_below_their_parents)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *text = NULL, *list = NULL;
	const char *first, *second;

	example_add(snapshot, "behalf-x", "/behalf-x")->own_user_ns = S;
	example_add(snapshot, "inner", "/behalf/web/inner")->own_user_ns = 9 * S;
	view_top_key(&top, 't');
	text = compose(&top, snapshot);
	fits(text, 80, 24);
	first = strstr(text, "\n  web ");
	second = strstr(text, "\n    inner ");
	must(first && second);
	ok(first < second && second < strstr(text, "\n  behalf-x "));
	ok(strstr(text, "\nhost ") < first);
	has_str(text, "\ntree of cgroups, every ");
	view_top_key(&top, 'b');
	list = compose(&top, snapshot);
	has_str(list, "\nsorted by BEHALF, every ");
	has_str(list, "\nweb ");
}

TEST(a_path_in_a_tree_says_what_is_new_and_is_cut_where_it_stands)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *text = NULL;

	example_add(snapshot, "system.slice", "/system.slice")->own_user_ns = S;
	example_add(snapshot, "system.slice/cron", "/system.slice/cron")->own_user_ns = S;
	example_add(snapshot, "system.slice/of-a-rather-long-name/below",
		    "/system.slice/of-a-rather-long-name/below")
		->own_user_ns = S;
	view_top_key(&top, 't');
	text = compose(&top, snapshot);
	fits(text, 80, 24);
	has_str(text, "\n  system.slice ");
	has_str(text, "\n    cron ");
	has_str(text, "\n    +");
	has_str(text, "-name/below ");
}

TEST(enter_opens_the_account_at_hand_and_leads_back)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *list = NULL, *text = NULL, *gone = NULL;

	snapshot->n_parts = 3;
	snapshot->accounts[2].parts = calloc(3, sizeof(struct ledger_part));
	snapshot->accounts[2].parts[1].behalf_ns[WIRE_NET_RX] = 300 * MS;
	view_top_key(&top, VIEW_KEY_DOWN);
	list = compose(&top, snapshot);
	has_str(list, "Enter: load");
	view_top_key(&top, '\n');
	text = compose(&top, snapshot);
	fits(text, 80, 24);
	is_uint(lines_with(text, "load  /behalf/load"), 1);
	has_str(text, "\nnet_rx                      0    0.030    0.040\n");
	has_str(text, "\nrule_netns                12345");
	/* those beside it, and there is an end */
	for (int i = 0; i < 3; i++) {
		view_top_key(&top, VIEW_KEY_UP);
		free(text);
		text = compose(&top, snapshot);
		is_uint(lines_with(text, "web  /behalf/web"), 1);
	}
	view_top_key(&top, VIEW_KEY_DOWN);
	free(text);
	text = compose(&top, snapshot);
	is_uint(lines_with(text, "load  /behalf/load"), 1);
	/* it is gone: the list again */
	snapshot->accounts[2].id = 999;
	gone = compose(&top, snapshot);
	has_str(gone, "NAME ");
	is_int(top.shown, VIEW_PAGE_LIST);
}

TEST(the_cursor_follows_its_account)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *first = NULL, *second = NULL;

	view_top_key(&top, VIEW_KEY_DOWN);
	first = compose(&top, snapshot);
	has_str(first, "Enter: load");
	snapshot->accounts[2].own_user_ns += 5 * S;
	second = compose(&top, snapshot);
	has_str(second, "Enter: load");
	is_uint(top.at, 0);
}

TEST(cpus_add_up_to_charges)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_top top = top_of(80, 24);
	_cleanup_free_ char *text = NULL, *narrow = NULL;

	snapshot->n_parts = 3;
	snapshot->accounts[1].parts = calloc(3, sizeof(struct ledger_part));
	snapshot->accounts[1].parts[0].own_ns = 4 * S;
	snapshot->accounts[1].parts[1].behalf_ns[WIRE_NET_RX] = 2300 * MS;
	view_top_key(&top, 'C');
	text = compose(&top, snapshot);
	fits(text, 80, 24);
	has_str(text, "CPU0     CPU1     total");
	has_str(text, "\nweb                     0.400    0.230    0.630\n");
	has_str(text, "\nunattributed");
	top.width = 40;
	narrow = compose(&top, snapshot);
	has_str(narrow, "Further CPUs do not fit");
	view_top_key(&top, 'C');
	is_int(top.shown, VIEW_PAGE_LIST);
}

TEST(trend_shows_the_last_samples)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_history *history = view_history_new();
	_cleanup_free_ char *marks = NULL, *nobody = NULL, *narrow = NULL, *wide = NULL;
	struct view_top top = top_of(80, 24);

	view_history_add(history, snapshot);
	snapshot->accounts[1].own_user_ns = 20 * S;
	view_history_add(history, snapshot);
	marks = view_history_marks(history, snapshot->accounts[1].id);
	is_str(marks, "      *#");
	nobody = view_history_marks(history, 4711);
	is_str(nobody, "");
	top.history = history;
	top.width = 60;
	narrow = compose(&top, snapshot);
	ok(!strstr(narrow, "TREND"));
	view_top_key(&top, 'T');
	wide = compose(&top, snapshot);
	fits(wide, 80, 24);
	has_str(wide, " TREND");
	has_str(wide, "      *#\n");
	view_history_free(history);
}
