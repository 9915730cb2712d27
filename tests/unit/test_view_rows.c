// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "view/figure.h"
#include "view/rows.h"
#include "view_example.h"

#define _cleanup_snapshot_ _cleanup_(cleanup_ledger_snapshot)
#define _cleanup_rows_ _cleanup_(view_rows_free)

TEST(busy_accounts_by_charge_idle_ones_folded)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_rows_ struct view_rows rows = {0};
	struct view_choice choice;

	view_choice_default(&choice, VIEW_SECONDS);
	must(view_rows_make(snapshot, &choice, NULL, &rows, NULL) == 0);
	is_uint(rows.n_shown, 3);
	is_str(rows.shown[0]->name, "web");
	is_str(rows.shown[1]->name, "load");
	is_str(rows.shown[2]->name, "host");
	is_uint(rows.n_folded, 2);
	is_str(rows.folded_name, "2 idle accounts");
	is_uint(rows.folded.own_user_ns, 2 * MS);
}

/* What an engine calls a container is too long for a column; what people call one is left as it is. */
TEST(ids_of_engines_are_shown_as_engines_do)
{
	static const char id[] = "d13f37be221aeb6af45f4e24a4a9a8e455625bb9e6d54439482ffc9de3a5b1b1";
	_cleanup_free_ char *cut = view_name_text(id);
	_cleanup_free_ char *kept = view_name_text(id + 1);
	_cleanup_free_ char *word =
		view_name_text("the-word-of-64-letters-that-is-not-a-number-and-"
			       "is-kept-as-it-is");

	is_str(cut, "d13f37be221a");
	is_str(kept, id + 1);
	is_uint(strlen(word), 64);
}

TEST(the_host_is_never_folded)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	_cleanup_rows_ struct view_rows rows = {0};
	struct view_choice choice;

	snapshot->wall_ns = S;
	example_add(snapshot, "host", "/");
	view_choice_default(&choice, VIEW_SECONDS);
	must(view_rows_make(snapshot, &choice, NULL, &rows, NULL) == 0);
	is_uint(rows.n_shown, 1);
}

/* What a column shows adds up to its total, whatever is folded. */
TEST(columns_add_up)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	struct view_line footers[VIEW_FOOTERS_MAX];
	struct view_choice choice;

	view_choice_default(&choice, VIEW_SECONDS);
	for (int all = 0; all < 2; all++) {
		_cleanup_rows_ struct view_rows rows = {0};
		size_t n;

		choice.all = all;
		must(view_rows_make(snapshot, &choice, NULL, &rows, NULL) == 0);
		n = view_rows_footers(&rows, footers);
		is_uint(n, all ? 3 : 4);
		for (size_t f = 0; f < n_view_fields; f++) {
			const struct view_field *field = &view_fields[f];
			uint64_t sum_ns = 0;

			if (field->kind != VIEW_TIME)
				continue;
			for (size_t i = 0; i < rows.n_shown; i++)
				sum_ns += view_field_ns(field, rows.shown[i]);
			for (size_t i = 0; i + 1 < n; i++)
				sum_ns += view_field_ns(field, footers[i].account);
			is_uint(view_field_ns(field, footers[n - 1].account), sum_ns);
		}
		is_uint(ledger_account_charge_ns(footers[n - 1].account) + footers[n - 1].idle_ns,
			snapshot->sum_ns);
	}
}

TEST(order_is_by_any_field_and_can_be_turned_round)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	struct view_choice choice;

	view_choice_default(&choice, VIEW_SECONDS);
	choice.all = true;
	for (size_t f = 0; f < n_view_fields; f++) {
		for (int reverse = 0; reverse < 2; reverse++) {
			_cleanup_rows_ struct view_rows rows = {0};
			bool down;

			choice.sort = &view_fields[f];
			choice.reverse = reverse;
			down = (view_fields[f].kind == VIEW_TIME ||
				view_fields[f].kind == VIEW_COUNT) != reverse;
			must(view_rows_make(snapshot, &choice, NULL, &rows, NULL) == 0);
			is_uint(rows.n_shown, 5);
			for (size_t i = 1; i < rows.n_shown; i++) {
				int order = view_field_compare(choice.sort, rows.shown[i - 1],
							       rows.shown[i]);

				ok(down ? order >= 0 : order <= 0, "%s", choice.sort->heading);
			}
		}
	}
}

