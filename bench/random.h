/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <math.h>

#include "base/random.h"

/* In [LEAST, MOST), its logarithm uniform; LEAST > 0. */
static inline double log_uniform(uint64_t *state, double least, double most)
{
	return least * pow(most / least, random_uniform(state));
}
