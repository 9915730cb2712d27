// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/takes.h"

#include <math.h>

#include "calibrate/trust.h"

#define AGREE 0.08 /* charges that differ by less are the same */

void takes_drop_disturbed(struct takes *takes, double host_own)
{
	size_t kept = 0;

	for (size_t i = 0; i < takes->n; i++) {
		size_t left = takes->n - i;

		if (trust_is_disturbed(&takes->figures[i], host_own) && kept + left > 1)
			continue;
		takes->figures[kept++] = takes->figures[i];
	}
	takes->n = kept;
}

static double charge_of(const struct measure_figures *figures, unsigned int workspaces)
{
	double sum = 0;

	for (int w = 0; w < SITE_WORKSPACES; w++) {
		if (workspaces & 1u << w)
			sum += measure_charge(&figures->workspaces[w]);
	}
	return sum;
}

bool takes_agree(const struct takes *takes, unsigned int workspaces)
{
	double a, b;

	if (takes->n < 2)
		return false;
	a = charge_of(&takes->figures[0], workspaces);
	b = charge_of(&takes->figures[1], workspaces);
	return fabs(a - b) <= AGREE * fmin(a, b);
}
