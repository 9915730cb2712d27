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
	double company;		/* wakeups of all loads */
	double busy;		/* which part of all CPUs is in use */
	double all_connections; /* of all loads; 0: there are no others */
	double parts[PROFILE_PARTS];
};

/* A point with fewer than this many of its kind beside it cannot be told from a disturbance. */
#define FIT_POINTS_MIN 3

/* Whether so many of the points have units. */
bool fit_has_enough(const struct fit_point *points, size_t n);

/* How often a load of so many units is woken: GAP_NS as in the profile. */
double fit_wakeups(double units, double gap_ns);

/*
 * Fills the coefficients of the workspace's parts, how good they are, and the points of OPERATION, whose gap_ns,
 * awake_per_s and busy_share are set. Relative errors count, and those far outside the others count
 * little. The parts of the host and of nobody are copied to the points and otherwise left to
 * calibrate/shared.h. -EDOM with fewer than FIT_POINTS_MIN points that have units; -ENOMEM.
 */
int fit_operation(const struct fit_point *points, size_t n, double quantile,
		  struct profile_operation *operation);

/*
 * The upper quantile of N ratios of measured to forecast, at least 1; they are put in order. Too few have no tail of
 * their own, there it is that of a normal distribution, if that is more.
 */
double fit_upper(double *ratios, size_t n, double quantile);
