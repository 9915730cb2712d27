/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A page of text with styles, not yet on any terminal: lines of spans. It is composed without knowing
 * where it goes, so that a terminal, a file and a test see the same.
 */
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

/* What a span is. A style is never the only thing that tells something. */
enum view_style {
	STYLE_PLAIN,
	STYLE_TITLE,
	STYLE_HEADING,
	STYLE_SORTED, /* heading of the column that is sorted by */
	STYLE_DIM,
	STYLE_SELECTED, /* the line that Enter opens, which the last line names too */
	STYLE_WARNING,
	STYLE_OWN, /* the four parts of a bar */
	STYLE_BEHALF,
	STYLE_UNATTRIBUTED,
	STYLE_IDLE,
	VIEW_STYLES,
};

struct view_span {
	size_t line; /* from 0 */
	enum view_style style;
	char *text; /* printable */
};

struct view_screen;

/* NULL when memory is out; all of these take that, and view_screen_check tells. */
struct view_screen *view_screen_new(void);
void view_screen_free(struct view_screen *screen);
void cleanup_view_screen(struct view_screen **screen);

/* Adds to the current line. */
void view_screen_put(struct view_screen *screen, enum view_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void view_screen_end_line(struct view_screen *screen);

/* Columns that the current line takes so far. */
size_t view_screen_column(const struct view_screen *screen);
/* Lines that are ended. */
size_t view_screen_lines(const struct view_screen *screen);

/* -ENOMEM when something is missing. */
int view_screen_check(const struct view_screen *screen, struct error *err);

const struct view_span *view_screen_spans(const struct view_screen *screen, size_t *n);

/* The text alone. */
void view_screen_print(const struct view_screen *screen, FILE *file);
