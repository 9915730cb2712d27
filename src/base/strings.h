/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* asprintf that returns the string or NULL when memory is out. */
char *string_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* FNV-1a: also of texts that are alike for long, as paths are. */
uint64_t string_hash(const char *text);

bool string_starts_with(const char *text, const char *prefix);
bool string_ends_with(const char *text, const char *suffix);

/* A NULL-terminated vector of strings that owns them. */
size_t strv_length(char *const *v);
/* Appends a copy of TEXT; *V may be NULL at first. Returns 0 or -ENOMEM. */
int strv_append(char ***v, const char *text);
bool strv_has(char *const *v, const char *text);
void strv_free(char **v);
void cleanup_strv(char ***v);
#define _cleanup_strv_ _cleanup_(cleanup_strv)

/* The decimal (or 0x, 0 octal with BASE 0) number that is all of TEXT. -EINVAL or -ERANGE. */
int string_to_u64(const char *text, int base, uint64_t *value);
int string_to_i64(const char *text, int base, int64_t *value);

/*
 * A size as people write it: bytes, or with a suffix k, m, g, t (KiB, MiB, ... : powers of 1024,
 * upper or lower case, an optional "b" or "ib" after it). -EINVAL or -ERANGE.
 */
int string_to_bytes(const char *text, uint64_t *bytes);

/*
 * Bytes of the well-formed UTF-8 character that TEXT, which ends with a zero byte, begins with (RFC 3629);
 * 0 when it begins with none. A zero byte is a character of one.
 */
size_t utf8_length(const char *text);
