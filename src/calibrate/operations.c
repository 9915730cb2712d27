// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/operations.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "calibrate/schedule.h"

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
	if (!flow_is_net(spec))
		return spec->buffered ? PROFILE_BUFFERED : PROFILE_DIRECT;
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

static struct operation_points *find(struct operations *operations, enum profile_kind kind,
				     enum profile_mode mode, const char *target)
{
	struct operation_points *grown, *found;

	for (size_t i = 0; i < operations->n; i++) {
		found = &operations->all[i];
		if (found->kind == kind && found->mode == mode &&
		    strcmp(found->target, target) == 0)
			return found;
	}
	grown = reallocarray(operations->all, operations->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	operations->all = grown;
	found = &grown[operations->n++];
	*found = (struct operation_points){.kind = kind, .mode = mode};
	snprintf(found->target, sizeof(found->target), "%s", target);
	return found;
}

static int add_point(struct operation_points *points, const struct fit_point *point)
{
	struct fit_point *grown =
		reallocarray(points->points, points->n + 1, sizeof(*points->points));

	if (!grown)
		return -ENOMEM;
	points->points = grown;
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

/* A process of the host at one end of a path between it and a workspace is no workspace. */
static bool is_workspace(const struct flow_spec *spec, enum site_workspace workspace)
{
	return spec->path != SITE_LOCAL || (workspace != SITE_H && workspace != SITE_I);
}

struct side {
	bool receives;
	double share; /* of what the host and nobody were charged */
	const char *target;
};

static int add_side(struct operations *operations, const struct side *side,
		    const struct operations_sample *sample)
{
	const struct measure_figures *figures = sample->figures;
	const struct flow_spec *spec = sample->spec;
	enum site_workspace workspace = side->receives ? spec->to : spec->from;
	struct fit_point point = operations_load(spec, &figures->flows[0]);
	struct operation_points *points;

	points = find(operations, operations_kind(spec, side->receives), operations_mode(spec),
		      side->target);
	if (!points)
		return -ENOMEM;
	operations_parts(&figures->workspaces[workspace], point.parts);
	point.parts[PROFILE_HOST] =
		side->share * fmax(0, measure_charge(&figures->host) - sample->base->host);
	point.parts[PROFILE_UNATTRIBUTED] =
		side->share * fmax(0, figures->unattributed - sample->base->unattributed);
	note_range(points, spec, &point);
	return add_point(points, &point);
}

int operations_add(struct operations *operations, const struct operations_sample *sample)
{
	const struct flow_spec *spec = sample->spec;
	bool net = flow_is_net(spec);
	bool sends = is_workspace(spec, spec->from);
	bool receives = net && is_workspace(spec, spec->to);
	struct side side = {
		.share = sends && receives ? 0.5 : 1,
		.target = net ? site_path_name(spec->path) : sample->disk,
	};
	int r = sends ? add_side(operations, &side, sample) : 0;

	side.receives = true;
	if (r == 0 && receives)
		r = add_side(operations, &side, sample);
	return r;
}

int operations_fit(const struct operations *operations, struct profile *profile)
{
	for (size_t i = 0; i < operations->n; i++) {
		const struct operation_points *from = &operations->all[i];
		struct profile_operation *to;
		int r;

		if (!fit_has_enough(from->points, from->n))
			continue;
		to = profile_add_operation(profile);
		if (!to)
			return -ENOMEM;
		to->kind = from->kind;
		to->mode = from->mode;
		snprintf(to->target, sizeof(to->target), "%s", from->target);
		to->size_least_bytes = from->size_least_bytes;
		to->size_most_bytes = from->size_most_bytes;
		to->units_most = from->units_most;
		r = fit_operation(from->points, from->n, profile->quantile, to);
		if (r < 0)
			return r;
	}
	return 0;
}

void operations_free(struct operations *operations)
{
	for (size_t i = 0; i < operations->n; i++)
		free(operations->all[i].points);
	free(operations->all);
	*operations = (struct operations){0};
}
