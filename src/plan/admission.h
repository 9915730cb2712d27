/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether one more can be promised what it wants. Pure: the caller says who has what already.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/cpus.h"
#include "plan/plan.h"

/*
 * The workspaces of REQUEST are those that are promised already, and a new one, the last. 0, or -EBUSY with
 * a sentence that says what is missing and what would fit. What is missing without the new one already
 * (where somebody insisted) is not held against it. -ENOMEM.
 */
int plan_admit(const struct plan_request *request, struct error *err);

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
