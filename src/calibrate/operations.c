// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/operations.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "calibrate/schedule.h"

/*
 * So many wake-ups a second, and half of them find a CPU asleep. What was measured on a virtual machine of two
 * CPUs follows it within a fifth from 500 to 2500 of them a CPU.
 */
#define AWAKE_PER_CPU 500

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

static double all_connections(const struct operations_sample *sample)
{
	double sum = 0;

	for (size_t i = 0; i < sample->n; i++)
		sum += operations_load(&sample->specs[i], &sample->figures->flows[i]).connections;
	return sum;
}

static double cached_bytes(const struct operations_sample *sample)
{
	double sum = 0;

	for (size_t i = 0; i < sample->n; i++) {
		const struct flow_spec *spec = &sample->specs[i];

		if (spec->kind == FLOW_READ && operations_mode(spec) == PROFILE_BUFFERED)
			sum += operations_load(spec, &sample->figures->flows[i]).bytes;
	}
	return sum;
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
		.rcu_ns = figures->rcu,
		.programs_ns = figures->programs + figures->others,
	};
	grown[operations->n_rounds].connection_wakeups =
		fit_wakeups(all_connections(sample), OPERATIONS_HOST_GAP_NS);
	grown[operations->n_rounds].cached_bytes = cached_bytes(sample);
	return 0;
}

int operations_add(struct operations *operations, const struct operations_sample *sample)
{
	const struct measure_figures *figures = sample->figures;
	struct shared_round round = {.n = sample->n};
	int r = add_others(operations, sample);

	for (size_t i = 0; r == 0 && i < sample->n; i++)
		r = add_load(operations, sample, i, &round.loads[i]);
	for (size_t i = 0; r == 0 && i < sample->n; i++)
		round.loads[i].at.all_connections = all_connections(sample);
	round.cost_ns = figures->host.behalf[WIRE_NET_RX];
	if (r == 0)
		r = add_round(operations, &round, OPERATIONS_HOST_NET);
	round.cost_ns = measure_charge(&figures->host) - in_threads(&figures->host) - round.cost_ns;
	if (r == 0)
		r = add_round(operations, &round, OPERATIONS_HOST);
	round.cost_ns = figures->unattributed;
	if (r == 0)
		r = add_round(operations, &round, OPERATIONS_NOBODY);
	if (r == 0)
		operations->n_rounds++;
	return r;
}

void operations_prepare(const struct operation_points *points, uint32_t cpus,
			struct profile_operation *to)
{
	*to = (struct profile_operation){
		.kind = points->kind,
		.mode = points->mode,
		.size_least_bytes = points->size_least_bytes,
		.size_most_bytes = points->size_most_bytes,
		.units_most = points->units_most,
		.gap_ns = FLOW_TICK_NS,
		.host_gap_ns = OPERATIONS_HOST_GAP_NS,
		.awake_per_s = AWAKE_PER_CPU * cpus,
	};
	snprintf(to->target, sizeof(to->target), "%s", points->target);
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
