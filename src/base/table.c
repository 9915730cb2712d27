// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/table.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "base/cleanup.h"

enum cell_kind { CELL_EMPTY, CELL_STRING, CELL_U64 };

struct cell {
	enum cell_kind kind;
	uint64_t number;
	char *text;  /* as it was given; of a number, its digits */
	char *shown; /* printable */
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct cell *cells; /* n_rows x n_columns */
	size_t n_rows;
	size_t n_rows_max;
	size_t next; /* column of the next cell */
	bool out_of_memory;
};

struct table *table_new(const struct table_column *columns, size_t n_columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->n_columns = n_columns;
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_rows * table->n_columns; i++) {
		free(table->cells[i].text);
		free(table->cells[i].shown);
	}
	free(table->cells);
	free(table);
}

void cleanup_table(struct table **table)
{
	table_free(*table);
}

void table_row(struct table *table)
{
	if (!table || table->out_of_memory)
		return;
	if (table->n_rows == table->n_rows_max) {
		size_t n = table->n_rows_max ? 2 * table->n_rows_max : 16;
		struct cell *grown =
			reallocarray(table->cells, n, table->n_columns * sizeof(*grown));

		if (!grown) {
			table->out_of_memory = true;
			return;
		}
		table->cells = grown;
		table->n_rows_max = n;
	}
	memset(table->cells + table->n_rows * table->n_columns, 0,
	       table->n_columns * sizeof(*table->cells));
	table->n_rows++;
	table->next = 0;
}

/* Takes TEXT over. */
static void put_cell(struct table *table, enum cell_kind kind, uint64_t number, char *text)
{
	struct cell *cell;

	if (!table || table->out_of_memory || !text || table->n_rows == 0 ||
	    table->next == table->n_columns) {
		if (table && !text)
			table->out_of_memory = true;
		free(text);
		return;
	}
	cell = &table->cells[(table->n_rows - 1) * table->n_columns + table->next++];
	cell->kind = kind;
	cell->number = number;
	cell->text = text;
	cell->shown = text_printable(text);
	if (!cell->shown)
		table->out_of_memory = true;
}

void table_string(struct table *table, const char *value)
{
	if (value)
		put_cell(table, CELL_STRING, 0, strdup(value));
	else if (table && !table->out_of_memory && table->next < table->n_columns)
		table->next++;
}

void table_u64(struct table *table, uint64_t value)
{
	char *text = NULL;

	if (asprintf(&text, "%" PRIu64, value) < 0)
		text = NULL;
	put_cell(table, CELL_U64, value, text);
}

void table_format(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	put_cell(table, CELL_STRING, 0, text);
}

size_t table_rows(const struct table *table)
{
	return table ? table->n_rows : 0;
}

static void print_cell(FILE *file, const struct table_column *column, const char *text,
		       size_t width, bool first, bool last)
{
	size_t used = text_width(text);
	int pad = used < width ? (int)(width - used) : 0;

	if (!first)
		fputs("  ", file);
	if (column->align == TABLE_RIGHT)
		fprintf(file, "%*s%s", pad, "", text);
	else if (last)
		fputs(text, file);
	else
		fprintf(file, "%s%*s", text, pad, "");
}

/* ROW is the number of a row, or -1 for the headings. */
static const char *cell_shown(const struct table *table, ssize_t row, size_t column)
{
	const char *text;

	if (row < 0)
		return table->columns[column].heading;
	text = table->cells[(size_t)row * table->n_columns + column].shown;
	return text ? text : "";
}

int table_print(const struct table *table, FILE *file, struct error *err)
{
	_cleanup_free_ size_t *widths = NULL;
	size_t first = SIZE_MAX, last = 0;

	if (!table || table->out_of_memory)
		return error_oom(err);
	widths = calloc(table->n_columns, sizeof(*widths));
	if (!widths)
		return error_oom(err);
	for (size_t c = 0; c < table->n_columns; c++) {
		if (table->columns[c].json_only)
			continue;
		first = first == SIZE_MAX ? c : first;
		last = c;
		for (ssize_t r = -1; r < (ssize_t)table->n_rows; r++) {
			size_t width = text_width(cell_shown(table, r, c));

			widths[c] = width > widths[c] ? width : widths[c];
		}
	}
	for (ssize_t r = -1; r < (ssize_t)table->n_rows; r++) {
		for (size_t c = 0; c < table->n_columns; c++) {
			if (!table->columns[c].json_only)
				print_cell(file, &table->columns[c], cell_shown(table, r, c),
					   widths[c], c == first, c == last);
		}
		fputc('\n', file);
	}
	if (ferror(file))
		return error_set(err, EIO, "the listing could not be written");
	return 0;
}

static struct json_object *json_of_cell(const struct cell *cell)
{
	if (cell->kind == CELL_U64)
		return json_object_new_uint64(cell->number);
	return json_object_new_string(cell->text);
}

int table_json(const struct table *table, struct json_object **array, struct error *err)
{
	struct json_object *rows;

	if (!table || table->out_of_memory)
		return error_oom(err);
	rows = json_object_new_array();
	for (size_t r = 0; r < table->n_rows; r++) {
		struct json_object *row = json_object_new_object();

		for (size_t c = 0; c < table->n_columns; c++) {
			const struct cell *cell = &table->cells[r * table->n_columns + c];

			if (table->columns[c].key && cell->kind != CELL_EMPTY)
				json_object_object_add(row, table->columns[c].key,
						       json_of_cell(cell));
		}
		json_object_array_add(rows, row);
	}
	*array = rows;
	return 0;
}

/* The character at TEXT; *LENGTH is its bytes. What is no character is L'\0' of one byte. */
static wchar_t next_character(const char *text, size_t *length)
{
	mbstate_t state = {0};
	wchar_t character;
	size_t n = mbrtowc(&character, text, strlen(text), &state);

	if (n == 0 || n == (size_t)-1 || n == (size_t)-2) {
		*length = 1;
		return L'\0';
	}
	*length = n;
	return character;
}

char *text_printable(const char *text)
{
	char *copy = malloc(strlen(text) + 1), *to = copy;
	size_t length;

	if (!copy)
		return NULL;
	for (; *text; text += length) {
		wchar_t character = next_character(text, &length);

		if (character && iswprint((wint_t)character) && wcwidth(character) >= 0)
			to = mempcpy(to, text, length);
		else
			*to++ = '?';
	}
	*to = '\0';
	return copy;
}

size_t text_width(const char *text)
{
	size_t width = 0, length;

	for (; *text; text += length) {
		int columns = wcwidth(next_character(text, &length));

		width += columns > 0 ? (size_t)columns : 0;
	}
	return width;
}

char *text_fit(const char *text, size_t width)
{
	size_t total = text_width(text), used = 0, length;
	const char *at = text;
	char *fitting;

	if (total <= width)
		return strdup(text);
	if (width == 0)
		return strdup("");
	if (strchr(text, '/')) {
		while (total > width - 1) {
			int columns = wcwidth(next_character(at, &length));

			total -= columns > 0 ? (size_t)columns : 0;
			at += length;
		}
		return asprintf(&fitting, "+%s", at) < 0 ? NULL : fitting;
	}
	for (; *at; at += length) {
		int columns = wcwidth(next_character(at, &length));

		if (used + (columns > 0 ? (size_t)columns : 0) > width - 1)
			break;
		used += columns > 0 ? (size_t)columns : 0;
	}
	return asprintf(&fitting, "%.*s+", (int)(at - text), text) < 0 ? NULL : fitting;
}
