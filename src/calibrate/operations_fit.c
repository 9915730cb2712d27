// SPDX-License-Identifier: GPL-2.0-or-later
/* From all measurements to a profile. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "calibrate/busy.h"
#include "calibrate/least_squares.h"
#include "calibrate/operations.h"

#define TOGETHER 4
#define LEAST_SHARED_NS 2e6 /* below that, it drowns in the host's own work */
#define HOST_RIDGE 0.3	    /* of one load little can be told from its group's */
#define NOBODY_RIDGE 0.03

enum { GROUP_NET, GROUP_DISK, GROUP_OWN };

static const enum profile_payer payer_of[OPERATIONS_SHARED] = {
	[OPERATIONS_HOST] = PROFILE_PAYER_HOST,
	[OPERATIONS_HOST_NET] = PROFILE_PAYER_HOST,
	[OPERATIONS_NOBODY] = PROFILE_PAYER_UNATTRIBUTED,
};

/* The last cost is of what is there with any load: a unit in every round, and a byte for each ns of others' programs. */
struct shared_result {
	struct shared_cost *costs;
	const struct shared_cost *own;
};

static void add_own_work(struct operations *operations)
{
	for (int shared = 0; shared < OPERATIONS_SHARED; shared++) {
		for (size_t i = 0; i < operations->n_rounds; i++) {
			struct shared_round *round = &operations->rounds[shared][i];

			round->loads[round->n++] = (struct shared_load){
				.of = operations->n,
				.at = {.units = 1, .bytes = operations->others[i].programs_ns},
			};
		}
	}
}

/* What of ROUND is of no load. */
static double own_forecast(const struct shared_round *round, const struct shared_result *result)
{
	const struct shared_round own = {.n = 1, .loads = {round->loads[round->n - 1]}};

	return shared_forecast(&own, result->costs);
}

/* Of one payer in a round, all that he is charged together. */
struct paid {
	double measured, expected, own; /* the last is part of the second */
};

static struct paid paid_in(const struct operations *operations, const struct shared_result *results,
			   enum profile_payer payer, size_t number)
{
	struct paid paid = {0};

	for (int shared = 0; shared < OPERATIONS_SHARED; shared++) {
		const struct shared_round *round = &operations->rounds[shared][number];

		if (payer_of[shared] != payer)
			continue;
		paid.measured += round->cost_ns;
		paid.expected += shared_forecast(round, results[shared].costs);
		paid.own += own_forecast(round, &results[shared]);
	}
	return paid;
}

/* Returns how many there are: one for TOGETHER rounds. */
static size_t gather_ratios(const struct operations *operations,
			    const struct shared_result *results, enum profile_payer payer,
			    double *ratios)
{
	size_t n = operations->n_rounds / TOGETHER;

	for (size_t i = 0; i < n; i++) {
		double measured = LEAST_SHARED_NS, expected = LEAST_SHARED_NS;

		for (size_t r = i; r < n * TOGETHER; r += n) {
			struct paid paid = paid_in(operations, results, payer, r);

			measured += fmax(0, paid.measured - paid.own);
			expected += paid.expected - paid.own;
		}
		ratios[i] = measured / expected;
	}
	return n;
}

/*
 * Little, and a multiple of next to nothing says nothing: everything counts as LEAST_SHARED_NS more. The quantile is
 * over some rounds together, which are far from each other: a promise is kept over seconds. RATIOS are of as many as rounds.
 */
static struct profile_fit judge_shared(const struct operations *operations,
				       const struct shared_result *results,
				       enum profile_payer payer, double quantile, double *ratios)
{
	struct profile_fit fit = {0};
	size_t n = operations->n_rounds;
	double mean = 0, total = 0, left = 0;

	for (size_t i = 0; i < n; i++)
		mean += paid_in(operations, results, payer, i).measured / (double)n;
	for (size_t i = 0; i < n; i++) {
		struct paid paid = paid_in(operations, results, payer, i);
		double off = paid.measured - paid.expected;
		double deviation = fabs(off) / (paid.measured + LEAST_SHARED_NS);

		total += (paid.measured - mean) * (paid.measured - mean);
		left += off * off;
		fit.residual_mean += deviation / (double)n;
		fit.residual_worst = fmax(fit.residual_worst, deviation);
	}
	fit.r2 = total > 0 ? fmax(0, 1 - left / total) : 0;
	fit.upper = fit_upper(ratios, gather_ratios(operations, results, payer, ratios), quantile);
	return fit;
}

