/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the running keeper says of terms, for views that are not its own. */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Counters and gauges of kept terms in OpenMetrics or the text format of Prometheus, without an end mark; ""
 * when no keeper runs. The caller's to free, NULL when memory is out.
 */
char *keeper_metrics(void);

/*
 * Looks every INTERVAL_NS whether the terms of workspace NAME (NULL: of all) are kept, and tells changes on
 * standard output, in sentences or as lines of JSON. Returns 1 as soon as one is broken, or a negative errno:
 * -ENOENT when no keeper runs.
 */
int keeper_watch(const char *name, uint64_t interval_ns, bool json, struct error *err);
