/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "ledger/snapshot.h"

/*
 * Fills in what each account is promised, over the time of the snapshot, from the register of promises: the
 * account of a promise is that of its group; and how that is kept, by the keeper's word. A register that cannot be
 * read is as one that is empty.
 */
void reserves_fill(struct ledger_snapshot *snapshot);
