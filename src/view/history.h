/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What accounts were charged in the last samples, for a line of marks. */
#include "ledger/snapshot.h"

#define VIEW_HISTORY_SAMPLES 8

struct view_history;

struct view_history *view_history_new(void);
void view_history_free(struct view_history *history);

/* Adds a sample, a difference; accounts that are not in it are forgotten. */
void view_history_add(struct view_history *history, const struct ledger_snapshot *sample);

/*
 * The last samples of the account of ID, the newest at the right, as high as a CPU is busy: blocks in a
 * locale of UTF-8, else " .:-=+*#". The caller's to free; NULL when memory is out.
 */
char *view_history_marks(const struct view_history *history, uint64_t id);
