// SPDX-License-Identifier: GPL-2.0-or-later
#include "oci/reader.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define WAY_BYTES 512

/* ---- the way to a node, as text ---- */

struct way {
	char text[WAY_BYTES];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void way_append(struct way *way, const char *format,
							     ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(way->text + way->used, sizeof(way->text) - way->used, format, ap);
	va_end(ap);
	if (n > 0)
		way->used += (size_t)n;
	if (way->used >= sizeof(way->text))
		way->used = sizeof(way->text) - 1;
}

static bool is_plain_key(const char *key)
{
	if (!*key || strlen(key) > 64)
		return false;
	for (; *key; key++)
		if (!isalnum((unsigned char)*key) && *key != '_')
			return false;
	return true;
}

static void way_to(struct way *way, const struct oci_node *at)
{
	if (!at->parent)
		return;
	way_to(way, at->parent);
	if (!at->key)
		way_append(way, "[%zu]", at->index);
	else if (is_plain_key(at->key))
		way_append(way, "%s%s", way->used ? "." : "", at->key);
	else
		way_append(way, "['%s']", oci_quote(at->key).text);
}

struct oci_quoted oci_quote(const char *text)
{
	struct oci_quoted quoted;
	const size_t room = sizeof(quoted.text) - sizeof("\\x00...");
	size_t used = 0;

	for (; *text && used < room; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != 0x7f)
			quoted.text[used++] = (char)c;
		else
			used += (size_t)sprintf(quoted.text + used, "\\x%02x", c);
	}
	if (*text) {
		/* do not end within a UTF-8 sequence */
		while (used && ((unsigned char)quoted.text[used - 1] & 0xc0) == 0x80)
			used--;
		if (used && (unsigned char)quoted.text[used - 1] >= 0xc0)
			used--;
		memcpy(quoted.text + used, "...", 3);
		used += 3;
	}
	quoted.text[used] = '\0';
	return quoted;
}

static int fail_va(const struct oci_reader *r, const struct oci_node *at, const char *format,
		   va_list ap)
{
	struct way way = {.used = 0};
	char why[480];

	if (!r->err)
		return -EINVAL;
	way_to(&way, at);
	vsnprintf(why, sizeof(why), format, ap);
	if (way.used)
		return error_set(r->err, EINVAL, "%s: %s: %s", r->name, way.text, why);
	return error_set(r->err, EINVAL, "%s: %s", r->name, why);
}

int oci_fail(const struct oci_reader *r, const struct oci_node *at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fail_va(r, at, format, ap);
	va_end(ap);
	return -EINVAL;
}

int oci_fail_member(const struct oci_reader *r, const struct oci_node *at, const char *key,
		    const char *format, ...)
{
	const struct oci_node member = {.parent = at, .key = key};
	va_list ap;

	va_start(ap, format);
	fail_va(r, &member, format, ap);
	va_end(ap);
	return -EINVAL;
}

int oci_fail_element(const struct oci_reader *r, const struct oci_node *at, size_t index,
		     const char *format, ...)
{
	const struct oci_node element = {.parent = at, .index = index};
	va_list ap;

	va_start(ap, format);
	fail_va(r, &element, format, ap);
	va_end(ap);
	return -EINVAL;
}

int oci_warn(const struct oci_reader *r, const struct oci_node *at, const char *format, ...)
{
	struct oci_config *config = r->config;
	struct error sentence = {0};
	const struct oci_reader quiet = {.name = r->name, .err = &sentence};
	const char **grown;
	va_list ap;

	va_start(ap, format);
	fail_va(&quiet, at, format, ap);
	va_end(ap);
	/* Warnings are rare and few: a copy for each is cheaper than a capacity to keep. */
	grown = oci_config_allocate(config, config->n_warnings + 1, sizeof(*grown));
	if (!grown)
		return error_oom(r->err);
	if (config->n_warnings)
		memcpy(grown, config->warnings, config->n_warnings * sizeof(*grown));
	grown[config->n_warnings] = oci_config_strdup(config, sentence.text);
	if (!grown[config->n_warnings])
		return error_oom(r->err);
	config->warnings = grown;
	config->n_warnings++;
	return 0;
}

/* ---- types ---- */

