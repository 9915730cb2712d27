// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/strings.h"

TEST(sizes)
{
	static const struct {
		const char *text;
		int result;
		uint64_t bytes;
	} cases[] = {
		{"0", 0, 0},
		{"4096", 0, 4096},
		{"4k", 0, 4096},
		{"4K", 0, 4096},
		{"4kb", 0, 4096},
		{"4KiB", 0, 4096},
		{"256M", 0, 256u << 20},
		{"2g", 0, 2ull << 30},
		{"1t", 0, 1ull << 40},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"16777216t", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"k", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1kk", -EINVAL, 0},
		{"1x", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t bytes = 77;

		note("size '%s'", cases[i].text);
		is_int(string_to_bytes(cases[i].text, &bytes), cases[i].result);
		is_uint(bytes, cases[i].result == 0 ? cases[i].bytes : 77);
	}
}

TEST(numbers)
{
	uint64_t u = 77;
	int64_t i = 77;

	is_int(string_to_u64("18446744073709551615", 10, &u), 0);
	is_uint(u, UINT64_MAX);
	is_int(string_to_u64("0x1f", 0, &u), 0);
	is_uint(u, 31);
	is_int(string_to_u64("-1", 10, &u), -EINVAL);
	is_int(string_to_u64("18446744073709551616", 10, &u), -ERANGE);
	is_int(string_to_u64("", 10, &u), -EINVAL);
	is_int(string_to_u64("1x", 10, &u), -EINVAL);
	is_uint(u, 31);
	is_int(string_to_i64("-9223372036854775808", 10, &i), 0);
	is_int(i, INT64_MIN);
	is_int(string_to_i64("9223372036854775808", 10, &i), -ERANGE);
	is_int(i, INT64_MIN);
}

TEST(vectors_own_their_strings)
{
	_cleanup_strv_ char **v = NULL;
	char text[] = "a";

	is_uint(strv_length(v), 0);
	must(strv_append(&v, text) == 0);
	text[0] = 'b';
	must(strv_append(&v, text) == 0);
	is_uint(strv_length(v), 2);
	is_str(v[0], "a");
	is_str(v[1], "b");
	is_ptr(v[2], NULL);
}

TEST(beginnings_and_ends)
{
	ok(string_starts_with("cgroup.procs", "cgroup."));
	ok(!string_starts_with("cg", "cgroup"));
	ok(string_ends_with("cgroup.procs", ".procs"));
	ok(!string_ends_with("procs", "cgroup.procs"));
	ok(string_ends_with("a", ""));
}

TEST(characters_are_well_formed_or_none)
{
	is_uint(utf8_length("a"), 1);
	is_uint(utf8_length("\xc3\xa4"), 2);
	is_uint(utf8_length("\xe2\x82\xac"), 3);
	is_uint(utf8_length("\xf4\x8f\xbf\xbf"), 4);
	is_uint(utf8_length("\xe2\x82"), 0);	     /* ends too early */
	is_uint(utf8_length("\x82"), 0);	     /* begins in the middle */
	is_uint(utf8_length("\xc0\x80"), 0);	     /* too long a form */
	is_uint(utf8_length("\xe0\x9f\xbf"), 0);     /* too long a form */
	is_uint(utf8_length("\xed\xa0\x80"), 0);     /* a surrogate */
	is_uint(utf8_length("\xf4\x90\x80\x80"), 0); /* beyond the last */
}

TEST(errors_keep_one_sentence)
{
	struct error err = {0};

	is_int(error_errno(&err, ENOENT, "open '%s'", "/x"), -ENOENT);
	is_str(err.text, "open '/x': No such file or directory");
	is_int(error_prefix(&err, "container '%s'", "c"), -ENOENT);
	is_str(err.text, "container 'c': open '/x': No such file or directory");
	is_int(error_set(&err, -EPERM, "no"), -EPERM);
	is_str(err.text, "no");
	is_int(error_set(&err, 0, "no code"), -EINVAL);
	is_int(error_set(NULL, EIO, "nobody listens"), -EIO);
}

TEST(errors_are_cut_not_overrun)
{
	struct error err = {0};
	_cleanup_free_ char *name = string_format("%02000d", 1);

	must(name);
	is_int(error_set(&err, EIO, "%s", name), -EIO);
	ok(strnlen(err.text, sizeof(err.text)) < sizeof(err.text));
	is_int(error_prefix(&err, "%s", name), -EIO);
	ok(strnlen(err.text, sizeof(err.text)) < sizeof(err.text));
}
