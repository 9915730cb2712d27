// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/busy.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "plan/extrapolate.h"

#define STEP 0.1
#define STEPS 20
/*
 * Without a share of deviations less it is none; and of all that it can be less by, so much will do: like the other
 * coefficients it is drawn to zero, as the last of it may follow the noise.
 */
#define WORTH 0.04
#define ENOUGH 0.9
#define QUANTILE 0.95 /* of no consequence here */

static void release(struct profile_operation *operation)
{
	free(operation->points);
}

/* Returns -ENOMEM, or 1 where it has too few points. */
static int try_fit(const struct operation_points *points, uint32_t cpus, double share,
		   struct profile_operation *trial)
{
	int r;

	operations_prepare(points, cpus, trial);
	trial->busy_share = share;
	if (!fit_has_enough(points->points, points->n))
		return 1;
	r = fit_operation(points->points, points->n, QUANTILE, trial);
	return r == -EDOM ? 1 : r;
}

/* Adds what all loads of POINTS are fitted to cost to their rounds; where nothing is fitted, what was measured. */
static int add_to_rounds(const struct operation_points *points, uint32_t cpus, double *rounds)
{
	_cleanup_(release) struct profile_operation trial = {0};
	int r = try_fit(points, cpus, 0, &trial);

	if (r < 0)
		return r;
	for (size_t i = 0; i < points->n; i++) {
		const struct fit_point *point = &points->points[i];
		const struct extrapolate_load load = {point->units, point->bytes,
						      point->connections, point->company, 0};
		double cost = 0;

		for (int part = 0; r > 0 && part < PROFILE_WORKSPACE_PARTS; part++)
			cost += point->parts[part];
		if (r == 0)
			cost = (double)extrapolate_expected(&trial, PROFILE_PAYER_WORKSPACE, &load);
		rounds[points->origins[i].round] += cost;
	}
	return 0;
}

static int set_busy(struct operations *operations, uint32_t cpus, const double *hosts)
{
	_cleanup_free_ double *rounds = calloc(operations->n_rounds + 1, sizeof(*rounds));

	if (!rounds)
		return -ENOMEM;
	for (size_t i = 0; i < operations->n_rounds; i++)
		rounds[i] = hosts[i];
	for (size_t i = 0; i < operations->n; i++) {
		int r = add_to_rounds(&operations->all[i], cpus, rounds);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < operations->n; i++) {
		const struct operation_points *points = &operations->all[i];

		for (size_t k = 0; k < points->n; k++)
			points->points[k].busy =
				fmin(1, rounds[points->origins[k].round] / 1e9 / fmax(1, cpus));
	}
	return 0;
}

/* Requests of a disk are of one kind here. */
static enum profile_kind kind_of(const struct operation_points *points)
{
	return points->kind == PROFILE_WRITE ? PROFILE_READ : points->kind;
}

/* Of all points of KIND, in *SUM, how far they are from what is fitted to them with SHARE. */
static int deviate(const struct operations *operations, uint32_t cpus, enum profile_kind kind,
		   double share, double *sum)
{
	*sum = 0;
	for (size_t i = 0; i < operations->n; i++) {
		const struct operation_points *points = &operations->all[i];
		_cleanup_(release) struct profile_operation trial = {0};
		int r = kind_of(points) == kind ? try_fit(points, cpus, share, &trial) : 1;

		if (r < 0)
			return r;
		if (r == 0)
			*sum += (double)points->n *
				trial.fit[PROFILE_PAYER_WORKSPACE].residual_mean;
	}
	return 0;
}

/* The least that does enough, of SUMS by steps. */
static double choose(const double sums[static STEPS + 1])
{
	double least = sums[0], enough;
	size_t step = 0;

	for (size_t i = 1; i <= STEPS; i++)
		least = fmin(least, sums[i]);
	if (sums[0] - least < WORTH * sums[0])
		return 0;
	enough = sums[0] - ENOUGH * (sums[0] - least);
	while (sums[step] > enough)
		step++;
	return (double)step * STEP;
}

int busy_find(struct operations *operations, uint32_t cpus, const double *hosts,
	      double shares[static PROFILE_KINDS])
{
	static const enum profile_kind kinds[] = {PROFILE_SEND, PROFILE_RECEIVE, PROFILE_READ};
	double sums[STEPS + 1];
	int r = set_busy(operations, cpus, hosts);

	for (size_t k = 0; r == 0 && k < ARRAY_SIZE(kinds); k++) {
		for (size_t i = 0; r == 0 && i <= STEPS; i++)
			r = deviate(operations, cpus, kinds[k], (double)i * STEP, &sums[i]);
		if (r == 0)
			shares[kinds[k]] = choose(sums);
	}
	shares[PROFILE_WRITE] = shares[PROFILE_READ];
	return r;
}
