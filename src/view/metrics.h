/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The books as counters for a monitoring system, in a text of bounded size. */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "ledger/snapshot.h"

#define VIEW_METRICS_ACCOUNTS 200

struct view_metrics_choice {
	bool openmetrics;     /* OpenMetrics 1.0; else the text format 0.0.4 of Prometheus */
	size_t max_accounts;  /* with series of their own; the rest is "other" */
	const char *previous; /* the page before this one, in either format; NULL: none */
};

/*
 * Makes the page of SNAPSHOT (since the ledger was switched on, not a difference); NULL when the ledger
 * is off. *PAGE is the caller's to free.
 */
int view_metrics(const struct ledger_snapshot *snapshot, const struct view_metrics_choice *choice,
		 char **page, struct error *err);
