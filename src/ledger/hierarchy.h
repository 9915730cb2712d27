/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The cgroup hierarchy whose groups have the accounts: the one that has the cpu controller, since
 * that is where CPU is promised; v2 wherever v1 does not hold that controller.
 */
struct ledger_hierarchy {
	bool unified; /* v2 */
	int id;	      /* the kernel's hierarchy_id; 0 for v2 */
	char *mount;  /* where it is mounted, NULL when nowhere */
	char *usage;  /* where the hierarchy with cpuacct is mounted (v1), NULL when nowhere */
};

/* Reads /proc/self/mountinfo and /proc/self/cgroup below PROC, a descriptor of /proc. */
int ledger_hierarchy_find(int proc, struct ledger_hierarchy *hierarchy, struct error *err);
void ledger_hierarchy_free(struct ledger_hierarchy *hierarchy);
#define _cleanup_hierarchy_ __attribute__((cleanup(ledger_hierarchy_free)))
