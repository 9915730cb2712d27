// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/shared.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "calibrate/least_squares.h"

#define COLUMNS 5 /* units, bytes, wake-ups, connections, wake-ups for those */
#define ITERATIONS 8
#define RIDGE_OF_GROUPS 1e-4

/* What is done once for the connections of all loads is each one's by how many are its: as plan/extrapolate.c has it. */
static double connection_wakeups(const struct shared_cost *cost, const struct fit_point *point)
{
	double all = fmax(point->all_connections, point->connections);

	if (!cost->pooled || all <= 0)
		return fit_wakeups(point->connections, cost->gap_ns);
	return fit_wakeups(all, cost->gap_ns) * (point->connections / all);
}

static void columns_of(const struct shared_cost *cost, const struct fit_point *point,
		       double columns[COLUMNS])
{
	columns[0] = point->units;
	columns[1] = point->bytes;
	columns[2] = fit_wakeups(point->units, cost->gap_ns);
	columns[3] = point->connections;
	columns[4] = connection_wakeups(cost, point);
}

static double cost_of(const struct shared_cost *cost, const struct fit_point *point)
{
	double columns[COLUMNS];

	columns_of(cost, point, columns);
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

/*
 * What deviations are relative to. Of what is forecast, not of what was measured: rounds that happened to cost little
 * would count more than those that happened to cost much, and the fit come out too low.
 */
static double size_of(const struct shared_round *round, const struct shared_cost *costs,
		      double least_ns, bool first)
{
	return fmax(first ? round->cost_ns : shared_forecast(round, costs), least_ns);
}

/* Which columns a load has: of its own, or of its group. */
static size_t first_column(const struct shared_cost *costs, size_t of, bool grouped)
{
	return (grouped ? costs[of].group : of) * COLUMNS;
}

struct fitting {
	const struct shared_round *rounds;
	size_t n;
	const struct shared_way *way;
	struct shared_cost *costs;
	bool grouped;
	struct least_squares squares;
	double *weights, *deviations, *scratch;
};

static void add_round(struct fitting *fitting, const struct shared_round *round, double weight)
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
		size_t first = first_column(fitting->costs, load->of, fitting->grouped);

		columns_of(&fitting->costs[load->of], &load->at, &values[i * COLUMNS]);
		for (size_t c = 0; c < COLUMNS; c++)
			which[i * COLUMNS + c] = first + c;
	}
	least_squares_add(&fitting->squares, &row);
}

static void take_costs(const double *at, bool grouped, struct shared_cost *costs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const double *of = &at[first_column(costs, i, grouped)];

		costs[i].cost = (struct profile_cost){
			.unit_ns = of[0],
			.byte_ns = of[1],
			.wakeup_ns = of[2],
			.connection_ns = of[3],
			.connection_wakeup_ns = of[4],
		};
	}
}

static void fit_robustly(struct fitting *fitting, size_t n_costs, double *at)
{
	for (size_t i = 0; i < fitting->n; i++)
		fitting->weights[i] = 1;
	for (int iteration = 0; iteration < ITERATIONS; iteration++) {
		least_squares_reset(&fitting->squares);
		for (size_t i = 0; i < fitting->n; i++) {
			double size = size_of(&fitting->rounds[i], fitting->costs,
					      fitting->way->least_ns, iteration == 0);

			add_round(fitting, &fitting->rounds[i],
				  fitting->weights[i] / (size * size));
		}
		least_squares_solve(&fitting->squares, at);
		take_costs(at, fitting->grouped, fitting->costs, n_costs);
		for (size_t i = 0; i < fitting->n; i++) {
			const struct shared_round *round = &fitting->rounds[i];

			fitting->deviations[i] =
				fabs(shared_forecast(round, fitting->costs) - round->cost_ns) /
				size_of(round, fitting->costs, fitting->way->least_ns, false);
		}
		least_squares_weigh(fitting->deviations, fitting->n, fitting->scratch,
				    fitting->weights);
	}
}

/* First all of a group as one, then each by itself, with its group's as what is known beforehand. */
static int fit_both(struct fitting *fitting, size_t n_costs, double *at, double *prior)
{
	double groups[SHARED_GROUPS * COLUMNS] = {0};

	if (least_squares_open(SHARED_GROUPS * COLUMNS, RIDGE_OF_GROUPS, &fitting->squares) < 0)
		return -ENOMEM;
	fitting->grouped = true;
	fit_robustly(fitting, n_costs, groups);
	least_squares_close(&fitting->squares);
	for (size_t i = 0; i < n_costs; i++)
		memcpy(&prior[i * COLUMNS], &groups[first_column(fitting->costs, i, true)],
		       COLUMNS * sizeof(double));
	if (least_squares_open(n_costs * COLUMNS, fitting->way->ridge, &fitting->squares) < 0)
		return -ENOMEM;
	fitting->grouped = false;
	fitting->squares.prior = prior;
	fit_robustly(fitting, n_costs, at);
	return 0;
}

int shared_fit(const struct shared_round *rounds, size_t n, const struct shared_way *way,
	       struct shared_cost *costs, size_t n_costs)
{
	size_t size = n_costs * COLUMNS;
	_cleanup_free_ double *doubles = calloc(2 * size + 3 * n + 1, sizeof(*doubles));
	struct fitting fitting = {.rounds = rounds, .n = n, .way = way, .costs = costs};
	int r;

	if (!doubles)
		return -ENOMEM;
	fitting.weights = doubles + 2 * size;
	fitting.deviations = fitting.weights + n;
	fitting.scratch = fitting.deviations + n;
	r = fit_both(&fitting, n_costs, doubles, doubles + size);
	least_squares_close(&fitting.squares);
	return r;
}