static int fit_shared(const struct operations *operations, enum operations_shared shared,
		      struct shared_result *result)
{
	static const struct shared_way ways[OPERATIONS_SHARED] = {
		[OPERATIONS_HOST] = {LEAST_SHARED_NS, HOST_RIDGE},
		[OPERATIONS_HOST_NET] = {LEAST_SHARED_NS, HOST_RIDGE},
		[OPERATIONS_NOBODY] = {LEAST_SHARED_NS, NOBODY_RIDGE},
	};
	struct shared_cost *costs = calloc(operations->n + 1, sizeof(*costs));

	if (!costs)
		return -ENOMEM;
	*result = (struct shared_result){.costs = costs, .own = &costs[operations->n]};
	for (size_t i = 0; i < operations->n; i++) {
		costs[i].pooled = payer_of[shared] == PROFILE_PAYER_HOST;
		costs[i].gap_ns = costs[i].pooled ? OPERATIONS_HOST_GAP_NS : FLOW_TICK_NS;
		costs[i].group = operations->all[i].kind >= PROFILE_READ ? GROUP_DISK : GROUP_NET;
	}
	costs[operations->n].group = GROUP_OWN;
	return shared_fit(operations->rounds[shared], operations->n_rounds, &ways[shared], costs,
			  operations->n + 1);
}

/* What is left of its round's cost when the other loads have had what they are forecast to cost. */
static double partial_cost(const struct operations *operations, enum operations_shared shared,
			   const struct shared_result *result,
			   const struct operation_origin *origin)
{
	struct shared_round rest = operations->rounds[shared][origin->round];

	rest.loads[origin->load] = rest.loads[--rest.n];
	return fmax(0, rest.cost_ns - shared_forecast(&rest, result->costs)) * origin->share;
}

/*
 * What the kernel's own threads took, in ns per second, and of it what they do for a wake-up for connections and for a byte
 * that was read through the page cache.
 */
struct threads_result {
	double own_ns, connection_ns, byte_ns;
};

/* What of the threads' time in a round is for loads. */
static double threads_for(const struct threads_result *threads,
			  const struct operations_others *round)
{
	return threads->connection_ns * round->connection_wakeups +
	       threads->byte_ns * round->cached_bytes;
}

enum { BY_CONNECTIONS, BY_BYTES, BY };

static void values_of(const struct operations_others *round, double values[static BY])
{
	values[BY_CONNECTIONS] = round->connection_wakeups;
	values[BY_BYTES] = round->cached_bytes;
}

/* Of all rounds: means, and how the threads' time changes with each. */
struct slopes {
	double means[BY], rcu_mean, at[BY];
};

static void find_means(const struct operations *operations, struct slopes *slopes)
{
	double n = (double)operations->n_rounds, values[BY];

	for (size_t i = 0; i < operations->n_rounds; i++) {
		values_of(&operations->others[i], values);
		slopes->rcu_mean += operations->others[i].rcu_ns / n;
		for (int k = 0; k < BY; k++)
			slopes->means[k] += values[k] / n;
	}
}

/* What ROUND deviates by from the means. */
static void deviations_of(const struct slopes *slopes, const struct operations_others *round,
			  double values[static BY])
{
	values_of(round, values);
	for (int k = 0; k < BY; k++)
		values[k] -= slopes->means[k];
}

static void find_slopes(const struct operations *operations, struct least_squares *squares,
			struct slopes *slopes)
{
	static const size_t which[BY] = {BY_CONNECTIONS, BY_BYTES};

	for (size_t i = 0; i < operations->n_rounds; i++) {
		double values[BY];
		const struct least_squares_row row = {
			.which = which,
			.values = values,
			.k = BY,
			.y = operations->others[i].rcu_ns - slopes->rcu_mean,
			.weight = 1,
		};

		deviations_of(slopes, &operations->others[i], values);
		least_squares_add(squares, &row);
	}
	least_squares_solve(squares, slopes->at);
}

/* The variance of what is left, per round. */
static double left_by(const struct operations *operations, const struct slopes *slopes)
{
	double left = 0, values[BY];

	for (size_t i = 0; i < operations->n_rounds; i++) {
		double deviation = operations->others[i].rcu_ns - slopes->rcu_mean;

		deviations_of(slopes, &operations->others[i], values);
		for (int k = 0; k < BY; k++)
			deviation -= slopes->at[k] * values[k];
		left += deviation * deviation / (double)operations->n_rounds;
	}
	return left;
}