static const char *type_found(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		return "null";
	case json_type_boolean:
		return "a boolean";
	case json_type_double:
	case json_type_int:
		return "a number";
	case json_type_object:
		return "an object";
	case json_type_array:
		return "an array";
	case json_type_string:
		return "a string";
	}
	return "something else";
}

static int expect(const struct oci_reader *r, const struct oci_node *at, enum json_type type,
		  const char *wanted)
{
	if (json_object_get_type(at->value) == type)
		return 0;
	return oci_fail(r, at, "expected %s, found %s", wanted, type_found(at->value));
}

int oci_read_string(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *text;
	int ret = expect(r, at, json_type_string, "a string");

	if (ret < 0)
		return ret;
	text = json_object_get_string(at->value);
	if (strlen(text) != (size_t)json_object_get_string_len(at->value))
		return oci_fail(r, at, "the string holds a NUL byte");
	*(const char **)into = text;
	return 0;
}

int oci_read_string_or_null(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *text;
	int ret = oci_read_string(r, at, &text);

	if (ret == 0)
		*(const char **)into = *text ? text : NULL;
	return ret;
}

int oci_read_absolute_path_or_null(const struct oci_reader *r, const struct oci_node *at,
				   void *into)
{
	const char *path;
	int ret = oci_read_string_or_null(r, at, &path);

	if (ret < 0)
		return ret;
	if (path && path[0] != '/')
		return oci_fail(r, at, "'%s' is not an absolute path", oci_quote(path).text);
	*(const char **)into = path;
	return 0;
}

int oci_read_absolute_path(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *path;
	int ret = oci_read_absolute_path_or_null(r, at, &path);

	if (ret < 0)
		return ret;
	if (!path)
		return oci_fail(r, at, "the path is empty");
	*(const char **)into = path;
	return 0;
}

static int read_string_vector(const struct oci_reader *r, const struct oci_node *at,
			      oci_read_fn *read, void *into)
{
	size_t n;
	char **v;
	int ret = expect(r, at, json_type_array, "an array of strings");

	if (ret < 0)
		return ret;
	n = json_object_array_length(at->value);
	if (n == 0) {
		*(char ***)into = NULL;
		return 0;
	}
	v = oci_config_allocate(r->config, n + 1, sizeof(*v));
	if (!v)
		return error_oom(r->err);
	for (size_t i = 0; i < n; i++) {
		const struct oci_node element = {
			.parent = at,
			.index = i,
			.value = json_object_array_get_idx(at->value, i),
		};

		ret = read(r, &element, &v[i]);
		if (ret < 0)
			return ret;
	}
	*(char ***)into = v;
	return 0;
}

int oci_read_strings(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return read_string_vector(r, at, oci_read_string, into);
}

int oci_read_absolute_paths(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return read_string_vector(r, at, oci_read_absolute_path, into);
}

int oci_read_bool(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	int ret = expect(r, at, json_type_boolean, "true or false");

	if (ret == 0)
		*(bool *)into = json_object_get_boolean(at->value);
	return ret;
}

static int expect_whole_number(const struct oci_reader *r, const struct oci_node *at)
{
	if (json_object_is_type(at->value, json_type_double))
		return oci_fail(r, at, "expected a whole number, found %s",
				oci_quote(json_object_get_string(at->value)).text);
	return expect(r, at, json_type_int, "a whole number");
}

/*
 * json-c keeps integers as int64 or uint64, and gives those of the one kind as the nearest of the
 * other; what lies beyond both is refused before (base/json.c).
 */
int oci_read_integer(const struct oci_reader *r, const struct oci_node *at, int64_t min,
		     int64_t max, int64_t *value)
{
	int64_t n;
	int ret = expect_whole_number(r, at);

	if (ret < 0)
		return ret;
	n = json_object_get_int64(at->value);
	if (n < min || n > max ||
	    (n == INT64_MAX && json_object_get_uint64(at->value) != (uint64_t)INT64_MAX))
		return oci_fail(r, at, "%s is out of range (%" PRId64 " to %" PRId64 ")",
				oci_quote(json_object_get_string(at->value)).text, min, max);
	*value = n;
	return 0;
}

