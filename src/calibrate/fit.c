// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sum of the workspace's parts is fitted by weighted least squares whose weights are found by
 * iteration. With its weights every part is fitted by itself, so that parts add up to the sum up to what the
 * bound at zero changes.
 */
#include "calibrate/fit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "calibrate/least_squares.h"

#define COLUMNS 4 /* packets, requests or connections; bytes; wake-ups of sleeping CPUs; others */
#define ITERATIONS 12
/*
 * A measurement of the same load is a tenth from another, and a load has some ten of them, which four coefficients that
 * are much alike follow wherever they lead: so they are drawn to zero, the more the points are off, and the fewer there
 * are. Fitted to half of 144 rounds of a calibration each, coefficients forecast 36 mixes in between with a standard
 * deviation of 15% without it, 13% with it; to all of them, 12% and 11%, of which 8% or 9% are of the mixes themselves.
 *
 * That, and that deviations are relative to what was measured, makes the fit some 4% lower than the mean of measurements of a
 * second. It is left so: the same loads cost as much less over five seconds, and that is what promises are for.
 */
#define RIDGE_LEAST 1e-6
#define RIDGE_MOST 0.1
#define RIDGE_TIMES 40
#define BEYOND_MOST 1.5
#define TAIL_POINTS 20 /* so many have a quantile of their own */

double fit_wakeups(double units, double gap_ns)
{
	return gap_ns > 0 ? fmin(units, 1e9 / gap_ns) : 0;
}

static double fit_asleep(const struct fit_point *point, double awake_per_s)
{
	return awake_per_s > 0 ? 1 / (1 + point->company / awake_per_s) : 0;
}

struct work {
	bool connections; /* the points are of connections, else of packets or requests */
	struct fit_point *points;
	size_t n;
	double gap_ns, awake_per_s, busy_share;
	struct least_squares squares;
	double *y;
	double *sizes; /* what deviations of a point are relative to: the sum of its parts */
	size_t n_free; /* coefficients that are not zero */
	double *weights, *deviations, *scratch;
};

static void columns_of(const struct work *work, size_t i, double columns[COLUMNS])
{
	const struct fit_point *point = &work->points[i];
	double wakeups, asleep;

	columns[0] = point->units + point->connections;
	columns[1] = point->bytes;
	wakeups = fit_wakeups(columns[0], work->gap_ns);
	asleep = work->connections ? 0 : fit_asleep(point, work->awake_per_s);
	columns[2] = wakeups * asleep;
	columns[3] = wakeups * (1 - asleep);
	for (int c = 0; c < COLUMNS; c++)
		columns[c] *= 1 + work->busy_share * point->busy;
}

/* What is in y, with the weights as they are. */
static void fit_once(struct work *work, double coefficients[COLUMNS])
{
	static const size_t which[COLUMNS] = {0, 1, 2, 3};

	least_squares_reset(&work->squares);
	for (size_t i = 0; i < work->n; i++) {
		double columns[COLUMNS];
		const struct least_squares_row row = {
			.which = which,
			.values = columns,
			.k = COLUMNS,
			.y = work->y[i],
			.weight = work->weights[i] / (work->sizes[i] * work->sizes[i]),
		};

		columns_of(work, i, columns);
		least_squares_add(&work->squares, &row);
	}
	least_squares_solve(&work->squares, coefficients);
}

static void deviate(struct work *work, const double coefficients[COLUMNS])
{
	for (size_t i = 0; i < work->n; i++) {
		double columns[COLUMNS], forecast = 0;

		columns_of(work, i, columns);
		for (int c = 0; c < COLUMNS; c++)
			forecast += coefficients[c] * columns[c];
		work->deviations[i] = fabs(forecast - work->y[i]) / work->sizes[i];
	}
}

/* How much noise there is, by the weights that the deviations got. */
static double ridge_of(const struct work *work)
{
	double sum = 0, weights = 0;

	for (size_t i = 0; i < work->n; i++) {
		sum += work->weights[i] * work->deviations[i] * work->deviations[i];
		weights += work->weights[i];
	}
	if (weights <= 0)
		return RIDGE_LEAST;
	sum *= RIDGE_TIMES / weights / (double)work->n;
	return fmin(fmax(sum, RIDGE_LEAST), RIDGE_MOST);
}

static double sum_of_parts(const double *parts)
{
	double sum = 0;

	for (int i = 0; i < PROFILE_WORKSPACE_PARTS; i++)
		sum += parts[i];
	return sum;
}

/* Finds the weights. */
static void fit_sum(struct work *work)
{
	double coefficients[COLUMNS] = {0};

	work->squares.ridge = RIDGE_LEAST;
	for (size_t i = 0; i < work->n; i++) {
		work->y[i] = work->sizes[i] = sum_of_parts(work->points[i].parts);
		work->weights[i] = 1;
	}
	for (int i = 0; i < ITERATIONS; i++) {
		fit_once(work, coefficients);
		deviate(work, coefficients);
		least_squares_weigh(work->deviations, work->n, work->scratch, work->weights);
		work->squares.ridge = ridge_of(work);
	}
	for (int c = 0; c < COLUMNS; c++)
		work->n_free += coefficients[c] > 0;
}

