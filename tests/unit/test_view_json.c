// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <string.h>

#include "base/json.h"
#include "view/json.h"
#include "view_example.h"

static uint64_t u64_of(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	ok(json_object_object_get_ex(object, key, &value), "%s", key);
	ok(json_object_is_type(value, json_type_int), "%s", key);
	return json_object_get_uint64(value);
}

static struct json_object *member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	ok(json_object_object_get_ex(object, key, &value), "%s", key);
	return value;
}

TEST(members_are_as_promised)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_json_ struct json_object *o = NULL;
	struct json_object *web;
	uint64_t sum_ns = 0;

	must(view_json(snapshot, NULL, &o, NULL) == 0);
	is_uint(u64_of(o, "cpus"), 2);
	is_uint(u64_of(o, "wall_ns"), 10 * S);
	is_uint(u64_of(o, "sum_ns"), 20 * S);
	is_uint(json_object_array_length(member(o, "accounts")), 5);
	web = json_object_array_get_idx(member(o, "accounts"), 1);
	is_str(json_object_get_string(member(web, "name")), "web");
	is_str(json_object_get_string(member(web, "cgroup")), "/behalf/web");
	is_uint(u64_of(web, "id"), 102);
	is_uint(u64_of(web, "netns"), 4026532567);
	is_str(json_object_to_json_string_ext(member(web, "links"), 0), "[\"bh-web\"]");
	is_uint(u64_of(member(web, "own_ns"), "user"), 3 * S);
	is_uint(u64_of(member(web, "own_ns"), "kernel"), 1100 * MS);
	is_uint(u64_of(web, "imposed_ns"), 200 * MS);
	is_uint(u64_of(web, "charge_ns"), 6300 * MS);
	is_uint(u64_of(web, "kernel_says_ns"), 4300 * MS);
	for (unsigned int i = 0; i < WIRE_CLASSES; i++) {
		const char *name = ledger_class_name((enum wire_class)i);

		is_uint(u64_of(member(web, "behalf_ns"), name), snapshot->accounts[1].behalf_ns[i]);
		sum_ns += u64_of(member(o, "unattributed_ns"), name);
	}
	is_int(json_object_object_length(member(web, "behalf_ns")), WIRE_CLASSES);
	for (size_t i = 0; i < 5; i++)
		sum_ns += u64_of(json_object_array_get_idx(member(o, "accounts"), i), "charge_ns");
	is_uint(sum_ns + u64_of(o, "idle_ns"), 20 * S);
	is_uint(u64_of(member(o, "counters"), "rule_netns"), 12345);
}

TEST(one_account_and_the_sums_of_all)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_json_ struct json_object *o = NULL;

	must(view_json(snapshot, &snapshot->accounts[2], &o, NULL) == 0);
	is_uint(json_object_array_length(member(o, "accounts")), 1);
	is_uint(u64_of(o, "sum_ns"), 20 * S);
}

TEST(names_that_are_no_utf8_stay_json)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot =
		calloc(1, sizeof(*snapshot));
	_cleanup_json_ struct json_object *o = NULL, *again = NULL;
	static const struct {
		const char *name, *want;
	} cases[] = {
		{"a\xff", "a\xef\xbf\xbd"},
		{"\xc3\xbc", "\xc3\xbc"},
		{"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
		{"\xf0\x9f", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"q\"\\\n\x1b", "q\"\\\n\x1b"},
	};
	const char *text;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		example_add(snapshot, cases[i].name, "/x");
	must(view_json(snapshot, NULL, &o, NULL) == 0);
	text = json_text(o, false);
	must(json_parse("again", text, strlen(text), &again, NULL) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *account =
			json_object_array_get_idx(member(again, "accounts"), i);

		is_str(json_object_get_string(member(account, "name")), cases[i].want);
	}
}
