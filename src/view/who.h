/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "base/error.h"
#include "ledger/snapshot.h"

/*
 * A sentence for each account that spends at least a hundredth of a CPU (or for ONLY, when it is not
 * NULL): how much in its threads, how much of kernel work elsewhere, what most of that is and on which
 * CPU, and in whose time it came. SNAPSHOT is a difference, figures are CPUs over its time.
 */
int view_who(FILE *file, const struct ledger_snapshot *snapshot, const struct ledger_account *only,
	     struct error *err);

/*
 * At least so much of what interrupts and softirqs did for PAYER came while threads of VICTIM were the
 * interrupted ones; on the CPU of that number, or on all with CPU below 0. 0 when it is not known.
 *
 * The ledger has for each CPU how much came for each payer and how much upon each victim, not both at
 * once. All work but the victim's own could be imposed on it; what is more than the others' work had
 * room for is the payer's.
 */
uint64_t view_who_imposed_ns(const struct ledger_snapshot *snapshot,
			     const struct ledger_account *payer,
			     const struct ledger_account *victim, int cpu);
