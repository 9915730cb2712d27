// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/operations.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "calibrate/least_squares.h"
#include "calibrate/schedule.h"

/*
 * So many wake-ups a second, and half of them find a CPU asleep. What was measured on a virtual machine of two
 * CPUs follows it within a fifth from 500 to 2500 of them a CPU.
 */
#define AWAKE_PER_CPU 500
/*
 * What the host does for loads (ends of interrupts, ticks, and what RCU frees, which keeps the tick alive) it does once a
 * tick at most, however many connections or packets there are: as measured with 250 ticks a second.
 */
#define HOST_GAP_NS 4e6
#define TOGETHER 4
#define LEAST_SHARED_NS 2e6 /* below that, it drowns in the host's own work */
#define HOST_RIDGE 0.3	    /* of one load little can be told from its group's */
#define NOBODY_RIDGE 0.03

enum { GROUP_NET, GROUP_DISK, GROUP_OWN };

static const enum profile_part part_of_class[WIRE_CLASSES] = {
	[WIRE_NET_RX] = PROFILE_NET_RX,
	[WIRE_NET_TX] = PROFILE_NET_TX,
	[WIRE_BLOCK] = PROFILE_BLOCK,
	[WIRE_TIMER] = PROFILE_TIMER,
	[WIRE_TASKLET] = PROFILE_REST,
	[WIRE_SCHED] = PROFILE_REST,
	[WIRE_RCU] = PROFILE_REST,
	[WIRE_WORK] = PROFILE_WORK,
	[WIRE_WRITEBACK] = PROFILE_WRITEBACK,
	[WIRE_IRQ] = PROFILE_IRQ,
};

void operations_parts(const struct measure_charge *charge, double parts[static PROFILE_PARTS])
{
	memset(parts, 0, PROFILE_PARTS * sizeof(*parts));
	parts[PROFILE_OWN] = charge->own;
	for (int i = 0; i < WIRE_CLASSES; i++)
		parts[part_of_class[i]] += charge->behalf[i];
}

enum profile_kind operations_kind(const struct flow_spec *spec, bool receives)
{
	if (spec->kind == FLOW_READ)
		return PROFILE_READ;
	if (spec->kind == FLOW_WRITE)
		return PROFILE_WRITE;
	return receives ? PROFILE_RECEIVE : PROFILE_SEND;
}

enum profile_mode operations_mode(const struct flow_spec *spec)
{
	if (!flow_is_net(spec) && !spec->buffered)
		return PROFILE_DIRECT;
	if (spec->kind == FLOW_READ)
		return spec->sequential ? PROFILE_BUFFERED : PROFILE_RANDOM;
	if (spec->kind == FLOW_WRITE)
		return spec->synced ? PROFILE_SYNCED : PROFILE_BUFFERED;
	return spec->kind == FLOW_UDP ? PROFILE_UDP : PROFILE_TCP;
}

struct fit_point operations_load(const struct flow_spec *spec, const struct measure_flow *flow)
{
	struct fit_point load = {0};

	if (spec->kind == FLOW_CONNECT) {
		load.connections = flow->sent;
		return load;
	}
	load.units = flow->sent;
	load.bytes = flow->sent * schedule_unit_bytes(spec);
	return load;
}