/*
 * A plane through what RCU's threads took in all rounds: the others have clocks of their own, and nothing to do with
 * connections or the page cache. What it owes to luck is taken off a slope as far as can be told: the variance of it is that
 * of what is left, by how far apart the rounds are.
 */
static int fit_threads(const struct operations *operations, struct threads_result *result)
{
	_cleanup_(least_squares_close) struct least_squares squares = {0};
	struct slopes slopes = {0};
	double left, threads = 0;

	if (least_squares_open(BY, 0, &squares) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < operations->n_rounds; i++)
		threads += operations->others[i].threads_ns / (double)operations->n_rounds;
	find_means(operations, &slopes);
	find_slopes(operations, &squares, &slopes);
	left = left_by(operations, &slopes);
	for (int k = 0; k < BY; k++) {
		double square = slopes.at[k] * slopes.at[k];

		if (square > 0)
			slopes.at[k] *= square / (square + left / squares.gram[k * BY + k]);
		threads -= slopes.at[k] * slopes.means[k];
	}
	*result = (struct threads_result){.own_ns = fmax(0, threads),
					  .connection_ns = slopes.at[BY_CONNECTIONS],
					  .byte_ns = slopes.at[BY_BYTES]};
	return 0;
}

static void add_cost(struct profile_cost *to, const struct profile_cost *cost, double share)
{
	to->unit_ns += cost->unit_ns * share;
	to->byte_ns += cost->byte_ns * share;
	to->connection_ns += cost->connection_ns * share;
	to->wakeup_ns += cost->wakeup_ns * share;
	to->connection_wakeup_ns += cost->connection_wakeup_ns * share;
}

static void add_shared(const struct operations *operations, enum operations_shared shared,
		       const struct shared_result *result, struct operation_points *from,
		       struct profile_operation *to)
{
	enum profile_part part = payer_of[shared] == PROFILE_PAYER_HOST ? PROFILE_HOST
									: PROFILE_UNATTRIBUTED;
	const struct operation_origin *origin = &from->origins[0];
	const struct shared_round *round = &operations->rounds[shared][origin->round];

	add_cost(&to->cost[part], &result->costs[round->loads[origin->load].of].cost,
		 origin->share);
	for (size_t i = 0; i < from->n; i++)
		from->points[i].parts[part] +=
			partial_cost(operations, shared, result, &from->origins[i]);
}

static bool has_connections(const struct operation_points *points)
{
	bool has = false;

	for (size_t i = 0; i < points->n; i++)
		has |= points->points[i].connections > 0;
	return has;
}

/* What is found of all operations together. */
struct common {
	struct shared_result shared[OPERATIONS_SHARED];
	struct profile_fit fits[PROFILE_PAYERS]; /* but of the workspaces */
	struct threads_result threads;
	double busy_shares[PROFILE_KINDS];
};

static void free_common(struct common *common)
{
	for (size_t i = 0; i < ARRAY_SIZE(common->shared); i++)
		free(common->shared[i].costs);
}

/*
 * What a plan has of the host when it says how busy that will be: its base, what loads and programs cost it beside, and
 * these programs themselves. In ns/s of round NUMBER, as fitted.
 */
static double host_in(const struct operations *operations, const struct common *common,
		      size_t number)
{
	const struct operations_others *others = &operations->others[number];
	struct paid host = paid_in(operations, common->shared, PROFILE_PAYER_HOST, number);
	struct paid nobody =
		paid_in(operations, common->shared, PROFILE_PAYER_UNATTRIBUTED, number);

	return host.expected + nobody.expected - nobody.own + common->threads.own_ns +
	       threads_for(&common->threads, others) + others->programs_ns;
}

static int find_busy(struct operations *operations, uint32_t cpus, struct common *common)
{
	_cleanup_free_ double *hosts = calloc(operations->n_rounds + 1, sizeof(*hosts));

	if (!hosts)
		return -ENOMEM;
	for (size_t i = 0; i < operations->n_rounds; i++)
		hosts[i] = host_in(operations, common, i);
	return busy_find(operations, cpus, hosts, common->busy_shares);
}

