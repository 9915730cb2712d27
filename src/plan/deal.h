/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether CPU time can be dealt out so that each demand is met from CPUs of its own set. Pure; the result
 * does not depend on the order of the demands.
 */
#include <stddef.h>
#include <stdint.h>

#include "plan/cpus.h"

/* CPU time in ncores (billionths of a core), and the CPUs that it can be taken from. */
struct deal_demand {
	struct cpus cpus;
	uint64_t ncores;
};

struct deal_result {
	uint64_t missing_ncores; /* that no CPU can give; 0: all are met */
	/* When some is missing: the CPUs of which too much is asked, and how much that is. */
	struct cpus tight;
	uint64_t asked_ncores, capacity_ncores;
};

/* Each CPU of AVAILABLE has CPU_NCORES to give. Returns 0 or -ENOMEM. */
int deal_cpus(const struct deal_demand *demands, size_t n, const struct cpus *available,
	      uint64_t cpu_ncores, struct deal_result *result);

/*
 * How much one more that may run on WANTED could have when all of DEMANDS stay met; 0 also when they are
 * not. Returns 0 or -ENOMEM.
 */
int deal_left(const struct deal_demand *demands, size_t n, const struct cpus *available,
	      uint64_t cpu_ncores, const struct cpus *wanted, uint64_t *left_ncores);
