// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What stat and top print of a snapshot made by hand, held to the files beside this one (page.h).
 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include "../../unit/view_example.h"
#include "../page.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "view/json.h"
#include "view/statement.h"
#include "view/text.h"
#include "view/history.h"
#include "view/top.h"

static struct view_choice choice_of(enum view_unit unit)
{
	struct view_choice choice;

	view_choice_default(&choice, unit);
	return choice;
}

TEST(listing)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_choice choice = choice_of(VIEW_SECONDS);
	struct page page;

	must(view_text_listing(page_open(&page), snapshot, &choice, NULL) == 0);
	page_is(&page, "listing.txt");
}

TEST(listing_of_chosen_columns)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_choice choice = choice_of(VIEW_PERCENT);
	struct page page;

	choice.all = true;
	choice.reverse = true;
	choice.sort = view_field_find("imposed");
	must(view_columns_parse("id,cgroup,links,netns,name,user,kernel,imposed,net_rx",
				&choice.columns, NULL) == 0);
	must(view_text_listing(page_open(&page), snapshot, &choice, NULL) == 0);
	page_is(&page, "listing-columns.txt");
}

TEST(account)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_choice choice = choice_of(VIEW_SECONDS);
	struct page page;

	must(view_text_account(page_open(&page), snapshot, &snapshot->accounts[1], &choice, NULL) ==
	     0);
	page_is(&page, "account.txt");
}

TEST(statement)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct page page;

	must(view_statement(page_open(&page), snapshot, NULL, NULL) == 0);
	page_is(&page, "statement.txt");
}

TEST(statement_of_books_that_do_not_balance)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct page page;

	snapshot->idle_ns -= S;
	snapshot->accounts[2].kernel_says_ns = 0;
	must(view_statement(page_open(&page), snapshot, &snapshot->accounts[2], NULL) == 0);
	page_is(&page, "statement-unbalanced.txt");
}

TEST(json)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_json_ struct json_object *object = NULL;
	struct page page;

	must(view_json(snapshot, NULL, &object, NULL) == 0);
	fprintf(page_open(&page), "%s\n", json_text(object, true));
	page_is(&page, "stat.json");
}

static void top_is(struct view_top *top, const char *name)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_(cleanup_view_screen) struct view_screen *screen = NULL;
	struct page page;

	must(view_top_compose(top, snapshot, &screen, NULL) == 0);
	view_screen_print(screen, page_open(&page));
	page_is(&page, name);
}

TEST(top_of_80x24)
{
	struct view_top top = {.delay_ns = 2 * S, .width = 80, .height = 24, .time = "12:00:00"};
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	struct view_history *history = view_history_new();

	view_history_add(history, snapshot);
	top.history = history;
	top.choice = choice_of(VIEW_CPUS);
	view_columns_top(&top.choice.columns);
	top_is(&top, "top-80x24.txt");
	view_history_free(history);
}

TEST(top_in_batches)
{
	struct view_top top = {.delay_ns = 2 * S, .time = "12:00:00"};

	top.choice = choice_of(VIEW_CPUS);
	view_columns_top(&top.choice.columns);
	top_is(&top, "top-batch.txt");
}

TEST(help_of_top)
{
	struct view_top top = {.help = true, .width = 80, .height = 24};

	top.choice = choice_of(VIEW_CPUS);
	top_is(&top, "top-help.txt");
}
