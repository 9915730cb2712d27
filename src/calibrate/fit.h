/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From measured points to the coefficients of an operation. Pure. The model is that of plan/profile.h; no
 * coefficient is negative.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "plan/profile.h"

/* One load of one workspace, per second, and what it cost in CPU-nanoseconds per second, by part. */
struct fit_point {
	double units, bytes, connections;
	double parts[PROFILE_PARTS];
};

/* A point with fewer than this many of its kind beside it cannot be told from a disturbance. */
#define FIT_POINTS_MIN 3

/* Whether so many of the points have units. */
bool fit_has_enough(const struct fit_point *points, size_t n);

/*
 * Fills the coefficients, the goodness of fit and the points of OPERATION. Relative errors count, and those
 * far outside the others count little (Huber's weights, iterated). -EDOM with fewer than
 * FIT_POINTS_MIN points that have units; -ENOMEM.
 */
int fit_operation(const struct fit_point *points, size_t n, double quantile,
		  struct profile_operation *operation);
