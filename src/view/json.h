/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "ledger/snapshot.h"

struct json_object;

/*
 * The snapshot as one object, the caller's to put. All times in nanoseconds; members by the field
 * table. ONLY, when not NULL, is the one account to put in; the sums are of all.
 *
 *	{"cpus", "at_ns", "wall_ns", "sum_ns", "idle_ns", "irq_time", "unattributed_ns": {class: ns},
 *	 "accounts": [{"id", "name", ...}], "counters": {name: count}}
 */
int view_json(const struct ledger_snapshot *snapshot, const struct ledger_account *only,
	      struct json_object **object, struct error *err);
