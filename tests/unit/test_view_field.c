// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "view/field.h"
#include "view/top.h"
#include "view_example.h"

TEST(every_class_has_its_field)
{
	for (unsigned int class = 0; class < WIRE_CLASSES; class ++) {
		const char *name = ledger_class_name((enum wire_class) class);
		size_t found = 0;

		for (size_t i = 0; i < n_view_fields; i++) {
			const struct view_field *field = &view_fields[i];

			if (!field->json || field->classes != 1u << class)
				continue;
			found++;
			has_str(field->json, "behalf_ns.");
			is_str(strchr(field->json, '.') + 1, name);
		}
		is_uint(found, 1);
	}
}

TEST(the_parts_of_behalf_are_all_of_it)
{
	static const char *const parts[] = {"NET", "BLK", "WORK", "REST"};
	uint32_t seen = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const struct view_field *field = view_field_find(parts[i]);

		must(field != NULL);
		is_uint(seen & field->classes, 0);
		seen |= field->classes;
	}
	is_uint(seen, (1u << WIRE_CLASSES) - 1);
}

TEST(names_and_keys_are_used_once)
{
	for (size_t i = 0; i < n_view_fields; i++) {
		ok(strlen(view_fields[i].help) <= 62, "%s", view_fields[i].heading);
		for (size_t j = i + 1; j < n_view_fields; j++) {
			const struct view_field *a = &view_fields[i], *b = &view_fields[j];

			ok(strcasecmp(a->heading, b->heading) != 0, "%s", a->heading);
			ok(!a->key || a->key != b->key, "%s and %s", a->heading, b->heading);
			ok(!a->json || !b->json || strcmp(a->json, b->json) != 0);
			ok(!a->rank || a->rank != b->rank, "%s and %s", a->heading, b->heading);
		}
	}
}

TEST(the_key_of_a_field_sorts_by_it_and_does_nothing_else)
{
	for (size_t i = 0; i < n_view_fields; i++) {
		struct view_top top = {.delay_ns = S}, before;

		if (!view_fields[i].key)
			continue;
		view_choice_default(&top.choice, VIEW_CPUS);
		before = top;
		ok(view_top_key(&top, view_fields[i].key));
		is_ptr(top.choice.sort, &view_fields[i]);
		before.choice.sort = top.choice.sort;
		is_mem(&top, &before, sizeof(top));
	}
}

TEST(charge_is_own_and_behalf)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();

	for (size_t i = 0; i < snapshot->n_accounts; i++) {
		const struct ledger_account *a = &snapshot->accounts[i];

		is_uint(view_field_ns(view_field_find("charge"), a),
			view_field_ns(view_field_find("own"), a) +
				view_field_ns(view_field_find("behalf"), a));
		is_uint(view_field_ns(view_field_find("own"), a),
			view_field_ns(view_field_find("user"), a) +
				view_field_ns(view_field_find("kernel"), a));
	}
}

TEST(columns_are_parsed)
{
	struct view_columns columns;
	struct error err = {0};

	must(view_columns_parse("name,Net_Rx,CHARGE", &columns, &err) == 0);
	is_uint(columns.n, 3);
	is_str(columns.fields[1]->heading, "NET_RX");
	ok(view_columns_parse("name,,charge", &columns, &err) < 0);
	ok(view_columns_parse("", &columns, &err) < 0);
	ok(view_columns_parse("name,profit", &columns, &err) < 0);
	is_str(err.text, "there is no column 'profit'");
	/* a list that is refused changes nothing */
	is_uint(columns.n, 3);
	ok(view_columns_parse(
		   "id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,"
		   "id,id",
		   &columns, &err) < 0);
	has_str(err.text, "more than");
}

TEST(terms_are_shown_where_somebody_has_some)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *copy = NULL;
	struct view_columns columns;
	size_t all;

	view_columns_default(&columns);
	all = columns.n;
	view_columns_drop_empty(&columns, snapshot);
	is_uint(columns.n, all - 1);
	snapshot->accounts[1].terms = strdup("kept 12s");
	strv_append(&snapshot->accounts[1].promises, "cpu.limit 0.500: got 0.493, kept for 12 s");
	/* a copy has its own of both */
	copy = ledger_snapshot_copy(snapshot);
	must(copy);
	is_str(copy->accounts[1].promises[0], snapshot->accounts[1].promises[0]);
	ok(copy->accounts[1].terms != snapshot->accounts[1].terms);
	view_columns_default(&columns);
	view_columns_drop_empty(&columns, copy);
	is_uint(columns.n, all);
	/* and in any case if they are asked for */
	must(view_columns_parse("name,terms", &columns, NULL) == 0);
	free(snapshot->accounts[1].terms);
	snapshot->accounts[1].terms = NULL;
	view_columns_drop_empty(&columns, snapshot);
	is_uint(columns.n, 2);
}