TEST(books_are_the_sum_of_their_parts)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	struct view_books books;

	view_books_make(snapshot, &books);
	is_uint(books.sum_ns, 20 * S);
	is_uint(books.due_ns, 20 * S);
	is_near(books.ratio, 1.0, 1e-12);
	is_uint(books.unattributed_ns, 12 * MS);
	is_uint(books.behalf_ns, 2665 * MS);
}

/* For any figures, the parts add up to the whole exactly, and none is off by one or more. */
TEST(shares_always_add_up)
{
	unsigned int parts[VIEW_PARTS];

	srandom(1);
	for (int i = 0; i < 20000; i++) {
		struct view_books books = {
			.own_ns = (uint64_t)random() >> (random() % 31),
			.behalf_ns = (uint64_t)random() >> (random() % 31),
			.unattributed_ns = (uint64_t)random() >> (random() % 31),
			.idle_ns = (uint64_t)random() >> (random() % 31),
		};
		unsigned int total = i % 2 ? 1000 : (unsigned int)(random() % 200);
		unsigned int sum = 0;

		books.sum_ns =
			books.own_ns + books.behalf_ns + books.unattributed_ns + books.idle_ns;
		view_books_split(&books, total, parts);
		for (size_t p = 0; p < VIEW_PARTS; p++)
			sum += parts[p];
		must(sum == total, "%u of %u", sum, total);
		must(!books.sum_ns ||
		     abs((int)parts[VIEW_OWN] -
			 (int)((double)books.own_ns / (double)books.sum_ns * total)) <= 1);
	}
}

TEST(nothing_yet_is_all_idle)
{
	struct view_books books = {0};
	unsigned int parts[VIEW_PARTS];

	view_books_split(&books, 1000, parts);
	is_uint(parts[VIEW_IDLE], 1000);
}

static void finds(const struct ledger_snapshot *snapshot, const char *pattern, const char *name)
{
	const struct ledger_account *found = NULL;
	struct error err = {0};

	note("'%s'", pattern);
	must(view_find_account(snapshot, pattern, &found, &err) == 0, "%s", err.text);
	is_str(found->name, name);
}

static void refuses(const struct ledger_snapshot *snapshot, const char *pattern, int code,
		    const char *sentence)
{
	const struct ledger_account *found = NULL;
	struct error err = {0};

	is_int(view_find_account(snapshot, pattern, &found, &err), -code);
	has_str(err.text, sentence);
	is_ptr(found, NULL);
}

TEST(a_whole_name_is_found_before_a_longer_one)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();

	example_add(snapshot, "web2", "/behalf/web2");
	finds(snapshot, "web", "web"); /* though web2 begins with it */
}

TEST(accounts_are_found_by_path_number_and_prefix)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();

	finds(snapshot, "/behalf/load", "load");
	finds(snapshot, "behalf/load", "load");
	finds(snapshot, "/", "host");
	finds(snapshot, "lo", "load");
	finds(snapshot, "102", "web");
	example_add(snapshot, "web", "/other/web");
	example_add(snapshot, "we", "/we");
	finds(snapshot, "we", "we");
	refuses(snapshot, "web", ENOTUNIQ, "2 accounts are named 'web'");
	refuses(snapshot, "wo", ENOENT, "there is no account 'wo'");
	refuses(snapshot, "", ENOENT, "no account");
	refuses(snapshot, "0", ENOENT, "no account");
}

#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGITS "0123456789012345678901234567890123456789012345678901234567890123"

TEST(accounts_are_found_by_the_id_of_their_container)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();

	example_add(snapshot, "shop", "/docker/" CONTAINER);
	example_add(snapshot, "shop/below", "/docker/" CONTAINER "/below");
	finds(snapshot, CONTAINER, "shop");
	example_add(snapshot, "box/libpod", "/docker/box/libpod-" CONTAINER);
	refuses(snapshot, CONTAINER, ENOTUNIQ, "2 accounts are named '" CONTAINER "'");
}

