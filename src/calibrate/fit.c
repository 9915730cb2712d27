// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For each gap of a grid the sum of the workspace's parts is fitted, by weighted least squares whose weights
 * are found by iteration (Huber, "Robust Statistics", 1981, 7.8); the gap that leaves the least mean
 * deviation is kept. With its weights every part is fitted by itself, so that parts add up to the sum up
 * to what the bound at zero changes.
 *
 * At most three coefficients: non-negative least squares is done by trying all subsets of them, of which the
 * best whose solution is non-negative is the answer.
 */
#include "calibrate/fit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define COLUMNS 3 /* units, bytes, wake-ups */
#define ITERATIONS 12
#define HUBER 1.345
#define LEAST_SCALE 0.005
#define LEAST_HOST_NS 2e6 /* below that, the host's part of a point drowns in its own work */

static const double gaps_ns[] = {0,   1e5,   2e5,   3e5, 4e5, 5e5, 6e5, 8e5,
				 1e6, 1.2e6, 1.5e6, 2e6, 3e6, 5e6, 1e7};

struct column_fit {
	double coefficients[COLUMNS];
};

static double wakeups(double units, double gap_ns)
{
	double most = gap_ns > 0 ? 1e9 / gap_ns : units;

	return units < most ? units : most;
}

static void columns_of(const struct fit_point *point, double gap_ns, double columns[COLUMNS])
{
	columns[0] = point->units;
	columns[1] = point->bytes;
	columns[2] = gap_ns > 0 ? wakeups(point->units, gap_ns) : 0;
}

static double forecast(const struct column_fit *fit, const struct fit_point *point, double gap_ns)
{
	double columns[COLUMNS], sum = 0;

	columns_of(point, gap_ns, columns);
	for (int i = 0; i < COLUMNS; i++)
		sum += fit->coefficients[i] * columns[i];
	return sum;
}

/* Gauss with pivots, in place. False when the columns do not determine it. */
static bool solve(double a[COLUMNS][COLUMNS + 1], int n)
{
	for (int k = 0; k < n; k++) {
		int pivot = k;

		for (int i = k + 1; i < n; i++)
			pivot = fabs(a[i][k]) > fabs(a[pivot][k]) ? i : pivot;
		if (fabs(a[pivot][k]) < 1e-9)
			return false;
		for (int j = k; j <= n; j++) {
			double swapped = a[k][j];

			a[k][j] = a[pivot][j];
			a[pivot][j] = swapped;
		}
		for (int i = 0; i < n; i++) {
			double factor = i == k ? 0 : a[i][k] / a[k][k];

			for (int j = k; j <= n; j++)
				a[i][j] -= factor * a[k][j];
		}
	}
	return true;
}

struct normal {
	double xx[COLUMNS][COLUMNS], xy[COLUMNS], yy;
	double scale[COLUMNS];
};

/* The normal equations, columns scaled so that their diagonal is 1. */
static void make_normal(const struct fit_point *points, const double *y, const double *weights,
			size_t n, double gap_ns, struct normal *normal)
{
	memset(normal, 0, sizeof(*normal));
	for (size_t p = 0; p < n; p++) {
		double columns[COLUMNS];

		columns_of(&points[p], gap_ns, columns);
		normal->yy += weights[p] * y[p] * y[p];
		for (int i = 0; i < COLUMNS; i++) {
			normal->xy[i] += weights[p] * columns[i] * y[p];
			for (int j = 0; j < COLUMNS; j++)
				normal->xx[i][j] += weights[p] * columns[i] * columns[j];
		}
	}
	for (int i = 0; i < COLUMNS; i++)
		normal->scale[i] = normal->xx[i][i] > 0 ? sqrt(normal->xx[i][i]) : 0;
}

