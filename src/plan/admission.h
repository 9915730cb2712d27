/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether CPU reserves can be promised together. Pure: the caller says who has which.
 */
#include <stddef.h>
#include <stdint.h>

#include "plan/cpus.h"

/* A reserve, and the CPUs it can be taken from. */
struct admission_cpu {
	uint32_t reserve_mcores;
	struct cpus cpus;
};

/*
 * How much one more workspace that may run on WANTED could reserve when all of KEPT stay promised,
 * each CPU of AVAILABLE being 1000 mcores. 0 also when KEPT is more than there is.
 * Returns 0 or -ENOMEM.
 */
int admission_cpu_left(const struct admission_cpu *kept, size_t n_kept,
		       const struct cpus *available, const struct cpus *wanted,
		       uint32_t *left_mcores);
