/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Weighted least squares without negative coefficients, and weights that make it robust. Pure. */
#include <stddef.h>

struct least_squares {
	size_t n;      /* coefficients */
	double *gram;  /* n x n: sums of products of columns */
	double *right; /* n: of columns and what is to be fitted */
	double ridge;
	const double *prior; /* n, borrowed; NULL: zero */
};

/*
 * RIDGE is how strongly coefficients are drawn to the prior, as a share of what all rows together say of each; those
 * most of which the rows tell least apart from others. Enough of it, and they do not follow the noise. -ENOMEM.
 */
int least_squares_open(size_t n, double ridge, struct least_squares *squares);
void least_squares_close(struct least_squares *squares);
void least_squares_reset(struct least_squares *squares);

/* A row: Y, and K columns that are not zero, WHICH and VALUES. */
struct least_squares_row {
	const size_t *which;
	const double *values;
	size_t k;
	double y, weight;
};
void least_squares_add(struct least_squares *squares, const struct least_squares_row *row);

/* AT[n] is where it begins, and where it ends: the best coefficients. */
void least_squares_solve(const struct least_squares *squares, double *at);

/* From deviations, all at least 0, to weights of at most 1 (Huber). SCRATCH is of N too. */
void least_squares_weigh(const double *deviations, size_t n, double *scratch, double *weights);

/* Interpolated; SORTED is in order and not empty. */
double least_squares_quantile(const double *sorted, size_t n, double quantile);
void least_squares_sort(double *values, size_t n);
