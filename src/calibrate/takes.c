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

bool takes_agree(const struct takes *takes)
{
	double a, b;

	if (takes->n < 2)
		return false;
	a = trust_loads(&takes->figures[0]);
	b = trust_loads(&takes->figures[1]);
	return fabs(a - b) <= AGREE * fmin(a, b);
}
