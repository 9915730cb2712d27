/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What several loads at once cost somebody who works for all of them, the host: one figure a round, of
 * which each load has a part that nothing tells. With many rounds in ever other company the parts
 * can be told by regression. Pure.
 */
#include <stdbool.h>
#include <stddef.h>

#include "calibrate/fit.h"
#include "plan/profile.h"

#define SHARED_LOADS_MAX 8
#define SHARED_GROUPS 3

struct shared_load {
	size_t of; /* which of the costs */
	struct fit_point at;
};

/* A round: what was charged, in ns/s. */
struct shared_round {
	double cost_ns;
	struct shared_load loads[SHARED_LOADS_MAX];
	size_t n;
};

struct shared_cost {
	double gap_ns; /* given */
	size_t group;  /* given, less than SHARED_GROUPS: of those that cost much the same */
	bool pooled;   /* given: what is done for connections is done once for those of all loads */
	struct profile_cost cost;
};

struct shared_way {
	double least_ns; /* deviations of less than that are relative to it */
	double ridge; /* how strongly costs are drawn to those of their group (calibrate/least_squares.h) */
};

/*
 * Fits COSTS[0..N_COSTS), none of which is negative. Relative deviations count; those far outside the others count little.
 * What the rounds do not tell of one is taken to be as that of its group. Returns 0 or -ENOMEM.
 */
int shared_fit(const struct shared_round *rounds, size_t n, const struct shared_way *way,
	       struct shared_cost *costs, size_t n_costs);

/* What COSTS say of a round. */
double shared_forecast(const struct shared_round *round, const struct shared_cost *costs);
