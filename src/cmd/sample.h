/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ledger/snapshot.h"
#include "view/record.h"

/*
 * Where samples come from, from here on: RECORDING, which must outlive them, in place of the ledger.
 * `replay` calls it, and then the verb that is to see it.
 */
void sample_from(struct view_recording *recording);
bool sample_is_recorded(void);

/* The books since the ledger was switched on, now or of the next line of the record (-ENODATA: none). */
int sample_read(struct ledger_snapshot **snapshot, uint64_t *realtime_ns, struct error *err);

/*
 * The books over the next INTERVAL_NS, or, with 0, since the ledger was switched on. Of a record: over its
 * last INTERVAL_NS, or, with 0, over all of it. Free with ledger_snapshot_free.
 */
int sample_take(uint64_t interval_ns, struct ledger_snapshot **snapshot, struct error *err);

/* Sleeps until AT_NS of CLOCK_MONOTONIC, whatever signals are handled meanwhile. */
void sample_sleep_until(uint64_t at_ns);
