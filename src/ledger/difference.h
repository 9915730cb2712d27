/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "ledger/snapshot.h"

/*
 * Turns LATER into the difference LATER - EARLIER, account by account; accounts that appeared in
 * between keep all they have. No figure is below 0, and where both snapshots tell CPUs apart the figures add up to
 * CPUs x wall time as those of each snapshot do.
 */
void ledger_snapshot_subtract(struct ledger_snapshot *later, const struct ledger_snapshot *earlier);
