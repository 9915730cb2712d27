// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

static void refuses(const char *text, size_t size, const char *sentence)
{
	struct json_object *value = (struct json_object *)&value;
	struct error err = {0};

	note("text: %.60s", text);
	must(json_parse("config.json", text, size, &value, &err) < 0);
	ok(value == (struct json_object *)&value, "the out-parameter was touched");
	has_str(err.text, "config.json");
	has_str(err.text, sentence);
}

TEST(malformed_texts_are_refused_with_their_line)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"", "line 1"},
		{"   ", "line 1"},
		{"{", "line 1"},
		{"{\"a\": 1,\n\"b\": ", "line 2"},
		{"{\"a\": 1,}", "line 1"},
		{"[1, 2", "line 1"},
		{"{a: 1}", "line 1"},
		{"{} {}", "line 1"},
		{"{}\n\nx", "line 3"},
		{"/* c */ {}", "line 1"},
		{"{\"a\": 01}", "line 1"},
		{"\"\xff\xfe\"", "line 1"},
		{"\"unended", "line 1"},
		{"{'a': 1}", "line 1"},
		{"[1,\nNaN]", "line 2"},
		{"[-Infinity]", "line 1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refuses(cases[i].text, strlen(cases[i].text), cases[i].sentence);
}

TEST(a_byte_of_zero_inside_is_refused)
{
	refuses("{}\0{}", 5, "line 1");
}

TEST(depth_is_bounded)
{
	char text[200];

	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	refuses(text, sizeof(text), "line 1");
}

TEST(integers_keep_64_bits)
{
	_cleanup_json_ struct json_object *value = NULL;
	static const char text[] = "[18446744073709551615, -9223372036854775808]";
	struct error err = {0};

	must(json_parse("n", text, strlen(text), &value, &err) == 0, "%s", err.text);
	is_uint(json_object_get_uint64(json_object_array_get_idx(value, 0)), UINT64_MAX);
	is_int(json_object_get_int64(json_object_array_get_idx(value, 1)), INT64_MIN);
}

TEST(integers_beyond_64_bits_are_refused)
{
	static const char *const taken[] = {
		"[18446744073709551615]",
		"-9223372036854775808",
		"000",
		"\"99999999999999999999\"",
		"99999999999999999999.5",
		"1e30",
		"-0",
		"{\"a\":\"\\\"\",\"b\":1}",
		"1.99999999999999999999",
	};
	static const char *const refused[] = {
		"18446744073709551616",
		"[0, -9223372036854775809]",
		"{\"a\": 99999999999999999999999}",
		"{\"a\\\"1\": 99999999999999999999}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		_cleanup_json_ struct json_object *value = NULL;
		struct error err = {0};

		json_parse("n", taken[i], strlen(taken[i]), &value, &err);
		ok(!strstr(err.text, "64 bits"), "%s: %s", taken[i], err.text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		refuses(refused[i], strlen(refused[i]), "does not fit in 64 bits");
}

TEST(every_kind_of_value_can_stand_alone)
{
	static const char *const texts[] = {"1",     "-1.5e3", "true",	 "null",
					    "\"a\"", "[]",     " {} \n", "\"it's \\\" NaN \\\\\""};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_json_ struct json_object *value = NULL;
		struct error err = {0};

		ok(json_parse("n", texts[i], strlen(texts[i]), &value, &err) == 0, "%s: %s",
		   texts[i], err.text);
	}
}

TEST(what_is_written_reads_back)
{
	_cleanup_json_ struct json_object *out = json_object_new_object(), *in = NULL;
	struct json_object *member = NULL;
	struct error err = {0};
	const char *text;

	json_add_string(out, "path", "/a/\"b\"");
	json_add_string(out, "absent", NULL);
	json_add_u64(out, "big", UINT64_MAX);
	json_object_array_add(json_add_array(out, "list"), json_object_new_int(1));
	text = json_text(out, false);
	is_str(text, "{\"path\":\"/a/\\\"b\\\"\",\"big\":18446744073709551615,\"list\":[1]}");
	must(json_parse("n", text, strlen(text), &in, &err) == 0, "%s", err.text);
	must(json_object_object_get_ex(in, "path", &member));
	is_str(json_object_get_string(member), "/a/\"b\"");
}
