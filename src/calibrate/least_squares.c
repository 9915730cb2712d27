// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Coordinate descent on the normal equations: each coefficient in turn is set to the best value it can have beside
 * the others, or to zero where that is negative. The function is convex, so it ends at the minimum (Franc,
 * Hlavac, Navara: "Sequential coordinate-wise algorithm for the non-negative least squares problem", 2005).
 */
#include "calibrate/least_squares.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SWEEPS_MAX 20000
#define CONVERGED 1e-9 /* no coefficient moves by more, relative to itself */
#define HUBER 1.345    /* Huber, "Robust Statistics", 1981, 7.8 */
#define LEAST_SCALE 0.005

int least_squares_open(size_t n, double ridge, struct least_squares *squares)
{
	double *doubles = calloc(n * n + n + 1, sizeof(*doubles));

	if (!doubles)
		return -ENOMEM;
	*squares = (struct least_squares){
		.n = n, .gram = doubles, .right = doubles + n * n, .ridge = ridge};
	return 0;
}

void least_squares_close(struct least_squares *squares)
{
	free(squares->gram);
	*squares = (struct least_squares){0};
}

void least_squares_reset(struct least_squares *squares)
{
	memset(squares->gram, 0, (squares->n * squares->n + squares->n) * sizeof(double));
}

void least_squares_add(struct least_squares *squares, const struct least_squares_row *row)
{
	for (size_t i = 0; i < row->k; i++) {
		double weighted = row->weight * row->values[i];
		double *line = &squares->gram[row->which[i] * squares->n];

		squares->right[row->which[i]] += weighted * row->y;
		for (size_t j = 0; j < row->k; j++)
			line[row->which[j]] += weighted * row->values[j];
	}
}

/* Returns whether a coefficient still moved. */
static bool sweep(const struct least_squares *squares, double *at)
{
	bool moved = false;

	for (size_t i = 0; i < squares->n; i++) {
		const double *line = &squares->gram[i * squares->n];
		double left = squares->right[i] + line[i] * at[i], best;

		if (line[i] <= 0)
			continue;
		for (size_t j = 0; j < squares->n; j++)
			left -= line[j] * at[j];
		if (squares->prior)
			left += squares->ridge * line[i] * squares->prior[i];
		best = fmax(0, left / (line[i] * (1 + squares->ridge)));
		moved |= fabs(best - at[i]) > CONVERGED * fmax(best, at[i]);
		at[i] = best;
	}
	return moved;
}

void least_squares_solve(const struct least_squares *squares, double *at)
{
	for (int i = 0; i < SWEEPS_MAX && sweep(squares, at); i++)
		;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void least_squares_sort(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
}

double least_squares_quantile(const double *sorted, size_t n, double quantile)
{
	double at = quantile * (double)(n - 1);
	size_t below = (size_t)at;

	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

void least_squares_weigh(const double *deviations, size_t n, double *scratch, double *weights)
{
	double bound;

	if (!n)
		return;
	memcpy(scratch, deviations, n * sizeof(*scratch));
	least_squares_sort(scratch, n);
	/* 1.4826 times the median deviation is the standard deviation where errors are normal */
	bound = HUBER * fmax(1.4826 * least_squares_quantile(scratch, n, 0.5), LEAST_SCALE);
	for (size_t i = 0; i < n; i++)
		weights[i] = deviations[i] <= bound ? 1 : bound / deviations[i];
}