/* Wherever they are in the snapshot. */
TEST(a_path_and_a_number_are_found_before_the_id_of_a_container)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();

	example_add(snapshot, "by id", "/docker/" DIGITS);
	example_add(snapshot, "by path", "/" DIGITS);
	finds(snapshot, DIGITS, "by path");
	example_add(snapshot, DIGITS, "/other");
	finds(snapshot, DIGITS, DIGITS);
	example_add(snapshot, "id of 7", "/behalf/777");
	example_add(snapshot, "number 7", "/seven")->id = 777;
	finds(snapshot, "777", "number 7");
	example_add(snapshot, "path of 7", "/777");
	finds(snapshot, "777", "path of 7");
}

TEST(a_prefix_of_several_names_is_refused)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();

	example_add(snapshot, "web2", "/behalf/web2");
	refuses(snapshot, "we", ENOTUNIQ, "more than one account begins with 'we': web, web2");
}

TEST(a_difference_leaves_its_ends)
{
	_cleanup_snapshot_ struct ledger_snapshot *earlier = example_snapshot();
	_cleanup_snapshot_ struct ledger_snapshot *later = example_snapshot();
	_cleanup_snapshot_ struct ledger_snapshot *difference = NULL;

	later->wall_ns += 2 * S;
	later->accounts[1].own_user_ns += 500 * MS;
	example_balance(later);
	must(view_difference(later, earlier, &difference, NULL) == 0);
	is_uint(difference->wall_ns, 2 * S);
	is_uint(difference->accounts[1].own_user_ns, 500 * MS);
	is_str(difference->accounts[1].name, "web");
	is_str(difference->accounts[1].links[0], "bh-web");
	is_uint(difference->idle_ns, 3500 * MS);
	is_uint(later->wall_ns, 12 * S);
	is_uint(later->accounts[1].own_user_ns, 3500 * MS);
	is_uint(difference->n_counters, 2);
}

/* The ledger gives the total of an account that is removed to its parent. */
TEST(what_a_parent_inherits_is_no_difference)
{
	_cleanup_snapshot_ struct ledger_snapshot *earlier = example_snapshot();
	_cleanup_snapshot_ struct ledger_snapshot *later = example_snapshot();
	_cleanup_snapshot_ struct ledger_snapshot *difference = NULL;
	struct ledger_account *parent, *child, *grandchild;
	struct view_books books;

	example_add(earlier, "behalf", "/behalf")->own_user_ns = 10 * MS;
	example_add(earlier, "a", "/behalf/a")->own_user_ns = 300 * MS;
	example_add(earlier, "b", "/behalf/a/b")->behalf_ns[WIRE_WORK] = 500 * MS;
	parent = &earlier->accounts[5];
	child = &earlier->accounts[6];
	grandchild = &earlier->accounts[7];
	example_balance(earlier);
	later->wall_ns += 2 * S;
	example_add(later, "behalf", "/behalf")->own_user_ns =
		parent->own_user_ns + child->own_user_ns + 7 * MS;
	later->accounts[5].id = parent->id;
	later->accounts[5].behalf_ns[WIRE_WORK] = grandchild->behalf_ns[WIRE_WORK];
	example_balance(later);
	must(view_difference(later, earlier, &difference, NULL) == 0);
	is_uint(difference->accounts[5].own_user_ns, 7 * MS);
	is_uint(difference->accounts[5].behalf_ns[WIRE_WORK], 0);
	view_books_make(difference, &books);
	is_uint(books.sum_ns, difference->sum_ns);
	is_uint(books.sum_ns, 4 * S);
}

static void is_figure(uint64_t ns, uint64_t wall_ns, enum view_unit unit, const char *want)
{
	char text[VIEW_FIGURE_MAX];

	view_figure_time(text, ns, wall_ns, unit);
	is_str(text, want);
}

TEST(figures_have_decimals_that_tell)
{
	is_figure(0, S, VIEW_CPUS, "0");
	is_figure(1, S, VIEW_CPUS, "0.000");
	is_figure(S, 0, VIEW_CPUS, "0.000");
	is_figure(1140 * MS, S, VIEW_CPUS, "1.140");
	is_figure(12345 * MS, S, VIEW_CPUS, "12.35");
	is_figure(128 * S, S, VIEW_CPUS, "128.0");
	is_figure(114 * MS, S, VIEW_PERCENT, "11.4");
	is_figure(99 * S, S, VIEW_PERCENT, "9900");
	is_figure(123456 * MS, S, VIEW_SECONDS, "123.456");
}
