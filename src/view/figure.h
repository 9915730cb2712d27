/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One figure as people read it. */
#include <stddef.h>
#include <stdint.h>

#include "view/field.h"

/* Room for any figure. */
#define VIEW_FIGURE_MAX 32

/* "CPU-seconds", "CPUs", "percent of one CPU" */
const char *view_unit_name(enum view_unit unit);

/*
 * NS of CPU time, spent within WALL_NS, as a number in UNIT. Exactly nothing is "0"; a little is
 * "0.000". CPUs and percents lose decimals as they grow, so that they stay narrow; seconds do not, since
 * they are added up.
 */
void view_figure_time(char text[static VIEW_FIGURE_MAX], uint64_t ns, uint64_t wall_ns,
		      enum view_unit unit);

/* CPU-seconds for sentences: as many decimals as tell something ("123.4", "2.05", "0.012"). */
void view_figure_seconds(char text[static VIEW_FIGURE_MAX], uint64_t ns);

/*
 * What ACCOUNT has in FIELD, which is no time, as printable text. The caller's to free; NULL when
 * memory is out.
 */
char *view_figure_text(const struct view_field *field, const struct ledger_account *account);

/*
 * NAME of an account as printable text. The id that an engine has given, 64 hexadecimal digits, is cut to the 12
 * that engines show, by which `stat` and `terms` find it too. The caller's to free; NULL when memory is out.
 */
char *view_name_text(const char *name);
