/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * JSON in and out, over json-c. Values are json-c's `struct json_object`, used with its own
 * accessors; what is here is what json-c lacks: limits, sentences that name file and key.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

static inline void cleanup_json(struct json_object **o)
{
	if (*o)
		json_object_put(*o);
}
#define _cleanup_json_ _cleanup_(cleanup_json)

/*
 * Parses TEXT of SIZE bytes strictly (RFC 8259, UTF-8, no trailing bytes, depth at most 64).
 * NAME is for the sentence: "config.json: line 3: unexpected character". *VALUE is the caller's
 * to put.
 */
int json_parse(const char *name, const char *text, size_t size, struct json_object **value,
	       struct error *err);

/* Reads and parses the file PATH, at most LIMIT_BYTES. */
int json_parse_file_at(int dirfd, const char *path, size_t limit_bytes, struct json_object **value,
		       struct error *err);

/* Members for output; a NULL string is left out. OBJECT owns what is added. */
void json_add_string(struct json_object *object, const char *key, const char *value);
void json_add_u64(struct json_object *object, const char *key, uint64_t value);
void json_add_i64(struct json_object *object, const char *key, int64_t value);
void json_add_bool(struct json_object *object, const char *key, bool value);
void json_add_double(struct json_object *object, const char *key, double value);
/* Adds a new empty object or array and returns it (owned by OBJECT). */
struct json_object *json_add_object(struct json_object *object, const char *key);
struct json_object *json_add_array(struct json_object *object, const char *key);

/* The value as text, owned by VALUE; PRETTY with two-space indentation. */
const char *json_text(struct json_object *value, bool pretty);
