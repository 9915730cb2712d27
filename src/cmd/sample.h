/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "ledger/snapshot.h"

/*
 * The books over the next INTERVAL_NS, or, with 0, since the ledger was switched on. Free with
 * ledger_snapshot_free.
 */
int sample_take(uint64_t interval_ns, struct ledger_snapshot **snapshot, struct error *err);

/* Sleeps until AT_NS of CLOCK_MONOTONIC, whatever signals are handled meanwhile. */
void sample_sleep_until(uint64_t at_ns);