static void fit_part(struct work *work, enum profile_part part, struct profile_cost *cost)
{
	double coefficients[COLUMNS] = {0};

	for (size_t i = 0; i < work->n; i++)
		work->y[i] = work->points[i].parts[part];
	fit_once(work, coefficients);
	if (work->connections) {
		cost->connection_ns = coefficients[0];
		cost->connection_wakeup_ns = coefficients[3];
		return;
	}
	cost->unit_ns = coefficients[0];
	cost->byte_ns = coefficients[1];
	/* what each costs, and those of one kind or the other beyond it */
	cost->wakeup_ns = work->awake_per_s > 0 ? fmin(coefficients[2], coefficients[3])
						: coefficients[3];
	cost->asleep_ns = fmax(0, coefficients[2] - cost->wakeup_ns);
	cost->crowded_ns = coefficients[3] - cost->wakeup_ns;
}

static double payer_cost(const double *parts, enum profile_payer payer)
{
	switch (payer) {
	case PROFILE_PAYER_HOST:
		return parts[PROFILE_HOST];
	case PROFILE_PAYER_UNATTRIBUTED:
		return parts[PROFILE_UNATTRIBUTED];
	default:
		return sum_of_parts(parts);
	}
}

/* With the share ASLEEP of CPUs, and the share BUSY in use. */
static double forecast(const struct profile_operation *operation, const struct fit_point *point,
		       double asleep, double busy)
{
	double sum = 0;

	for (int i = 0; i < PROFILE_WORKSPACE_PARTS; i++) {
		const struct profile_cost *cost = &operation->cost[i];

		sum += cost->unit_ns * point->units + cost->byte_ns * point->bytes +
		       cost->connection_ns * point->connections +
		       cost->wakeup_ns * fit_wakeups(point->units, operation->gap_ns) +
		       cost->connection_wakeup_ns *
			       fit_wakeups(point->connections, operation->gap_ns) +
		       (cost->asleep_ns * asleep + cost->crowded_ns * (1 - asleep)) *
			       fit_wakeups(point->units, operation->gap_ns);
	}
	return sum * (1 + operation->busy_share * busy);
}

double fit_upper(double *ratios, size_t n, double quantile)
{
	double mean = 0, variance = 0, upper;

	if (!n)
		return 1;
	for (size_t i = 0; i < n; i++)
		mean += ratios[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		variance += (ratios[i] - mean) * (ratios[i] - mean) / (double)(n > 1 ? n - 1 : 1);
	least_squares_sort(ratios, n);
	upper = least_squares_quantile(ratios, n, quantile);
	if (n < TAIL_POINTS)
		upper = fmax(upper, mean + 1.645 * sqrt(variance));
	return fmax(1, upper);
}

static bool is_same_load(const struct fit_point *a, const struct fit_point *b)
{
	return fabs(a->units - b->units) <= 0.05 * a->units &&
	       fabs(a->bytes - b->bytes) <= 0.05 * a->bytes &&
	       fabs(a->connections - b->connections) <= 0.05 * a->connections;
}

/* The median ratio of every other measurement of the load of FIRST; below zero: there is none. */
static double take_half(const struct fit_point *points, double *ratios, size_t n, size_t first,
			bool odd, double *scratch)
{
	size_t found = 0, seen = 0;

	for (size_t i = first; i < n; i++) {
		if (!is_same_load(&points[first], &points[i]) || (seen++ % 2 == 1) != odd)
			continue;
		scratch[found++] = ratios[i];
	}
	least_squares_sort(scratch, found);
	return found ? least_squares_quantile(scratch, found, 0.5) : -1;
}

/*
 * RATIOS of measured to forecast, by measurement, become those of each load measured twice: a promise is kept over
 * seconds, in ever other company, not over a tenth of one. Returns how many.
 */
static size_t take_halves(const struct fit_point *points, double *ratios, size_t n, double *scratch)
{
	double *taken = scratch + n;
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_first = true;

		for (size_t before = 0; is_first && before < i; before++)
			is_first = !is_same_load(&points[before], &points[i]);
		for (int odd = 0; is_first && odd < 2; odd++) {
			double half = take_half(points, ratios, n, i, odd, scratch);

			if (half >= 0)
				taken[found++] = half;
		}
	}
	memcpy(ratios, taken, found * sizeof(*ratios));
	return found;
}

/*
 * How much farther a load that was not measured is from the forecast than one that it was fitted to: the fit has followed
 * the luck of LOADS with its N_FREE coefficients. Variances are as 1 + p / n to 1 - p / n (Akaike, "Fitting autoregressive
 * models for prediction", 1969: the final prediction error).
 */
