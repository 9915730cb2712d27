/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From the kernel's own usage figure of an account to what it really costs:
 *
 *	says - imposed + elsewhere = cost (+ apart)
 *
 * A kernel that keeps no interrupt time apart bills interrupts and softirqs to the interrupted task. Then
 * what was imposed by others is in its figure and not the account's; and of what was done for the
 * account a part came while its own threads ran, and is in the figure already: what the figure has
 * beyond its own time and what was imposed. A kernel that keeps it apart has only own time in it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "ledger/snapshot.h"

struct view_reconciliation {
	uint64_t says_ns;
	uint64_t imposed_ns;   /* in says_ns */
	uint64_t in_time_ns;   /* done for it in its own time: in says_ns already */
	uint64_t elsewhere_ns; /* done for it in the time of others or of nobody */
	uint64_t cost_ns;      /* the charge */
	int64_t apart_ns;      /* what is left unexplained: > 0 when the figure has too much */
};

/*
 * False when there is nothing to reconcile: the kernel has no figure, or the account is the host, whose
 * figure holds kernel threads that work for others.
 */
bool view_reconcile(const struct ledger_snapshot *snapshot, const struct ledger_account *account,
		    struct view_reconciliation *result);