/* Its index, or -ENOMEM. */
static ssize_t find(struct operations *operations, const struct operation_points *like)
{
	struct operation_points *grown;

	for (size_t i = 0; i < operations->n; i++) {
		const struct operation_points *found = &operations->all[i];

		if (found->kind == like->kind && found->mode == like->mode &&
		    strcmp(found->target, like->target) == 0)
			return (ssize_t)i;
	}
	grown = reallocarray(operations->all, operations->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	operations->all = grown;
	grown[operations->n] = *like;
	return (ssize_t)operations->n++;
}

static int add_point(struct operation_points *points, const struct fit_point *point,
		     const struct operation_origin *origin)
{
	struct fit_point *grown =
		reallocarray(points->points, points->n + 1, sizeof(*points->points));
	struct operation_origin *origins;

	if (!grown)
		return -ENOMEM;
	points->points = grown;
	origins = reallocarray(points->origins, points->n + 1, sizeof(*points->origins));
	if (!origins)
		return -ENOMEM;
	points->origins = origins;
	origins[points->n] = *origin;
	grown[points->n++] = *point;
	return 0;
}

static void note_range(struct operation_points *points, const struct flow_spec *spec,
		       const struct fit_point *point)
{
	uint32_t size = (uint32_t)schedule_unit_bytes(spec);

	if (spec->kind == FLOW_CONNECT)
		return;
	if (!points->size_least_bytes || size < points->size_least_bytes)
		points->size_least_bytes = size;
	if (size > points->size_most_bytes)
		points->size_most_bytes = size;
	points->units_most = fmax(points->units_most, point->units);
}

bool operations_is_workspace(const struct flow_spec *spec, enum site_workspace workspace)
{
	return !flow_is_net(spec) ||
	       !(workspace == SITE_O || (spec->path == SITE_LOCAL && site_is_of_host(workspace)));
}

/* Returns the operation's index, or -ENOMEM. */
static ssize_t add_side(struct operations *operations, const struct operations_sample *sample,
			const struct operation_origin *origin, bool receives)
{
	const struct flow_spec *spec = &sample->specs[origin->load];
	enum site_workspace workspace = receives ? spec->to : spec->from;
	struct fit_point point = operations_load(spec, &sample->figures->flows[origin->load]);
	struct operation_points like = {
		.kind = operations_kind(spec, receives),
		.mode = operations_mode(spec),
		.part = schedule_part(spec),
	};
	ssize_t index;
	int r;

	snprintf(like.target, sizeof(like.target), "%s",
		 flow_is_net(spec) ? site_path_name(spec->path) : sample->disk);
	index = find(operations, &like);
	if (index < 0)
		return index;
	operations_parts(&sample->figures->workspaces[workspace], point.parts);
	for (size_t i = 0; i < sample->n; i++)
		point.company += sample->figures->flows[i].wakeups;
	note_range(&operations->all[index], spec, &point);
	r = add_point(&operations->all[index], &point, origin);
	return r < 0 ? r : index;
}

/* The load as those who work for all see it is named after its first side's operation. */
static int add_load(struct operations *operations, const struct operations_sample *sample,
		    size_t load, struct shared_load *shared)
{
	const struct flow_spec *spec = &sample->specs[load];
	bool sends = operations_is_workspace(spec, spec->from);
	bool receives = flow_is_net(spec) && operations_is_workspace(spec, spec->to);
	const struct operation_origin origin = {
		.round = operations->n_rounds,
		.load = load,
		.share = sends && receives ? 0.5 : 1,
	};
	ssize_t first = sends ? add_side(operations, sample, &origin, false) : -1, second = first;

	if (sends && first < 0)
		return (int)first;
	if (receives)
		second = add_side(operations, sample, &origin, true);
	if (second < 0)
		return -ENOMEM;
	*shared = (struct shared_load){
		.of = (size_t)(sends ? first : second),
		.at = operations_load(spec, &sample->figures->flows[load]),
	};
	return 0;
}

static int add_round(struct operations *operations, const struct shared_round *round,
		     enum operations_shared payer)
{
	struct shared_round *grown =
		reallocarray(operations->rounds[payer], operations->n_rounds + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	operations->rounds[payer] = grown;
	grown[operations->n_rounds] = *round;
	return 0;
}

/* Of the host's: its threads' own time, and what they do that nobody queued. */
static double in_threads(const struct measure_charge *host)
{
	return host->own + host->behalf[WIRE_WORK] + host->behalf[WIRE_WRITEBACK];
}

static int add_others(struct operations *operations, const struct operations_sample *sample)
{
	const struct measure_figures *figures = sample->figures;
	struct operations_others *grown =
		reallocarray(operations->others, operations->n_rounds + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	operations->others = grown;
	grown[operations->n_rounds] = (struct operations_others){
		.threads_ns = in_threads(&figures->host),
		.programs_ns = figures->programs + figures->others,
	};
	for (size_t i = 0; i < sample->n; i++)
		grown[operations->n_rounds].connection_wakeups += fit_wakeups(
			operations_load(&sample->specs[i], &figures->flows[i]).connections,
			HOST_GAP_NS);
	return 0;
}

int operations_add(struct operations *operations, const struct operations_sample *sample)
{
	const struct measure_figures *figures = sample->figures;
	struct shared_round round = {.n = sample->n};
	int r = add_others(operations, sample);

	for (size_t i = 0; r == 0 && i < sample->n; i++)
		r = add_load(operations, sample, i, &round.loads[i]);
	round.cost_ns = measure_charge(&figures->host) - in_threads(&figures->host);
	if (r == 0)
		r = add_round(operations, &round, OPERATIONS_HOST);
	round.cost_ns = figures->unattributed;
	if (r == 0)
		r = add_round(operations, &round, OPERATIONS_NOBODY);
	if (r == 0)
		operations->n_rounds++;
	return r;
}

/* ---- the fit ---- */

/* The last cost is of what is there with any load: a unit in every round, and a byte for each ns of others' programs. */
struct shared_result {
	struct shared_cost *costs;
	double own_ns;
	struct profile_fit fit;
};

static void add_own_work(struct operations *operations)
{
	for (int payer = 0; payer < OPERATIONS_SHARED; payer++) {
		for (size_t i = 0; i < operations->n_rounds; i++) {
			struct shared_round *round = &operations->rounds[payer][i];

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

/* Returns how many there are: one for TOGETHER rounds. */
static size_t gather_ratios(const struct operations *operations, enum operations_shared payer,
			    const struct shared_result *result, double *ratios)
{
	size_t n = operations->n_rounds / TOGETHER;

	for (size_t i = 0; i < n; i++) {
		double measured = LEAST_SHARED_NS, expected = LEAST_SHARED_NS;

		for (size_t r = i; r < n * TOGETHER; r += n) {
			const struct shared_round *round = &operations->rounds[payer][r];

			double own = own_forecast(round, result);

			measured += fmax(0, round->cost_ns - own);
			expected += shared_forecast(round, result->costs) - own;
		}
		ratios[i] = measured / expected;
	}
	return n;
}

/*
 * Little, and a multiple of next to nothing says nothing: everything counts as LEAST_SHARED_NS more. The quantile is
 * over some rounds together, which are far from each other: a promise is kept over seconds.
 */
static void judge_shared(const struct operations *operations, enum operations_shared payer,
			 double quantile, double *ratios, struct shared_result *result)
{
	const struct shared_round *rounds = operations->rounds[payer];
	struct profile_fit *fit = &result->fit;
	size_t n = operations->n_rounds;
	double mean = 0, total = 0, left = 0;

	for (size_t i = 0; i < n; i++)
		mean += rounds[i].cost_ns / (double)n;
	for (size_t i = 0; i < n; i++) {
		double measured = rounds[i].cost_ns;
		double expected = shared_forecast(&rounds[i], result->costs);
		double deviation = fabs(measured - expected) / (measured + LEAST_SHARED_NS);

		total += (measured - mean) * (measured - mean);
		left += (measured - expected) * (measured - expected);
		fit->residual_mean += deviation / (double)n;
		fit->residual_worst = fmax(fit->residual_worst, deviation);
	}
	fit->r2 = total > 0 ? fmax(0, 1 - left / total) : 0;
	fit->upper = fit_upper(ratios, gather_ratios(operations, payer, result, ratios), quantile);
}

static int fit_shared(const struct operations *operations, enum operations_shared payer,
		      double quantile, struct shared_result *result)
{
	static const struct shared_way ways[OPERATIONS_SHARED] = {
		[OPERATIONS_HOST] = {LEAST_SHARED_NS, HOST_RIDGE},
		[OPERATIONS_NOBODY] = {LEAST_SHARED_NS, NOBODY_RIDGE},
	};
	_cleanup_free_ double *ratios = calloc(operations->n_rounds + 1, sizeof(*ratios));
	int r;

	*result = (struct shared_result){
		.costs = calloc(operations->n + 1, sizeof(*result->costs)),
	};
	if (!ratios || !result->costs)
		return -ENOMEM;
	for (size_t i = 0; i < operations->n; i++) {
		result->costs[i].gap_ns = payer == OPERATIONS_HOST ? HOST_GAP_NS : FLOW_TICK_NS;
		result->costs[i].group = operations->all[i].kind >= PROFILE_READ ? GROUP_DISK
										 : GROUP_NET;
	}
	result->costs[operations->n].group = GROUP_OWN;
	r = shared_fit(operations->rounds[payer], operations->n_rounds, &ways[payer], result->costs,
		       operations->n + 1);
	result->own_ns = result->costs[operations->n].cost.unit_ns;
	if (r == 0)
		judge_shared(operations, payer, quantile, ratios, result);
	return r;
}

/* What is left of its round's cost when the other loads have had what they are forecast to cost. */
static double partial_cost(const struct operations *operations, enum operations_shared payer,
			   const struct shared_result *result,
			   const struct operation_origin *origin)
{
	struct shared_round rest = operations->rounds[payer][origin->round];

	rest.loads[origin->load] = rest.loads[--rest.n];
	return fmax(0, rest.cost_ns - shared_forecast(&rest, result->costs)) * origin->share;
}

/* What the kernel's own threads took, of it what a wake-up for connections does, in ns per second and each. */
struct threads_result {
	double own_ns, connection_ns;
};

/*
 * A line through all rounds. What it owes to luck is taken off the slope as far as can be told: the variance of it is that of
 * what is left, by how far apart the rounds are.
 */
static struct threads_result fit_threads(const struct operations *operations)
{
	const struct operations_others *rounds = operations->others;
	double n = (double)operations->n_rounds, x = 0, y = 0, xx = 0, xy = 0, left = 0, slope;

	for (size_t i = 0; i < operations->n_rounds; i++) {
		x += rounds[i].connection_wakeups / n;
		y += rounds[i].threads_ns / n;
	}
	for (size_t i = 0; i < operations->n_rounds; i++) {
		double dx = rounds[i].connection_wakeups - x;

		xx += dx * dx;
		xy += dx * (rounds[i].threads_ns - y);
	}
	slope = xx > 0 ? fmax(0, xy / xx) : 0;
	for (size_t i = 0; i < operations->n_rounds; i++) {
		double deviation =
			rounds[i].threads_ns - y - slope * (rounds[i].connection_wakeups - x);

		left += deviation * deviation / n;
	}
	if (slope > 0)
		slope *= slope * slope / (slope * slope + left / xx);
	return (struct threads_result){.own_ns = fmax(0, y - slope * x), .connection_ns = slope};
}

static void add_shared(const struct operations *operations, enum operations_shared payer,
		       const struct shared_result *result, struct operation_points *from,
		       struct profile_operation *to)
{
	static const enum profile_part parts[] = {PROFILE_HOST, PROFILE_UNATTRIBUTED};
	static const enum profile_payer payers[] = {PROFILE_PAYER_HOST, PROFILE_PAYER_UNATTRIBUTED};
	const struct operation_origin *origin = &from->origins[0];
	const struct shared_round *round = &operations->rounds[payer][origin->round];
	const struct profile_cost *cost = &result->costs[round->loads[origin->load].of].cost;

	to->cost[parts[payer]] = (struct profile_cost){
		.unit_ns = cost->unit_ns * origin->share,
		.byte_ns = cost->byte_ns * origin->share,
		.connection_ns = cost->connection_ns * origin->share,
		.wakeup_ns = cost->wakeup_ns * origin->share,
		.connection_wakeup_ns = cost->connection_wakeup_ns * origin->share,
	};
	to->fit[payers[payer]] = result->fit;
	for (size_t i = 0; i < from->n; i++)
		from->points[i].parts[parts[payer]] =
			partial_cost(operations, payer, result, &from->origins[i]);
}

static bool has_connections(const struct operation_points *points)
{
	bool has = false;

	for (size_t i = 0; i < points->n; i++)
		has |= points->points[i].connections > 0;
	return has;
}

static int fit_one(const struct operations *operations, const struct shared_result *shared,
		   const struct threads_result *threads, struct operation_points *from,
		   struct profile *profile)
{
	struct profile_operation *to = profile_add_operation(profile);

	if (!to)
		return -ENOMEM;
	to->kind = from->kind;
	to->mode = from->mode;
	snprintf(to->target, sizeof(to->target), "%s", from->target);
	to->size_least_bytes = from->size_least_bytes;
	to->size_most_bytes = from->size_most_bytes;
	to->units_most = from->units_most;
	to->gap_ns = FLOW_TICK_NS;
	to->host_gap_ns = HOST_GAP_NS;
	to->awake_per_s = AWAKE_PER_CPU * profile->host.cpus;
	for (enum operations_shared payer = 0; payer < OPERATIONS_SHARED; payer++)
		add_shared(operations, payer, &shared[payer], from, to);
	if (has_connections(from))
		to->connection_threads_ns = threads->connection_ns * from->origins[0].share;
	to->cost[PROFILE_HOST].connection_wakeup_ns += to->connection_threads_ns;
	return fit_operation(from->points, from->n, profile->quantile, to);
}

/*
 * All rounds count alike for the mean, as nothing of it is a disturbance. The quantile is over some rounds together,
 * as in judge_shared.
 */
static int fit_base(const struct operations *operations, double own_ns,
		    const struct threads_result *threads, struct profile *profile)
{
	size_t n = operations->n_rounds / TOGETHER;
	_cleanup_free_ double *together = calloc(n + 1, sizeof(*together));
	double cpus = fmax(1, profile->host.cpus), mean = threads->own_ns, upper = 0;

	if (!together)
		return -ENOMEM;
	for (size_t i = 0; i < n * TOGETHER; i++)
		together[i % n] +=
			(operations->others[i].threads_ns -
			 threads->connection_ns * operations->others[i].connection_wakeups) /
			TOGETHER;
	least_squares_sort(together, n);
	if (n)
		upper = least_squares_quantile(together, n, profile->quantile);
	profile->base.host_cpu_ns = (own_ns + mean) / cpus;
	profile->base.threads_cpu_ns = mean / cpus;
	profile->base.host_cpu_upper_ns = (own_ns + fmax(mean, upper)) / cpus;
	return 0;
}

int operations_fit(struct operations *operations, unsigned int what, struct profile *profile)
{
	struct shared_result shared[OPERATIONS_SHARED] = {0};
	struct threads_result threads = fit_threads(operations);
	int r = 0;

	add_own_work(operations);
	for (enum operations_shared payer = 0; r == 0 && payer < OPERATIONS_SHARED; payer++)
		r = fit_shared(operations, payer, profile->quantile, &shared[payer]);
	if (r == 0)
		r = fit_base(operations, shared[OPERATIONS_HOST].own_ns, &threads, profile);
	for (size_t i = 0; r == 0 && i < operations->n; i++) {
		struct operation_points *from = &operations->all[i];

		if ((from->part & what) && fit_has_enough(from->points, from->n))
			r = fit_one(operations, shared, &threads, from, profile);
	}
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		free(shared[i].costs);
	return r;
}

void operations_free(struct operations *operations)
{
	for (size_t i = 0; i < operations->n; i++) {
		free(operations->all[i].points);
		free(operations->all[i].origins);
	}
	free(operations->all);
	for (size_t i = 0; i < ARRAY_SIZE(operations->rounds); i++)
		free(operations->rounds[i]);
	free(operations->others);
	*operations = (struct operations){0};
}