static double beyond_fitted(size_t loads, size_t n_free)
{
	double share = loads ? (double)n_free / (double)loads : 1;

	return share < 1 ? fmin(sqrt((1 + share) / (1 - share)), BEYOND_MOST) : BEYOND_MOST;
}

/* R2, residuals and the quantile, by a fit of N_FREE coefficients. SCRATCH is of 2 N. */
static void judge(const struct fit_point *points, size_t n, size_t n_free, double quantile,
		  double *ratios, double *scratch, struct profile_operation *operation)
{
	struct profile_fit *fit = &operation->fit[PROFILE_PAYER_WORKSPACE];
	double mean = 0, total = 0, left = 0;

	*fit = (struct profile_fit){.upper = 1};
	for (size_t i = 0; i < n; i++)
		mean += sum_of_parts(points[i].parts) / (double)n;
	for (size_t i = 0; i < n; i++) {
		double measured = sum_of_parts(points[i].parts);
		double expected = forecast(operation, &points[i],
					   fit_asleep(&points[i], operation->awake_per_s),
					   points[i].busy);
		double worst =
			forecast(operation, &points[i], operation->asleep_share, operation->busy);
		double deviation = measured > 0 ? fabs(measured - expected) / measured : 0;

		total += (measured - mean) * (measured - mean);
		left += (measured - expected) * (measured - expected);
		fit->residual_mean += deviation / (double)n;
		fit->residual_worst = fmax(fit->residual_worst, deviation);
		/* for the worst case nobody knows the company */
		ratios[i] = worst > 0 ? measured / worst : 1;
	}
	fit->r2 = total > 0 ? fmax(0, 1 - left / total) : 0;
	n = take_halves(points, ratios, n, scratch);
	fit->upper = 1 + (fit_upper(ratios, n, quantile) - 1) * beyond_fitted((n + 1) / 2, n_free);
}

static int keep_points(const struct fit_point *points, size_t n,
		       struct profile_operation *operation)
{
	for (size_t i = 0; i < n; i++) {
		struct profile_point point = {
			.units = points[i].units,
			.bytes = points[i].bytes,
			.connections = points[i].connections,
		};

		for (int payer = 0; payer < PROFILE_PAYERS; payer++)
			point.cost_ns[payer] =
				fmax(0, payer_cost(points[i].parts, (enum profile_payer)payer));
		if (profile_add_point(operation, &point) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Loads are of one or the other. */
static bool is_of(const struct fit_point *point, bool connections)
{
	return (connections ? point->connections : point->units) > 0 &&
	       sum_of_parts(point->parts) > 0;
}

bool fit_has_enough(const struct fit_point *points, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += is_of(&points[i], false);
	return found >= FIT_POINTS_MIN;
}

/* Fits the coefficients for packets and requests, or those for connections. */
static void fit_kind(struct work *work, const struct fit_point *points, size_t n, bool connections,
		     struct profile_operation *operation)
{
	work->connections = connections;
	work->n = work->n_free = 0;
	for (size_t i = 0; i < n; i++) {
		if (is_of(&points[i], connections))
			work->points[work->n++] = points[i];
	}
	if (!work->n)
		return;
	fit_sum(work);
	for (int part = 0; part < PROFILE_WORKSPACE_PARTS; part++)
		fit_part(work, (enum profile_part)part, &operation->cost[part]);
}

int fit_operation(const struct fit_point *points, size_t n, double quantile,
		  struct profile_operation *operation)
{
	_cleanup_free_ struct fit_point *chosen = calloc(n + 1, sizeof(*chosen));
	_cleanup_free_ double *doubles = calloc(5 * (n + 1), sizeof(*doubles));
	_cleanup_(least_squares_close) struct least_squares squares = {0};
	size_t n_free;
	struct work work;

	if (!fit_has_enough(points, n))
		return -EDOM;
	if (!chosen || !doubles || least_squares_open(COLUMNS, RIDGE_LEAST, &squares) < 0)
		return -ENOMEM;
	work = (struct work){
		.points = chosen,
		.gap_ns = operation->gap_ns,
		.awake_per_s = operation->awake_per_s,
		.busy_share = operation->busy_share,
		.squares = squares,
		.y = doubles,
		.sizes = doubles + (n + 1),
		.weights = doubles + 2 * (n + 1),
		.deviations = doubles + 3 * (n + 1),
		.scratch = doubles + 4 * (n + 1),
	};
	for (size_t i = 0; i < n; i++) {
		operation->asleep_share += fit_asleep(&points[i], work.awake_per_s) / (double)n;
		operation->busy += points[i].busy / (double)n;
		operation->busy_most = fmax(operation->busy_most, points[i].busy);
	}
	fit_kind(&work, points, n, false, operation);
	n_free = work.n_free;
	fit_kind(&work, points, n, true, operation);
	n_free += work.n_free;
	judge(points, n, n_free, quantile, work.scratch, doubles, operation);
	return keep_points(points, n, operation);
}
