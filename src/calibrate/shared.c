// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/shared.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "calibrate/least_squares.h"

#define COLUMNS 5 /* units, bytes, wake-ups, connections, wake-ups for those */
#define ITERATIONS 8
#define RIDGE 0.002 /* many coefficients, of which each round tells only a sum */

static void columns_of(const struct fit_point *point, double gap_ns, double columns[COLUMNS])
{
	columns[0] = point->units;
	columns[1] = point->bytes;
	columns[2] = fit_wakeups(point->units, gap_ns);
	columns[3] = point->connections;
	columns[4] = fit_wakeups(point->connections, gap_ns);
}

static double cost_of(const struct shared_cost *cost, const struct fit_point *point)
{
	double columns[COLUMNS];

	columns_of(point, cost->gap_ns, columns);
	return cost->cost.unit_ns * columns[0] + cost->cost.byte_ns * columns[1] +
	       cost->cost.wakeup_ns * columns[2] + cost->cost.connection_ns * columns[3] +
	       cost->cost.connection_wakeup_ns * columns[4];
}

double shared_forecast(const struct shared_round *round, const struct shared_cost *costs)
{
	double sum = 0;

	for (size_t i = 0; i < round->n; i++)
		sum += cost_of(&costs[round->loads[i].of], &round->loads[i].at);
	return sum;
}

static double size_of(const struct shared_round *round, double least_ns)
{
	return fmax(round->cost_ns, least_ns);
}

static void add_round(struct least_squares *squares, const struct shared_round *round,
		      const struct shared_cost *costs, double weight)
{
	double values[SHARED_LOADS_MAX * COLUMNS];
	size_t which[SHARED_LOADS_MAX * COLUMNS];
	const struct least_squares_row row = {
		.which = which,
		.values = values,
		.k = round->n * COLUMNS,
		.y = round->cost_ns,
		.weight = weight,
	};

	for (size_t i = 0; i < round->n; i++) {
		const struct shared_load *load = &round->loads[i];

		columns_of(&load->at, costs[load->of].gap_ns, &values[i * COLUMNS]);
		for (size_t c = 0; c < COLUMNS; c++)
			which[i * COLUMNS + c] = load->of * COLUMNS + c;
	}
	least_squares_add(squares, &row);
}

static void take_costs(const double *at, struct shared_cost *costs, size_t n)
{
	for (size_t i = 0; i < n; i++, at += COLUMNS)
		costs[i].cost = (struct profile_cost){
			.unit_ns = at[0],
			.byte_ns = at[1],
			.wakeup_ns = at[2],
			.connection_ns = at[3],
			.connection_wakeup_ns = at[4],
		};
}

struct work {
	double *at; /* coefficients */
	double *weights, *deviations, *scratch;
};

static void fit_robustly(const struct shared_round *rounds, size_t n, double least_ns,
			 struct shared_cost *costs, struct least_squares *squares,
			 const struct work *work)
{
	for (size_t i = 0; i < n; i++)
		work->weights[i] = 1;
	for (int iteration = 0; iteration < ITERATIONS; iteration++) {
		least_squares_reset(squares);
		for (size_t i = 0; i < n; i++) {
			double size = size_of(&rounds[i], least_ns);

			add_round(squares, &rounds[i], costs, work->weights[i] / (size * size));
		}
		least_squares_solve(squares, work->at);
		take_costs(work->at, costs, squares->n / COLUMNS);
		for (size_t i = 0; i < n; i++)
			work->deviations[i] =
				fabs(shared_forecast(&rounds[i], costs) - rounds[i].cost_ns) /
				size_of(&rounds[i], least_ns);
		least_squares_weigh(work->deviations, n, work->scratch, work->weights);
	}
}

int shared_fit(const struct shared_round *rounds, size_t n, double least_ns,
	       struct shared_cost *costs, size_t n_costs)
{
	_cleanup_free_ double *doubles = calloc(n_costs * COLUMNS + 3 * n + 1, sizeof(*doubles));
	_cleanup_(least_squares_close) struct least_squares squares = {0};
	struct work work;

	if (!doubles || least_squares_open(n_costs * COLUMNS, RIDGE, &squares) < 0)
		return -ENOMEM;
	work.at = doubles;
	work.weights = work.at + n_costs * COLUMNS;
	work.deviations = work.weights + n;
	work.scratch = work.deviations + n;
	fit_robustly(rounds, n, least_ns, costs, &squares, &work);
	return 0;
}
