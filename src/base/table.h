/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A listing: columns named once, rows filled cell by cell, printed as aligned text or given as a
 * JSON array of objects.
 *
 *	static const struct table_column columns[] = {
 *		{.heading = "ID", .key = "id"},
 *		{.heading = "PID", .key = "pid", .align = TABLE_RIGHT},
 *	};
 *	_cleanup_(cleanup_table) struct table *t = table_new(columns, ARRAY_SIZE(columns));
 *
 *	table_row(t);
 *	table_string(t, state->id);
 *	table_u64(t, state->pid);
 *	return table_print(t, stdout, &err);
 *
 * Cells are filled from left to right; those that are not filled are empty. Being out of memory
 * while filling (table_new's NULL included) is remembered and told by table_print and table_json,
 * so that a caller checks once.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
	const char *heading; /* of the text */
	const char *key;     /* of the JSON member; NULL: in the text only */
	enum table_align align;
	bool json_only; /* no column in the text */
};

struct table;
struct json_object;

/* COLUMNS must outlive the table. NULL when memory is out. */
struct table *table_new(const struct table_column *columns, size_t n_columns);
void table_free(struct table *table);
void cleanup_table(struct table **table);

/* Starts the next row. */
void table_row(struct table *table);

/* The next cell of the row. A NULL string is an empty cell, and left out of the JSON object. */
void table_string(struct table *table, const char *value);
void table_u64(struct table *table, uint64_t value);
/* Text of its own; a string in JSON. */
void table_format(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

size_t table_rows(const struct table *table);

/* Headings and rows, columns two spaces apart, nothing behind the last. -ENOMEM, or -EIO of FILE. */
int table_print(const struct table *table, FILE *file, struct error *err);

/* An array of one object per row, the caller's to put. */
int table_json(const struct table *table, struct json_object **array, struct error *err);

/*
 * Text that came from outside, fit for a terminal: a copy of TEXT in which whatever does not print in
 * the locale of the process (control characters, escape sequences, bytes that are no character) is
 * '?'. The caller's to free; NULL when memory is out.
 */
char *text_printable(const char *text);

/* How many columns of a terminal TEXT (printable) takes. */
size_t text_width(const char *text);

/*
 * A copy of TEXT (printable) that takes at most WIDTH columns. What is cut is marked by a '+': at the
 * end, or, of a path, at the front, since the end of a path tells more. The caller's to free.
 */
char *text_fit(const char *text, size_t width);
