/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What would fit, of a plan that does not; and how much more does, of one that does. Every piece of advice
 * was planned before it is given. Pure.
 */
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"

/* Instead of the index of a workspace: all of them. */
#define PLAN_ALL SIZE_MAX

/* What of its terms may be made smaller. */
enum plan_lever {
	PLAN_LEVER_IO = 1,     /* reserves of net and disk, and connections */
	PLAN_LEVER_CPU = 2,    /* cpu.reserve */
	PLAN_LEVER_MEMORY = 4, /* memory.reserve */
	PLAN_LEVER_ALL = 7,
};

/* TERMS with those reserves times PERMILLE / 1000, rounded down. */
struct terms plan_scale_terms(const struct terms *terms, unsigned int levers, uint32_t permille);

/*
 * The largest scale, up to 1000, of the terms of workspace SUBJECT (or PLAN_ALL) at which the request is
 * admitted; 0 when there is none. Returns 0 or -ENOMEM.
 */
int plan_largest_scale(const struct plan_request *request, size_t subject, unsigned int levers,
		       uint32_t *permille);

/* How many more of workspace SUBJECT fit, at most PLAN_MORE_MAX. */
#define PLAN_MORE_MAX 1000000
int plan_how_many_more(const struct plan_request *request, size_t subject, uint32_t *more);

/*
 * Sentences that say what would fit: smaller terms of SUBJECT (or all), another path, other CPUs, more
 * CPUs. A NULL-terminated vector, the caller's to free with strv_free; NULL when there is none.
 */
int plan_advise(const struct plan_request *request, const struct plan *plan, size_t subject,
		char ***sentences);