int oci_read_unsigned(const struct oci_reader *r, const struct oci_node *at, uint64_t max,
		      uint64_t *value)
{
	uint64_t n;
	int ret = expect_whole_number(r, at);

	if (ret < 0)
		return ret;
	n = json_object_get_uint64(at->value);
	if (json_object_get_int64(at->value) < 0 || n > max)
		return oci_fail(r, at, "%s is out of range (0 to %" PRIu64 ")",
				oci_quote(json_object_get_string(at->value)).text, max);
	*value = n;
	return 0;
}

int oci_read_u64(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_unsigned(r, at, UINT64_MAX, into);
}

int oci_read_u32(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t n;
	int ret = oci_read_unsigned(r, at, UINT32_MAX, &n);

	if (ret == 0)
		*(uint32_t *)into = (uint32_t)n;
	return ret;
}

int oci_read_u16(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t n;
	int ret = oci_read_unsigned(r, at, UINT16_MAX, &n);

	if (ret == 0)
		*(uint16_t *)into = (uint16_t)n;
	return ret;
}

int oci_read_i64(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_integer(r, at, INT64_MIN, INT64_MAX, into);
}

int oci_read_refused(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	bool asks = true;

	(void)into;
	switch (json_object_get_type(at->value)) {
	case json_type_null:
		asks = false;
		break;
	case json_type_boolean:
		asks = json_object_get_boolean(at->value);
		break;
	case json_type_int:
		asks = json_object_get_int64(at->value) != 0;
		break;
	case json_type_string:
		asks = json_object_get_string_len(at->value) != 0;
		break;
	case json_type_array:
		asks = json_object_array_length(at->value) != 0;
		break;
	case json_type_object:
		asks = json_object_object_length(at->value) != 0;
		break;
	case json_type_double:
		break;
	}
	return asks ? oci_fail(r, at, "not supported by this build") : 0;
}

/* ---- objects and arrays ---- */

static const struct oci_field *find_field(const struct oci_field *fields, const char *key)
{
	for (; fields->key; fields++)
		if (strcmp(fields->key, key) == 0)
			return fields;
	return NULL;
}

int oci_read_object(const struct oci_reader *r, const struct oci_node *at,
		    const struct oci_field *fields, void *into)
{
	int ret = expect(r, at, json_type_object, "an object");

	if (ret < 0)
		return ret;
	json_object_object_foreach(at->value, key, value) {
		const struct oci_node member = {.parent = at, .key = key, .value = value};
		const struct oci_field *field = find_field(fields, key);

		if (!field || !value)
			continue;
		ret = field->read(r, &member, (char *)into + field->offset);
		if (ret < 0)
			return ret;
		if (field->has)
			*(bool *)((char *)into + field->has - 1) = true;
	}
	return 0;
}

int oci_read_array(const struct oci_reader *r, const struct oci_node *at, size_t size,
		   oci_read_fn *read, void *items, size_t *count)
{
	char *array;
	size_t n;
	int ret = expect(r, at, json_type_array, "an array");

	if (ret < 0)
		return ret;
	n = json_object_array_length(at->value);
	array = n ? oci_config_allocate(r->config, n, size) : NULL;
	if (n && !array)
		return error_oom(r->err);
	for (size_t i = 0; i < n; i++) {
		const struct oci_node element = {
			.parent = at,
			.index = i,
			.value = json_object_array_get_idx(at->value, i),
		};

		ret = read(r, &element, array + i * size);
		if (ret < 0)
			return ret;
	}
	*(void **)items = array;
	*count = n;
	return 0;
}

int oci_read_pairs(const struct oci_reader *r, const struct oci_node *at, oci_read_fn *validate,
		   struct oci_pair **pairs, size_t *count)
{
	struct oci_pair *array;
	size_t n = 0;
	int ret = expect(r, at, json_type_object, "an object of strings");

	if (ret < 0)
		return ret;
	array = oci_config_allocate(r->config, (size_t)json_object_object_length(at->value) + 1,
				    sizeof(*array));
	if (!array)
		return error_oom(r->err);
	json_object_object_foreach(at->value, key, value) {
		const struct oci_node member = {.parent = at, .key = key, .value = value};

		ret = oci_read_string(r, &member, &array[n].value);
		if (ret < 0)
			return ret;
		array[n].key = key;
		ret = validate ? validate(r, &member, &array[n]) : 0;
		if (ret < 0)
			return ret;
		n++;
	}
	*pairs = n ? array : NULL;
	*count = n;
	return 0;
}