static int find_common(struct operations *operations, const struct profile *profile,
		       struct common *common)
{
	_cleanup_free_ double *ratios = calloc(operations->n_rounds + 1, sizeof(*ratios));
	int r;

	if (!ratios)
		return -ENOMEM;
	r = fit_threads(operations, &common->threads);
	add_own_work(operations);
	for (enum operations_shared shared = 0; r == 0 && shared < OPERATIONS_SHARED; shared++)
		r = fit_shared(operations, shared, &common->shared[shared]);
	if (r == 0)
		r = find_busy(operations, profile->host.cpus, common);
	for (enum profile_payer payer = PROFILE_PAYER_HOST; r == 0 && payer < PROFILE_PAYERS;
	     payer++)
		common->fits[payer] =
			judge_shared(operations, common->shared, payer, profile->quantile, ratios);
	return r;
}

static int fit_one(const struct operations *operations, const struct common *common,
		   struct operation_points *from, struct profile *profile)
{
	struct profile_operation *to = profile_add_operation(profile);

	if (!to)
		return -ENOMEM;
	operations_prepare(from, profile->host.cpus, to);
	to->busy_share = common->busy_shares[from->kind];
	to->fit[PROFILE_PAYER_HOST] = common->fits[PROFILE_PAYER_HOST];
	to->fit[PROFILE_PAYER_UNATTRIBUTED] = common->fits[PROFILE_PAYER_UNATTRIBUTED];
	for (enum operations_shared shared = 0; shared < OPERATIONS_SHARED; shared++)
		add_shared(operations, shared, &common->shared[shared], from, to);
	if (has_connections(from))
		to->connection_threads_ns = common->threads.connection_ns * from->origins[0].share;
	to->cost[PROFILE_HOST].connection_wakeup_ns += to->connection_threads_ns;
	if (from->kind == PROFILE_READ && from->mode == PROFILE_BUFFERED)
		to->byte_threads_ns = common->threads.byte_ns;
	to->cost[PROFILE_HOST].byte_ns += to->byte_threads_ns;
	return fit_operation(from->points, from->n, profile->quantile, to);
}

/*
 * All rounds count alike for the mean, as nothing of it is a disturbance. The quantile is over some rounds together,
 * as in judge_shared.
 */
static int fit_base(const struct operations *operations, const struct common *common,
		    struct profile *profile)
{
	size_t n = operations->n_rounds / TOGETHER;
	_cleanup_free_ double *together = calloc(n + 1, sizeof(*together));
	double cpus = fmax(1, profile->host.cpus), mean = common->threads.own_ns, upper = 0;
	double own_ns = 0;

	if (!together)
		return -ENOMEM;
	for (int shared = 0; shared < OPERATIONS_SHARED; shared++) {
		if (payer_of[shared] != PROFILE_PAYER_HOST)
			continue;
		own_ns += common->shared[shared].own->cost.unit_ns;
		profile->base.programs_share += common->shared[shared].own->cost.byte_ns;
	}
	for (size_t i = 0; i < n * TOGETHER; i++)
		together[i % n] += (operations->others[i].threads_ns -
				    threads_for(&common->threads, &operations->others[i])) /
				   TOGETHER;
	least_squares_sort(together, n);
	if (n)
		upper = least_squares_quantile(together, n, profile->quantile);
	profile->base.host_cpu_ns = (own_ns + mean) / cpus;
	profile->base.threads_cpu_ns = mean / cpus;
	profile->base.host_cpu_upper_ns = (own_ns + fmax(mean, upper)) / cpus;
	return 0;
}

/* As far as any load was measured, since what it does is one for all of a kind. */
static void set_busy_most(struct profile *profile)
{
	double most = 0;

	for (size_t i = 0; i < profile->n_operations; i++)
		most = fmax(most, profile->operations[i].busy_most);
	for (size_t i = 0; i < profile->n_operations; i++)
		profile->operations[i].busy_most = most;
}

int operations_fit(struct operations *operations, unsigned int what, struct profile *profile)
{
	_cleanup_(free_common) struct common common = {0};
	int r = find_common(operations, profile, &common);

	if (r == 0)
		r = fit_base(operations, &common, profile);
	for (size_t i = 0; r == 0 && i < operations->n; i++) {
		struct operation_points *from = &operations->all[i];

		if ((from->part & what) && fit_has_enough(from->points, from->n))
			r = fit_one(operations, &common, from, profile);
	}
	set_busy_most(profile);
	return r;
}
