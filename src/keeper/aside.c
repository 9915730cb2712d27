// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A round takes less than a millisecond, but ten of them in a second are what the 99th percentile of somebody's
 * latency is made of.
 */
#include "keeper/aside.h"

#include <sched.h>
#include <string.h>

/* A struct cpus is a mask as the kernel has them: words of 64, the lowest CPU in the lowest bit. */
static int run_on(const struct cpus *cpus)
{
	return sched_setaffinity(0, sizeof(*cpus), (const cpu_set_t *)cpus->bits);
}

void aside_begin(struct aside *aside)
{
	*aside = (struct aside){0};
	if (sched_getaffinity(0, sizeof(aside->allowed), (cpu_set_t *)aside->allowed.bits) < 0)
		aside->allowed = (struct cpus){0};
	aside->now = aside->allowed;
}

static bool is_reserved(const struct roster *roster, unsigned int cpu)
{
	for (size_t i = 0; i < roster->control.n; i++) {
		const struct control_workspace *w = &roster->control.workspaces[i];

		if (w->terms.reserve_mcores && cpus_has(&w->cpus, cpu) &&
		    cpus_count(&w->cpus) < roster->n_cpus)
			return true;
	}
	return false;
}

void aside_step(struct aside *aside, const struct roster *roster)
{
	struct cpus left = {0};

	for (unsigned int cpu = 0; cpu < roster->n_cpus; cpu++) {
		if (cpus_has(&aside->allowed, cpu) && !is_reserved(roster, cpu))
			cpus_add(&left, cpu);
	}
	if (cpus_count(&left) == 0)
		left = aside->allowed;
	if (memcmp(&left, &aside->now, sizeof(left)) != 0 && run_on(&left) == 0)
		aside->now = left;
}
