// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/check.h"

#include <math.h>

#include "plan/extrapolate.h"

static size_t path_of(const struct flow_spec *spec)
{
	return flow_is_net(spec) ? spec->path : SITE_PATHS;
}

/*
 * By how much what was measured in the calibration was above what was fitted to it: that is no drift. With the company that
 * it had on average, as each measurement's own is not in a profile.
 */
static double level_of(const struct profile_operation *operation)
{
	double measured = 0, fitted = 0;

	for (size_t i = 0; i < operation->n_points; i++) {
		const struct profile_point *point = &operation->points[i];
		const struct extrapolate_load load = {point->units, point->bytes,
						      point->connections, 0, 0};

		measured += point->cost_ns[PROFILE_PAYER_WORKSPACE];
		fitted += (double)extrapolate_expected(operation, PROFILE_PAYER_WORKSPACE, &load);
	}
	return fitted > 0 ? measured / fitted : 1;
}

static const struct profile_operation *operation_of(const struct profile *profile,
						    const struct operations_sample *sample,
						    size_t number, bool receives, bool *borrowed)
{
	const struct flow_spec *spec = &sample->specs[number];

	return profile_find(profile, operations_kind(spec, receives), operations_mode(spec),
			    flow_is_net(spec) ? site_path_name(spec->path) : sample->disk,
			    borrowed);
}

/* Beside all others of SAMPLE, on a host that is as busy as usual. */
static struct extrapolate_load load_of(const struct operations_sample *sample, size_t number)
{
	struct fit_point at =
		operations_load(&sample->specs[number], &sample->figures->flows[number]);
	struct extrapolate_load load = {
		.units = at.units, .bytes = at.bytes, .connections = at.connections};

	for (size_t i = 0; i < sample->n; i++) {
		const struct measure_flow *flow = &sample->figures->flows[i];

		load.company += flow->wakeups;
		load.all_connections += operations_load(&sample->specs[i], flow).connections;
	}
	return load;
}

/*
 * What one side of load NUMBER is forecast to cost everybody, as usual. Where a path over the bridge was not measured, as
 * that to another workspace: nothing else is built in.
 */
static double usual_of(const struct profile *profile, const struct operations_sample *sample,
		       size_t number, bool receives)
{
	const struct flow_spec *spec = &sample->specs[number];
	const struct profile_operation *operation =
		operation_of(profile, sample, number, receives, NULL);
	struct extrapolate_load load = load_of(sample, number);
	double sum = 0;

	if (!operation)
		operation = profile_find(profile, operations_kind(spec, receives),
					 operations_mode(spec), site_path_name(SITE_BRIDGE), NULL);
	for (enum profile_payer payer = 0; payer < PROFILE_PAYERS; payer++)
		sum += (double)extrapolate_expected(operation, payer, &load);
	return sum;
}

/*
 * Which part of the CPUs is in use, as a plan would have it (plan/plan.c): forecast. What was measured of
 * the loads has in it the very drift that is looked for.
 */
static double busy_of(const struct profile *profile, const struct operations_sample *sample)
{
	const struct measure_figures *figures = sample->figures;
	double cpus = fmax(1, profile->host.cpus);
	double sum = profile->base.host_cpu_ns * cpus +
		     (1 + profile->base.programs_share) * (figures->programs + figures->others);

	for (size_t i = 0; i < sample->n; i++) {
		const struct flow_spec *spec = &sample->specs[i];

		if (operations_is_workspace(spec, spec->from))
			sum += usual_of(profile, sample, i, false);
		if (flow_is_net(spec) && operations_is_workspace(spec, spec->to))
			sum += usual_of(profile, sample, i, true);
	}
	return fmin(1, sum / 1e9 / cpus);
}

/* What PROFILE says of one side of load NUMBER; below 0: nothing. */
static double expected_of(const struct profile *profile, const struct operations_sample *sample,
			  size_t number, bool receives)
{
	struct extrapolate_load load = load_of(sample, number);
	bool borrowed = false;
	const struct profile_operation *operation =
		operation_of(profile, sample, number, receives, &borrowed);

	if (borrowed)
		return -1;
	load.busy = busy_of(profile, sample);
	return level_of(operation) *
	       (double)extrapolate_expected(operation, PROFILE_PAYER_WORKSPACE, &load);
}

static void add_side(struct check *check, const struct profile *profile,
		     const struct operations_sample *sample, size_t number, bool receives)
{
	const struct flow_spec *spec = &sample->specs[number];
	enum site_workspace workspace = receives ? spec->to : spec->from;
	struct check_path *path = &check->paths[path_of(spec)];
	double expected = expected_of(profile, sample, number, receives);
	double measured = measure_charge(&sample->figures->workspaces[workspace]);

	if (expected <= 0) {
		path->unknown++;
		check->all.unknown++;
		return;
	}
	path->loads++;
	path->measured_ns += measured;
	path->expected_ns += expected;
	check->all.loads++;
	check->all.measured_ns += measured;
	check->all.expected_ns += expected;
}

void check_add(struct check *check, const struct profile *profile, unsigned int what,
	       const struct operations_sample *sample)
{
	for (size_t i = 0; i < sample->n; i++) {
		const struct flow_spec *spec = &sample->specs[i];

		if (!(schedule_part(spec) & what))
			continue;
		if (operations_is_workspace(spec, spec->from))
			add_side(check, profile, sample, i, false);
		if (flow_is_net(spec) && operations_is_workspace(spec, spec->to))
			add_side(check, profile, sample, i, true);
	}
}

double check_drift(const struct check_path *path)
{
	return path->expected_ns > 0 ? path->measured_ns / path->expected_ns - 1 : 0;
}

bool check_path_holds(const struct check_path *path)
{
	return path->loads < CHECK_PATH_LOADS || fabs(check_drift(path)) <= CHECK_PATH;
}

bool check_sum_holds(const struct check *check)
{
	return check->all.loads > 0 && fabs(check_drift(&check->all)) <= CHECK_ALL;
}

bool check_holds(const struct check *check)
{
	bool holds = check_sum_holds(check);

	for (size_t i = 0; i < CHECK_PATHS; i++)
		holds = holds && check_path_holds(&check->paths[i]);
	return holds;
}

static double worth(const struct schedule_round *round, unsigned int what, const size_t *told)
{
	double sum = 0;

	for (size_t i = 0; i < round->n; i++) {
		if (schedule_part(&round->specs[i]) & what)
			sum += 1 / (1 + (double)told[path_of(&round->specs[i])]);
	}
	return sum;
}

static bool is_chosen(const size_t *chosen, size_t n, size_t number)
{
	for (size_t i = 0; i < n; i++) {
		if (chosen[i] == number)
			return true;
	}
	return false;
}

size_t check_choose(const struct schedule *schedule, unsigned int what, size_t n, size_t *chosen)
{
	size_t told[CHECK_PATHS] = {0}, found = 0;

	for (; found < n && found < schedule->n; found++) {
		double most = -1;

		for (size_t i = 0; i < schedule->n; i++) {
			double of_this = worth(&schedule->rounds[i], what, told);

			if (of_this <= most || is_chosen(chosen, found, i))
				continue;
			most = of_this;
			chosen[found] = i;
		}
		for (size_t i = 0; i < schedule->rounds[chosen[found]].n; i++)
			told[path_of(&schedule->rounds[chosen[found]].specs[i])]++;
	}
	return found;
}
