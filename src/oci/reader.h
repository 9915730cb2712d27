/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Typed reading of JSON that knows where it is.
 *
 * A node is one value and the way to it: its parent node, and the key or index under it. Nodes live
 * on the stack of the functions that descend, so knowing the way costs nothing; the text of it
 * ("linux.namespaces[2].type") is made only when a sentence needs it.
 *
 * An object is read by a table of struct oci_field: key, reader, and where in the C struct the value
 * goes. Members the table does not name are skipped (the specification's extensibility); a null is
 * read as an absent member, as every engine written in Go expects.
 *
 * Readers return 0 or a negative errno with the sentence set. Strings point into the parsed JSON;
 * arrays are allocated from the configuration.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "oci/config.h"

struct oci_reader {
	const char *name; /* begins every sentence */
	struct oci_config *config;
	struct error *err;
};

struct oci_node {
	const struct oci_node *parent; /* NULL: the root */
	const char *key;	       /* NULL: an element of an array, or the root */
	size_t index;
	struct json_object *value;
};

typedef int oci_read_fn(const struct oci_reader *r, const struct oci_node *at, void *into);

struct oci_field {
	const char *key;
	oci_read_fn *read;
	size_t offset; /* in the struct that is read into */
	size_t has;    /* 1 + offset of a bool to set when the member is there; 0: none */
};

#define OCI_FIELD(key, read, type, member)                                                         \
	{                                                                                          \
		key, read, offsetof(struct type, member), 0                                        \
	}
#define OCI_FIELD_HAS(key, read, type, member, has_member)                                         \
	{                                                                                          \
		key, read, offsetof(struct type, member), 1 + offsetof(struct type, has_member)    \
	}
/* READ gets the whole struct. */
#define OCI_FIELD_SELF(key, read)                                                                  \
	{                                                                                          \
		key, read, 0, 0                                                                    \
	}
/* Known to the specification, not honoured by this build. */
#define OCI_FIELD_REFUSED(key)                                                                     \
	{                                                                                          \
		key, oci_read_refused, 0, 0                                                        \
	}

/* "NAME: way.to[2].it: FORMAT". Returns -EINVAL. */
int oci_fail(const struct oci_reader *r, const struct oci_node *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* As oci_fail, of the member KEY of the object AT. */
int oci_fail_member(const struct oci_reader *r, const struct oci_node *at, const char *key,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* As oci_fail, of the element INDEX of the array AT. */
int oci_fail_element(const struct oci_reader *r, const struct oci_node *at, size_t index,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Adds such a sentence to the configuration's warnings. Returns 0 or -ENOMEM. */
int oci_warn(const struct oci_reader *r, const struct oci_node *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A string from outside, made fit for a sentence: one line, printable, of bounded length. */
struct oci_quoted {
	char text[128];
};
struct oci_quoted oci_quote(const char *text);

/*
 * Reads the members of AT that FIELDS (ended by a NULL key) names into the struct INTO. A value of
 * any other type than an object is an error.
 */
int oci_read_object(const struct oci_reader *r, const struct oci_node *at,
		    const struct oci_field *fields, void *into);

/*
 * Reads each element of the array AT with READ into a new array of structs of SIZE bytes. A pointer
 * to it goes to *(void **)ITEMS, its length to *COUNT.
 */
int oci_read_array(const struct oci_reader *r, const struct oci_node *at, size_t size,
		   oci_read_fn *read, void *items, size_t *count);

/* Into const char *; a string that holds a NUL byte is an error. */
oci_read_fn oci_read_string;
/* As oci_read_string; an empty string is read as NULL. */
oci_read_fn oci_read_string_or_null;
/* Into const char *: must begin with a slash; an empty string is an error or read as NULL. */
oci_read_fn oci_read_absolute_path;
oci_read_fn oci_read_absolute_path_or_null;
/* Into char **: NULL-terminated; NULL when the array is empty. */
oci_read_fn oci_read_strings;
/* Into char **, each beginning with a slash. */
oci_read_fn oci_read_absolute_paths;
oci_read_fn oci_read_bool;
oci_read_fn oci_read_u64;
oci_read_fn oci_read_u32;
oci_read_fn oci_read_u16;
oci_read_fn oci_read_i64;
/* Accepts what means "nothing asked": false, 0, "", [] and {}; refuses the rest. */
oci_read_fn oci_read_refused;

/* A whole number between MIN and MAX. */
int oci_read_integer(const struct oci_reader *r, const struct oci_node *at, int64_t min,
		     int64_t max, int64_t *value);
int oci_read_unsigned(const struct oci_reader *r, const struct oci_node *at, uint64_t max,
		      uint64_t *value);

/*
 * An object of strings as an array of pairs in the order of the file. VALIDATE (may be NULL) is
 * called with each member and the pair's address.
 */
int oci_read_pairs(const struct oci_reader *r, const struct oci_node *at, oci_read_fn *validate,
		   struct oci_pair **pairs, size_t *count);
