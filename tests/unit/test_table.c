// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <json-c/json.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/table.h"

static const struct table_column columns[] = {
	{.heading = "ID", .key = "id"},
	{.heading = "PID", .key = "pid", .align = TABLE_RIGHT},
	{.heading = "OCI", .key = "ociVersion", .json_only = true},
	{.heading = "STATUS", .key = "status"},
};

static char *print(const struct table *t)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	table_print(t, file, NULL);
	fclose(file);
	return text;
}

static struct table *example(void)
{
	struct table *t = table_new(columns, ARRAY_SIZE(columns));

	table_row(t);
	table_string(t, "web");
	table_u64(t, 7);
	table_string(t, "1.1.0");
	table_string(t, "running");
	table_row(t);
	table_string(t, "database");
	table_string(t, NULL);
	table_format(t, "%d.%d.0", 1, 0);
	table_string(t, "stopped");
	return t;
}

TEST(text_is_aligned)
{
	_cleanup_(cleanup_table) struct table *t = example();
	_cleanup_free_ char *text = print(t);

	is_uint(table_rows(t), 2);
	is_str(text, "ID        PID  STATUS\n"
		     "web         7  running\n"
		     "database       stopped\n");
}

TEST(no_rows_leave_the_headings)
{
	_cleanup_(cleanup_table) struct table *t = table_new(columns, ARRAY_SIZE(columns));
	_cleanup_free_ char *text = print(t);

	is_str(text, "ID  PID  STATUS\n");
}

TEST(json_has_keys_and_numbers_and_no_empty_cells)
{
	_cleanup_(cleanup_table) struct table *t = example();
	_cleanup_json_ struct json_object *array = NULL;

	must(table_json(t, &array, NULL) == 0);
	is_str(json_text(array, false),
	       "[{\"id\":\"web\",\"pid\":7,\"ociVersion\":\"1.1.0\",\"status\":\"running\"},"
	       "{\"id\":\"database\",\"ociVersion\":\"1.0.0\",\"status\":\"stopped\"}]");
}

TEST(many_rows_and_too_many_cells)
{
	_cleanup_(cleanup_table) struct table *t = table_new(columns, 1);
	_cleanup_json_ struct json_object *array = NULL;

	table_string(t, "before any row");
	for (uint64_t i = 0; i < 1000; i++) {
		table_row(t);
		table_u64(t, i);
		table_string(t, "no such column");
	}
	is_uint(table_rows(t), 1000);
	must(table_json(t, &array, NULL) == 0);
	is_str(json_object_to_json_string_ext(json_object_array_get_idx(array, 999), 0),
	       "{\"id\":999}");
}

TEST(no_memory_is_told_in_the_end)
{
	struct error err = {0};

	table_row(NULL);
	table_string(NULL, "x");
	ok(table_print(NULL, stdout, &err) < 0);
	has_str(err.text, "memory");
}

TEST(what_does_not_print_is_replaced)
{
	_cleanup_free_ char *escape = text_printable("a\033[31mb\nc");
	_cleanup_free_ char *bytes = NULL, *word = NULL;

	is_str(escape, "a?[31mb?c");
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip("no locale C.UTF-8");
	bytes = text_printable("x\xff\xc3");
	is_str(bytes, "x??");
	word = text_printable("h\xc3\xbclle");
	is_str(word, "h\xc3\xbclle");
	is_uint(text_width(word), 5);
	is_uint(text_width("\xe6\x97\xa5"), 2);
}

static void is_fit(const char *text, size_t width, const char *want)
{
	_cleanup_free_ char *got = text_fit(text, width);

	is_str(got, want);
}

TEST(text_is_cut_where_it_tells_least)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	is_fit("web", 3, "web");
	is_fit("0123456789abcdef", 6, "01234+");
	is_fit("system.slice/nginx.service", 14, "+nginx.service");
	is_fit("abc", 1, "+");
	is_fit("abc", 0, "");
	/* a wide character is not split */
	is_fit("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, "\xe6\x97\xa5+");
}