/* The columns of SUBSET alone. Returns what is left of the sum of squares, or INFINITY. */
static double try_subset(const struct normal *normal, unsigned int subset, struct column_fit *fit)
{
	double a[COLUMNS][COLUMNS + 1], left = normal->yy;
	int which[COLUMNS], n = 0;

	for (int i = 0; i < COLUMNS; i++) {
		if (!(subset & 1u << i))
			continue;
		if (normal->scale[i] <= 0)
			return INFINITY;
		which[n++] = i;
	}
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < n; j++)
			a[i][j] = normal->xx[which[i]][which[j]] /
				  (normal->scale[which[i]] * normal->scale[which[j]]);
		a[i][n] = normal->xy[which[i]] / normal->scale[which[i]];
	}
	if (!solve(a, n))
		return INFINITY;
	memset(fit, 0, sizeof(*fit));
	for (int i = 0; i < n; i++) {
		double value = a[i][n] / a[i][i] / normal->scale[which[i]];

		if (value < 0)
			return INFINITY;
		fit->coefficients[which[i]] = value;
		left -= value * normal->xy[which[i]];
	}
	return left;
}

static void fit_columns(const struct fit_point *points, const double *y, const double *weights,
			size_t n, double gap_ns, struct column_fit *fit)
{
	double best = INFINITY;
	struct normal normal;

	memset(fit, 0, sizeof(*fit));
	make_normal(points, y, weights, n, gap_ns, &normal);
	for (unsigned int subset = 1; subset < 1u << COLUMNS; subset++) {
		struct column_fit tried;
		double left = try_subset(&normal, subset, &tried);

		if (left < best) {
			best = left;
			*fit = tried;
		}
	}
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Interpolated; SORTED is in order. */
static double quantile_of(const double *sorted, size_t n, double quantile)
{
	double at = quantile * (double)(n - 1);
	size_t below = (size_t)at;

	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

struct work {
	const struct fit_point *points;
	size_t n;
	double *sums; /* of the workspace's parts */
	double *part; /* the part that is being fitted */
	double *weights, *kept_weights;
	double *deviations; /* relative */
	double *scratch;
};

/* What is fitted, and from which size on deviations from it are relative to itself. */
struct fitted {
	const double *y;
	double least;
};

/* Weights for the next iteration; returns the mean deviation. */
static double weigh(struct work *work, const struct fitted *fitted, const struct column_fit *fit,
		    double gap_ns)
{
	double scale, mean = 0;

	for (size_t i = 0; i < work->n; i++) {
		double size = fmax(fitted->y[i], fitted->least);

		work->deviations[i] =
			fabs(forecast(fit, &work->points[i], gap_ns) - fitted->y[i]) / size;
		work->scratch[i] = work->deviations[i];
		mean += work->deviations[i] / (double)work->n;
	}
	qsort(work->scratch, work->n, sizeof(double), compare_doubles);
	scale = fmax(1.4826 * quantile_of(work->scratch, work->n, 0.5), LEAST_SCALE);
	for (size_t i = 0; i < work->n; i++) {
		double bound = HUBER * scale, size = fmax(fitted->y[i], fitted->least);
		double huber = work->deviations[i] <= bound ? 1 : bound / work->deviations[i];

		work->weights[i] = huber / (size * size);
	}
	return mean;
}

static double fit_robustly(struct work *work, const struct fitted *fitted, double gap_ns,
			   struct column_fit *fit)
{
	double deviation = INFINITY;

	for (size_t i = 0; i < work->n; i++) {
		double size = fmax(fitted->y[i], fitted->least);

		work->weights[i] = 1 / (size * size);
	}
	for (int i = 0; i < ITERATIONS; i++) {
		fit_columns(work->points, fitted->y, work->weights, work->n, gap_ns, fit);
		deviation = weigh(work, fitted, fit, gap_ns);
	}
	return deviation;
}

/* A gap has to be better by some hundredths than those before: each one is a way to fit noise. */
static double choose_gap(struct work *work)
{
	const struct fitted sums = {work->sums, 1};
	double best = INFINITY, best_gap_ns = 0;
	struct column_fit fit;

	for (size_t i = 0; i < ARRAY_SIZE(gaps_ns); i++) {
		double deviation = fit_robustly(work, &sums, gaps_ns[i], &fit);

		if (deviation < best * 0.97) {
			best = deviation;
			best_gap_ns = gaps_ns[i];
			memcpy(work->kept_weights, work->weights, work->n * sizeof(double));
		}
	}
	return best_gap_ns;
}

/* What is not the workspace's is not in proportion to what is, and has weights of its own. */
static void fit_part(struct work *work, enum profile_part part, double gap_ns,
		     struct profile_cost *cost)
{
	struct fitted others = {work->part, LEAST_HOST_NS};
	struct column_fit fit;

	/* all points count the same: relative to themselves, those that noise made small would win */
	for (size_t i = 0; i < work->n; i++) {
		work->part[i] = work->points[i].parts[part];
		others.least = fmax(others.least, work->part[i]);
	}
	if (part < PROFILE_WORKSPACE_PARTS)
		fit_columns(work->points, work->part, work->kept_weights, work->n, gap_ns, &fit);
	else
		fit_robustly(work, &others, gap_ns, &fit);
	cost->unit_ns = fit.coefficients[0];
	cost->byte_ns = fit.coefficients[1];
	cost->wakeup_ns = fit.coefficients[2];
}

static double sum_of_parts(const double *parts)
{
	double sum = 0;

	for (int i = 0; i < PROFILE_WORKSPACE_PARTS; i++)
		sum += parts[i];
	return sum;
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

/* Ordinary points first; connections cost what is left over, alone, so their median will do. */
static void fit_connections(const struct fit_point *points, size_t n, double *scratch,
			    struct profile_operation *operation)
{
	for (int part = 0; part < PROFILE_PARTS; part++) {
		size_t found = 0;

		for (size_t i = 0; i < n; i++) {
			if (points[i].connections > 0 && points[i].units <= 0)
				scratch[found++] = points[i].parts[part] / points[i].connections;
		}
		if (!found)
			return;
		qsort(scratch, found, sizeof(double), compare_doubles);
		operation->cost[part].connection_ns = fmax(quantile_of(scratch, found, 0.5), 0);
	}
}

static double forecast_payer(const struct profile_operation *operation,
			     const struct fit_point *point, enum profile_payer payer)
{
	double parts[PROFILE_PARTS];

	for (int i = 0; i < PROFILE_PARTS; i++) {
		const struct profile_cost *cost = &operation->cost[i];

		parts[i] = cost->unit_ns * point->units + cost->byte_ns * point->bytes +
			   cost->connection_ns * point->connections +
			   cost->wakeup_ns * wakeups(point->units, operation->gap_ns);
	}
	return payer_cost(parts, payer);
}

/* Both the sample's quantile and that of a normal distribution: few points have no tail to speak of. */
static double upper_of(double *ratios, size_t n, double quantile, double mean)
{
	double variance = 0, sample, normal;

	for (size_t i = 0; i < n; i++)
		variance += (ratios[i] - mean) * (ratios[i] - mean) / (double)(n > 1 ? n - 1 : 1);
	qsort(ratios, n, sizeof(double), compare_doubles);
	sample = quantile_of(ratios, n, quantile);
	normal = mean + 1.645 * sqrt(variance);
	return fmax(1, fmax(sample, normal));
}

/* R2 and residuals. */
static void judge_fit(const struct fit_point *points, size_t n, enum profile_payer payer,
		      struct profile_operation *operation)
{
	struct profile_fit *fit = &operation->fit[payer];
	double mean = 0, total = 0, left = 0;

	for (size_t i = 0; i < n; i++)
		mean += payer_cost(points[i].parts, payer) / (double)n;
	for (size_t i = 0; i < n; i++) {
		double measured = payer_cost(points[i].parts, payer);
		double expected = forecast_payer(operation, &points[i], payer);
		double deviation = measured > 0 ? fabs(measured - expected) / measured : 0;

		total += (measured - mean) * (measured - mean);
		left += (measured - expected) * (measured - expected);
		fit->residual_mean += deviation / (double)n;
		fit->residual_worst = fmax(fit->residual_worst, deviation);
	}
	fit->r2 = total > 0 ? fmax(0, 1 - left / total) : 0;
}

/* Whether two points are measurements of one load: what was sent differs a little from time to time. */
static bool is_same_load(const struct fit_point *a, const struct fit_point *b)
{
	return fabs(a->units - b->units) <= 0.05 * a->units &&
	       fabs(a->bytes - b->bytes) <= 0.05 * a->bytes &&
	       fabs(a->connections - b->connections) <= 0.05 * a->connections;
}

/*
 * Measurements of one load follow each other, and their median is what is judged: one that was disturbed says
 * nothing of what I/O costs. What is the host's or nobody's is little, and a multiple of next to nothing
 * says nothing either: below the least that can be told from the host's own work it counts as that.
 */
static void judge_upper(const struct fit_point *points, size_t n, double quantile, double *ratios,
			enum profile_payer payer, struct profile_operation *operation)
{
	double least = payer == PROFILE_PAYER_WORKSPACE ? 0 : LEAST_HOST_NS, mean = 0;
	size_t found = 0, first = 0;

	for (size_t i = 0; i < n; i++) {
		double expected = forecast_payer(operation, &points[i], payer) + least;
		size_t of_load = i + 1 - first;

		/* the ratios of this load are gathered behind those that stay */
		ratios[found + of_load - 1] =
			expected > 0 ? (payer_cost(points[i].parts, payer) + least) / expected : 1;
		if (i + 1 < n && is_same_load(&points[i], &points[i + 1]))
			continue;
		qsort(ratios + found, of_load, sizeof(double), compare_doubles);
		ratios[found] = quantile_of(ratios + found, of_load, 0.5);
		mean += ratios[found++];
		first = i + 1;
	}
	if (found)
		operation->fit[payer].upper =
			upper_of(ratios, found, quantile, mean / (double)found);
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

static bool is_ordinary(const struct fit_point *point)
{
	return point->units > 0 && sum_of_parts(point->parts) > 0;
}

/* Returns how many. */
static size_t choose_ordinary(const struct fit_point *points, size_t n, struct fit_point *chosen)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_ordinary(&points[i]))
			chosen[found++] = points[i];
	}
	return found;
}

bool fit_has_enough(const struct fit_point *points, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += is_ordinary(&points[i]);
	return found >= FIT_POINTS_MIN;
}

int fit_operation(const struct fit_point *points, size_t n, double quantile,
		  struct profile_operation *operation)
{
	_cleanup_free_ struct fit_point *chosen = calloc(n + 1, sizeof(*chosen));
	_cleanup_free_ double *doubles = calloc(6 * (n + 1), sizeof(*doubles));
	struct work work;

	if (!chosen || !doubles)
		return -ENOMEM;
	work = (struct work){
		.points = chosen,
		.n = choose_ordinary(points, n, chosen),
		.sums = doubles,
		.weights = doubles + (n + 1),
		.kept_weights = doubles + 2 * (n + 1),
		.deviations = doubles + 3 * (n + 1),
		.scratch = doubles + 4 * (n + 1),
		.part = doubles + 5 * (n + 1),
	};
	if (work.n < FIT_POINTS_MIN)
		return -EDOM;
	for (size_t i = 0; i < work.n; i++)
		work.sums[i] = sum_of_parts(chosen[i].parts);
	operation->gap_ns = choose_gap(&work);
	for (int part = 0; part < PROFILE_PARTS; part++)
		fit_part(&work, (enum profile_part)part, operation->gap_ns, &operation->cost[part]);
	fit_connections(points, n, work.scratch, operation);
	for (enum profile_payer payer = 0; payer < PROFILE_PAYERS; payer++) {
		operation->fit[payer] = (struct profile_fit){.upper = 1};
		judge_fit(points, n, payer, operation);
		judge_upper(points, n, quantile, work.scratch, payer, operation);
	}
	return keep_points(points, n, operation);
}
