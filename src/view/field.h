/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The one table of fields. What an account's figure is called, how it is computed, what it means and
 * how wide it is stands here once; the text, the JSON, the terminal, sorting and help are made from
 * it, so that a figure means the same in every view.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/snapshot.h"

enum view_kind {
	VIEW_TEXT,   /* a string of the account */
	VIEW_LIST,   /* strings of the account */
	VIEW_NUMBER, /* a number that is no time */
	VIEW_TIME,   /* CPU time in nanoseconds */
	VIEW_COUNT,  /* how often: a number that is added up */
};

/* What a time is shown in. */
enum view_unit {
	VIEW_SECONDS, /* CPU-seconds over the time that is looked at */
	VIEW_CPUS,    /* CPUs: 1.000 is one CPU busy all the time */
	VIEW_PERCENT, /* percent of one CPU */
	VIEW_UNITS,
};

struct view_field {
	const char *heading; /* of the column; also its name for --columns and --sort */
	const char *json;    /* path of its member in JSON; NULL: derived, not in JSON */
	const char *help;    /* what it is, or its formula; at most 62 characters */
	enum view_kind kind;
	char key;	     /* sorts by it in top; 0: none */
	unsigned char width; /* of the column in the terminal */
	unsigned char rank;  /* the highest leaves a narrow terminal first; 0: not shown unasked */
	bool only_of_accounts; /* unattributed time has no such figure */
	bool only_in_top;      /* of the columns that are shown unasked */
	bool only_if_any;      /* a column that is shown unasked where somebody has such a text */
	uint32_t classes;      /* VIEW_TIME: on-behalf-of time of these classes, by bit; or */
	uint64_t (*time_ns)(const struct ledger_account *account); /* this */
	size_t offset; /* of the member of struct ledger_account, but for VIEW_TIME */
};

extern const struct view_field view_fields[];
extern const size_t n_view_fields;

/* Whether values are numbers, which stand at the right, the largest first. */
bool view_field_is_figure(const struct view_field *field);

/* Fields that other code names. */
const struct view_field *view_field_name(void);
const struct view_field *view_field_charge(void);
const struct view_field *view_field_reserve(void);

/* The field of a heading, in any case; NULL when there is none. */
const struct view_field *view_field_find(const char *heading);

/* The field that KEY sorts by in top; NULL when there is none. */
const struct view_field *view_field_of_key(int key);

/* The values; the field must be of the kind. */
uint64_t view_field_ns(const struct view_field *field, const struct ledger_account *account);
uint64_t view_field_number(const struct view_field *field, const struct ledger_account *account);
const char *view_field_text(const struct view_field *field, const struct ledger_account *account);
char **view_field_list(const struct view_field *field, const struct ledger_account *account);

/* Whether there is something to show of it: a text or a list may be empty. */
bool view_field_has(const struct view_field *field, const struct ledger_account *account);

/* Below 0, 0, above 0 as A's figure is less than, equal to or more than B's. */
int view_field_compare(const struct view_field *field, const struct ledger_account *a,
		       const struct ledger_account *b);

#define VIEW_COLUMNS_MAX 24

/* The columns of a view, in order. */
struct view_columns {
	const struct view_field *fields[VIEW_COLUMNS_MAX];
	size_t n;
	bool asked_for; /* by name */
};

/* Takes out those that are shown only if somebody has such a text, and in SNAPSHOT nobody has; not if asked for. */
void view_columns_drop_empty(struct view_columns *columns, const struct ledger_snapshot *snapshot);

/* The columns shown unasked, in a listing and in top. */
void view_columns_default(struct view_columns *columns);
void view_columns_top(struct view_columns *columns);

/* LIST is headings with commas between them. -EINVAL with a sentence that names the wrong one. */
int view_columns_parse(const char *list, struct view_columns *columns, struct error *err);
