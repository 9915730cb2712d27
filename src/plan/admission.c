// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/admission.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "plan/deal.h"

#define CPU_NCORES UINT64_C(1000000000)
#define MCORE_NCORES UINT64_C(1000000)

int admission_cpu_left(const struct admission_cpu *kept, size_t n_kept,
		       const struct cpus *available, const struct cpus *wanted,
		       uint32_t *left_mcores)
{
	_cleanup_free_ struct deal_demand *demands = calloc(n_kept + 1, sizeof(*demands));
	uint64_t left;
	int r;

	if (!demands)
		return -ENOMEM;
	for (size_t i = 0; i < n_kept; i++)
		demands[i] =
			(struct deal_demand){kept[i].cpus, kept[i].reserve_mcores * MCORE_NCORES};
	r = deal_left(demands, n_kept, available, CPU_NCORES, wanted, &left);
	if (r == 0)
		*left_mcores = (uint32_t)(left / MCORE_NCORES);
	return r;
}
