/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the ledger counts of the host, noted now and then for who plans (promises/marks.h). */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/lately.h"

struct ledger_host;
struct ledger_host_time;

struct host_marks {
	struct ledger_host *host; /* NULL: not open */
	uint64_t due_ns, reopen_ns;
};

/* Every few seconds; ON: a ledger is. */
void host_marks_round(struct host_marks *marks, bool on, uint64_t now_ns);
void host_marks_close(struct host_marks *marks);

/* As a mark. */
struct lately_mark host_marks_of(const struct ledger_host_time *time);
/* Reads the pinned ledger now, and notes it. -ENOENT: it is off. */
int host_marks_now(struct error *err);
