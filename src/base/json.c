// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/fd.h"

#define JSON_DEPTH_MAX 64

static void cleanup_tokener(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

static unsigned int line_of(const char *text, size_t offset)
{
	unsigned int line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

/* Of a whole number that json-c would take as the nearest one of 64 bits: its length. Else 0. */
static size_t too_large(const char *text, size_t size)
{
	bool negative = text[0] == '-';
	const char *bound = negative ? "9223372036854775808" : "18446744073709551615";
	const size_t longest = strlen(bound);
	size_t i = negative, zeroes, digits;

	for (zeroes = 0; i < size && text[i] == '0'; i++)
		zeroes++;
	for (digits = 0; i + digits < size && text[i + digits] >= '0' && text[i + digits] <= '9';)
		digits++;
	if (i + digits < size && memchr(".eE", text[i + digits], 3))
		return 0; /* a fraction, which may be inexact */
	if (digits < longest || (digits == longest && memcmp(text + i, bound, longest) <= 0))
		return 0;
	return negative + zeroes + digits;
}

/* Of the string whose opening quote is at I, the closing one; SIZE when there is none. */
static size_t end_of_string(const char *text, size_t size, size_t i)
{
	for (i++; i < size && text[i] != '"'; i++)
		i += text[i] == '\\';
	return i;
}

/* Behind the number that begins at I, as far as its characters go. */
static size_t end_of_number(const char *text, size_t size, size_t i)
{
	while (i < size && memchr("0123456789.eE+-", text[i], 15))
		i++;
	return i;
}

/*
 * What json-c takes even when it is strict, and we do not: strings in single quotes, NaN and Infinity,
 * which RFC 8259 has not (outside of strings these letters begin nothing else), and numbers that it would
 * make others of.
 */
static int check_text(const char *name, const char *text, size_t size, struct error *err)
{
	for (size_t i = 0; i < size; i++) {
		char c = text[i];
		size_t length;

		if (c == '"') {
			i = end_of_string(text, size, i);
		} else if (c == '\'' || c == 'N' || c == 'I') {
			return error_set(err, EINVAL, "%s: line %u: unexpected character '%c'",
					 name, line_of(text, i), c);
		} else if (c == '-' || (c >= '0' && c <= '9')) {
			length = too_large(text + i, size - i);
			if (length)
				return error_set(
					err, ERANGE,
					"%s: line %u: the number %.*s%s does not fit in 64 "
					"bits",
					name, line_of(text, i), (int)(length > 40 ? 40 : length),
					text + i, length > 40 ? "..." : "");
			i = end_of_number(text, size, i) - 1;
		}
	}
	return 0;
}

int json_parse(const char *name, const char *text, size_t size, struct json_object **value,
	       struct error *err)
{
	_cleanup_(cleanup_tokener) struct json_tokener *tokener =
		json_tokener_new_ex(JSON_DEPTH_MAX);
	struct json_object *parsed;
	enum json_tokener_error why;
	int r;

	if (!tokener)
		return error_oom(err);
	if (size > INT_MAX - 1)
		return error_set(err, EFBIG, "%s: too large", name);
	r = check_text(name, text, size, err);
	if (r < 0)
		return r;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* The NUL is passed too: json-c ends a bare number only at a byte behind it. */
	parsed = json_tokener_parse_ex(tokener, text, (int)size + 1);
	why = json_tokener_get_error(tokener);
	if (why == json_tokener_success && json_tokener_get_parse_end(tokener) < size)
		why = json_tokener_error_parse_unexpected;
	if (why == json_tokener_continue)
		return error_set(err, EINVAL, "%s: line %u: the JSON text ends too early", name,
				 line_of(text, size));
	if (why != json_tokener_success) {
		size_t at = json_tokener_get_parse_end(tokener);

		json_object_put(parsed);
		return error_set(err, EINVAL, "%s: line %u: %s", name,
				 line_of(text, at < size ? at : size),
				 json_tokener_error_desc(why));
	}
	*value = parsed;
	return 0;
}

int json_parse_file_at(int dirfd, const char *path, size_t limit_bytes, struct json_object **value,
		       struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read_at(dirfd, path, limit_bytes, &text, &size, err);

	if (r < 0)
		return r;
	return json_parse(path, text, size, value, err);
}

void json_add_string(struct json_object *object, const char *key, const char *value)
{
	if (value)
		json_object_object_add(object, key, json_object_new_string(value));
}

void json_add_u64(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

void json_add_i64(struct json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

void json_add_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

void json_add_double(struct json_object *object, const char *key, double value)
{
	json_object_object_add(object, key, json_object_new_double(value));
}

struct json_object *json_add_object(struct json_object *object, const char *key)
{
	struct json_object *added = json_object_new_object();

	json_object_object_add(object, key, added);
	return added;
}

struct json_object *json_add_array(struct json_object *object, const char *key)
{
	struct json_object *added = json_object_new_array();

	json_object_object_add(object, key, added);
	return added;
}

const char *json_text(struct json_object *value, bool pretty)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	flags |= pretty ? JSON_C_TO_STRING_PRETTY : JSON_C_TO_STRING_PLAIN;
	return json_object_to_json_string_ext(value, flags);
}
