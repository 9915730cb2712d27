// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that stand for numbers, and lists of numbers such as "0-3,7" (cpuset(7), "List format"). */
#include <stdlib.h>
#include <string.h>

#include "oci/parse.h"

static const struct oci_name *find_name(const struct oci_name *names, const char *name)
{
	for (; names->name; names++)
		if (strcmp(names->name, name) == 0)
			return names;
	return NULL;
}

int oci_read_name(const struct oci_reader *r, const struct oci_node *at,
		  const struct oci_name *names, const char *what, uint32_t *value)
{
	const struct oci_name *found;
	const char *name;
	int ret = oci_read_string(r, at, &name);

	if (ret < 0)
		return ret;
	found = find_name(names, name);
	if (!found)
		return oci_fail(r, at, "unknown %s '%s'", what, oci_quote(name).text);
	*value = found->value;
	return 0;
}

int oci_read_name_set(const struct oci_reader *r, const struct oci_node *at,
		      const struct oci_name *names, const char *what, uint32_t *bits)
{
	uint32_t set = 0;
	char **v;
	int ret = oci_read_strings(r, at, &v);

	if (ret < 0)
		return ret;
	for (size_t i = 0; v && v[i]; i++) {
		const struct oci_name *found = find_name(names, v[i]);

		if (!found)
			return oci_fail_element(r, at, i, "unknown %s '%s'", what,
						oci_quote(v[i]).text);
		set |= found->value;
	}
	*bits = set;
	return 0;
}

/* A number below MAX at *TEXT, which is moved behind it. */
static bool take_number(const char **text, unsigned long max, unsigned long *number)
{
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || digits > 9)
		return false;
	*number = strtoul(*text, NULL, 10);
	*text += digits;
	return *number < max;
}

static bool fill(uint64_t *words, const char *text, unsigned long max)
{
	do {
		unsigned long first, last;

		if (!take_number(&text, max, &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!take_number(&text, max, &last) || last < first)
				return false;
		}
		for (unsigned long n = first; n <= last; n++)
			words[n / 64] |= UINT64_C(1) << n % 64;
	} while (*text == ',' && text++);
	return !*text || strcmp(text, "\n") == 0;
}

int oci_read_number_set(const struct oci_reader *r, const struct oci_node *at, unsigned int max,
			struct oci_number_set *set)
{
	const char *text;
	uint64_t *words;
	int ret = oci_read_string_or_null(r, at, &text);

	if (ret < 0 || !text)
		return ret;
	words = oci_config_allocate(r->config, max / 64, sizeof(*words));
	if (!words)
		return error_oom(r->err);
	if (!fill(words, text, max))
		return oci_fail(r, at, "'%s' is not a list such as 0-3,7 of numbers below %u",
				oci_quote(text).text, max);
	*set = (struct oci_number_set){.words = words, .bits = max};
	return 0;
}
