/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether a profile still holds: what some loads of a calibration cost now, beside what it says of them. Pure. */
#include <stdbool.h>

#include "calibrate/operations.h"
#include "calibrate/schedule.h"
#include "plan/profile.h"

/* Of the workspaces of all loads of one path, or of the disk; ns per second, summed over its loads. */
struct check_path {
	size_t loads, unknown; /* the latter are loads that the profile does not have */
	double measured_ns, expected_ns;
};

#define CHECK_PATHS (SITE_PATHS + 1) /* the last is the disk */

struct check {
	struct check_path paths[CHECK_PATHS], all;
};

/* How far off it may be: all loads together, and those of one path, of which chance has a larger part. */
#define CHECK_ALL 0.15
#define CHECK_PATH 0.35
#define CHECK_PATH_LOADS 2

/* Adds what SAMPLE tells of WHAT, bits SCHEDULE_*; its other loads are company only. */
void check_add(struct check *check, const struct profile *profile, unsigned int what,
	       const struct operations_sample *sample);

/* How much more is measured than forecast, as a share of that; 0 of nothing. */
double check_drift(const struct check_path *path);
bool check_path_holds(const struct check_path *path);
/* All loads together. Nothing measured: it does not. */
bool check_sum_holds(const struct check *check);
/* That, and each path. */
bool check_holds(const struct check *check);

/*
 * Of SCHEDULE's rounds the N that tell of as many paths of WHAT as evenly as can be, into CHOSEN; returns how many there
 * are, N at most.
 */
size_t check_choose(const struct schedule *schedule, unsigned int what, size_t n, size_t *chosen);
