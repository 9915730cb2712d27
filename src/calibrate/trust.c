// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/trust.h"

#include <math.h>
#include <stdio.h>

/* One measurement: so much of one CPU, or of what the loads themselves took, whichever is more. */
#define DISTURBED_NS 0.1e9
#define DISTURBED_SHARE 0.3
#define STOLEN_NS 0.05e9
/* All of them: shares of the CPUs, and of the measurements */
#define FOREIGN_SHARE 0.05
#define STOLEN_SHARE 0.02
#define DISTURBED_MOST 0.2

double trust_foreign(const struct measure_figures *figures)
{
	return figures->others + figures->programs;
}

double trust_loads(const struct measure_figures *figures)
{
	double sum = 0;

	for (int w = 0; w < SITE_WORKSPACES; w++)
		sum += measure_charge(&figures->workspaces[w]);
	return sum;
}

bool trust_is_disturbed(const struct measure_figures *figures)
{
	double most = fmax(DISTURBED_NS, DISTURBED_SHARE * trust_loads(figures));

	return figures->stolen > STOLEN_NS || trust_foreign(figures) > most;
}

void trust_add(struct trust *trust, const struct measure_figures *figures)
{
	trust->n++;
	trust->disturbed += trust_is_disturbed(figures);
	trust->foreign += trust_foreign(figures);
	trust->stolen += figures->stolen;
}

bool trust_is_lost(const struct trust *trust, char *why, size_t size)
{
	double all = 1e9 * trust->cpus * (double)trust->n;

	if (!trust->n)
		return false;
	if (trust->foreign > FOREIGN_SHARE * all)
		snprintf(why, size,
			 "others used %.0f%% of the CPUs meanwhile, at most %.0f%% will do",
			 100 * trust->foreign / all, 100 * FOREIGN_SHARE);
	else if (trust->stolen > STOLEN_SHARE * all)
		snprintf(why, size,
			 "the hypervisor took %.0f%% of the CPUs meanwhile, at most %.0f%% will do",
			 100 * trust->stolen / all, 100 * STOLEN_SHARE);
	else if ((double)trust->disturbed > DISTURBED_MOST * (double)trust->n)
		snprintf(why, size,
			 "%zu of %zu measurements were disturbed by others, however often repeated",
			 trust->disturbed, trust->n);
	else
		return false;
	return true;
}
