// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "view/plan.h"

static void put_texts(struct json_object *object, const char *key, char *const *texts)
{
	struct json_object *array = json_add_array(object, key);

	for (; texts && *texts; texts++)
		json_object_array_add(array, json_object_new_string(*texts));
}

static void put_cpus(struct json_object *object, const char *key, const struct cpus *cpus)
{
	_cleanup_free_ char *list = cpus_format(cpus);

	json_add_string(object, key, list);
}

static void put_host(struct json_object *object, const struct plan_host *host)
{
	struct json_object *to = json_add_object(object, "host");

	json_add_string(to, "name", host->name);
	put_cpus(to, "cpus", &host->cpus);
	json_add_u64(to, "memory_bytes", host->memory_bytes);
	if (host->uplink[0]) {
		json_add_string(to, "uplink", host->uplink);
		json_add_u64(to, "uplink_bps", host->uplink_bps);
	}
}

static void put_profile(struct json_object *object, const struct view_plan *view)
{
	const struct profile *profile = view->request->profile;
	struct json_object *to = json_add_object(object, "profile");
	char quantile[32]; /* 0.95, not 0.94999999999999996 */

	json_add_string(to, "from", view->profile);
	json_add_bool(to, "calibrated", profile->source == PROFILE_CALIBRATED);
	snprintf(quantile, sizeof(quantile), "%g", profile->quantile);
	json_object_object_add(to, "quantile",
			       json_object_new_double_s(profile->quantile, quantile));
}

static void put_need(struct json_object *object, const char *key,
		     const struct extrapolate_need *need, bool worst)
{
	const uint64_t *parts = worst ? need->worst : need->expected;
	struct json_object *to = json_add_object(object, key);
	struct json_object *io = json_add_object(to, "io_ncores");

	for (unsigned int part = 0; part < PROFILE_WORKSPACE_PARTS; part++)
		json_add_u64(io, profile_part_name(part), parts[part]);
	json_add_u64(to, "charge_ncores", worst ? need->charge_worst : need->charge_expected);
	json_add_u64(to, "host_ncores", worst ? need->host_worst : need->host_expected);
}

/*
 * One part of OPERATION: what it costs, at which rates where they are not those of NAMED, and by what all of that is
 * multiplied to become its ncores. In the worst case each part has its own dearest load, and each payer its dearest operation.
 */
static void put_part(struct json_object *costs, const struct profile_operation *operation,
		     const struct profile_operation *named, enum profile_part part,
		     const struct extrapolate_load *load, bool worst)
{
	const struct profile_cost *cost = &operation->cost[part];
	struct extrapolate_load at = *load;
	double upper = worst ? extrapolate_worst(operation, part, &at) : 1;
	uint64_t ncores = worst ? extrapolate_upper_part(operation, part, load)
				: extrapolate_part(operation, part, load);
	struct json_object *to;

	if (!ncores)
		return;
	to = json_add_object(costs, profile_part_name(part));
	if (operation != named) {
		json_add_string(to, "mode", profile_mode_name(operation->mode));
		json_add_string(to, "target", operation->target);
	}
	json_add_double(to, "unit_ns", cost->unit_ns);
	json_add_double(to, "byte_ns", cost->byte_ns);
	json_add_double(to, "connection_ns", cost->connection_ns);
	json_add_double(to, "wakeup_ns", cost->wakeup_ns);
	if (operation != named ||
	    (part == PROFILE_HOST && operation->host_gap_ns != operation->gap_ns))
		json_add_double(to, "wakeups_per_s",
				extrapolate_part_wakeups(operation, part, at.units));
	if (cost->connection_wakeup_ns > 0) {
		json_add_double(to, "connection_wakeup_ns", cost->connection_wakeup_ns);
		json_add_double(to, "connection_wakeups_per_s",
				extrapolate_connection_wakeups(operation, part, &at));
	}
	if (cost->asleep_ns > 0) {
		json_add_double(to, "asleep_ns", cost->asleep_ns);
		json_add_double(to, "asleep_per_s", extrapolate_sleepers(operation, &at));
	}
	if (cost->crowded_ns > 0) {
		json_add_double(to, "crowded_ns", cost->crowded_ns);
		json_add_double(to, "crowded_per_s", extrapolate_crowded(operation, &at));
	}
	json_add_double(to, "times", upper);
	if (extrapolate_busy(operation, part, &at) > 1)
		json_add_double(to, "busy_times", extrapolate_busy(operation, part, &at));
	json_add_u64(to, "ncores", ncores);
}

/* FLOW as expected or in the worst case. Named is the operation that prices it for the workspace. */
static void put_operation(struct json_object *object, const char *key,
			  const struct extrapolate_flow *flow, bool worst)
{
	const struct profile_operation *operation = worst ? flow->worst[PROFILE_PAYER_WORKSPACE]
							  : flow->expected;
	const struct extrapolate_load *load = worst ? &flow->worst_load : &flow->expected_load;
	struct json_object *to = json_add_object(object, key), *costs;

	json_add_string(to, "kind", profile_kind_name(operation->kind));
	json_add_string(to, "mode", profile_mode_name(operation->mode));
	json_add_string(to, "target", operation->target);
	if (operation->stand_in)
		json_add_bool(to, "stand_in", true);
	json_add_double(to, "units_per_s", load->units);
	json_add_double(to, "bytes_per_s", load->bytes);
	json_add_double(to, "connections_per_s", load->connections);
	json_add_double(to, "wakeups_per_s", extrapolate_wakeups(operation, load->units));
	costs = json_add_object(to, "cost");
	for (unsigned int part = 0; part < PROFILE_PARTS; part++)
		put_part(costs, worst ? flow->worst[extrapolate_payer_of(part)] : flow->expected,
			 operation, part, load, worst);
}

static void put_flows(struct json_object *object, const struct view_plan *view,
		      const struct terms *terms)
{
	struct extrapolate_assumptions assumptions = plan_assumptions(view->request);
	struct extrapolate_flow flows[EXTRAPOLATE_FLOWS_MAX];
	size_t n = extrapolate_flows(terms, view->request->profile, &assumptions, flows);
	struct json_object *array = json_add_array(object, "flows");

	for (size_t i = 0; i < n; i++) {
		struct json_object *flow = json_object_new_object();

		put_operation(flow, "expected", &flows[i], false);
		put_operation(flow, "worst", &flows[i], true);
		json_add_bool(flow, "measured", !flows[i].borrowed);
		json_object_array_add(array, flow);
	}
}

static struct json_object *workspace_json(const struct view_plan *view, size_t i, bool explain)
{
	const struct plan_workspace *workspace = &view->request->workspaces[i];
	const struct extrapolate_need *need = &view->plan->needs[i];
	struct json_object *object = json_object_new_object();

	json_add_string(object, "name", workspace->name);
	json_add_u64(object, "count", workspace->count);
	json_add_string(object, "path", workspace->terms.path[0] ? workspace->terms.path : NULL);
	if (workspace->has_cpus)
		put_cpus(object, "cpus", &workspace->cpus);
	json_add_u64(object, "reserve_ncores", need->reserve);
	json_add_u64(object, "memory_bytes", workspace->terms.memory.reserve_bytes);
	put_need(object, "expected", need, false);
	put_need(object, "worst", need, true);
	json_add_bool(object, "limited", need->limited);
	json_add_bool(object, "measured", !need->borrowed && !need->outside);
	if (explain)
		put_flows(object, view, &workspace->terms);
	return object;
}

static void put_host_part(struct json_object *object, const char *key,
			  const struct plan_host_part *part)
{
	struct json_object *to = json_add_object(object, key);

	json_add_u64(to, "kernel_ncores", part->base);
	json_add_u64(to, "programs_ncores", part->programs);
	json_add_u64(to, "io_ncores", part->io);
	json_add_u64(to, "total_ncores", part->total);
}

static struct json_object *resource_json(const struct plan_resource *resource)
{
	static const struct {
		const char *kind, *unit;
	} kinds[] = {
		[PLAN_CPU] = {"cpu", "ncores"},	      [PLAN_MEMORY] = {"memory", "bytes"},
		[PLAN_EGRESS] = {"egress", "bps"},    [PLAN_INGRESS] = {"ingress", "bps"},
		[PLAN_DISK] = {"disk", "billionths"},
	};
	struct json_object *object = json_object_new_object();

	json_add_string(object, "kind", kinds[resource->kind].kind);
	json_add_string(object, "unit", kinds[resource->kind].unit);
	if (resource->kind == PLAN_CPU)
		put_cpus(object, "cpus", &resource->cpus);
	else if (resource->name[0])
		json_add_string(object, "name", resource->name);
	json_add_bool(object, "checked", resource->known);
	json_add_u64(object, "needed", resource->asked);
	if (resource->known) {
		json_add_u64(object, "capacity", resource->capacity);
		json_add_u64(object, "missing", plan_missing(resource));
	}
	return object;
}

static struct json_object *set_json(const struct plan_set *set)
{
	struct json_object *object = json_object_new_object();

	put_cpus(object, "cpus", &set->cpus);
	if (set->node >= 0)
		json_add_i64(object, "node", set->node);
	json_add_u64(object, "capacity_ncores", set->capacity);
	json_add_u64(object, "confined_ncores", set->confined);
	json_add_u64(object, "left_ncores", set->left);
	return object;
}

static void put_lists(struct json_object *object, const struct view_plan *view, bool explain)
{
	const struct plan *plan = view->plan;
	struct json_object *array = json_add_array(object, "workspaces");

	for (size_t i = 0; i < plan->n_needs; i++)
		json_object_array_add(array, workspace_json(view, i, explain));
	array = json_add_array(object, "resources");
	for (size_t i = 0; i < plan->n_resources; i++)
		json_object_array_add(array, resource_json(&plan->resources[i]));
	array = json_add_array(object, "sets");
	for (size_t i = 0; i < plan->n_sets; i++)
		json_object_array_add(array, set_json(&plan->sets[i]));
}

int view_plan_json(const struct view_plan *view, bool explain, struct json_object **object,
		   struct error *err)
{
	_cleanup_json_ struct json_object *root = json_object_new_object();
	struct json_object *host, *max;

	if (!root)
		return error_oom(err);
	json_add_string(root, "verdict", view->plan->admitted ? "admitted" : "refused");
	put_texts(root, "refusals", view->refusals);
	put_texts(root, "advice", view->advice);
	put_texts(root, "notes", view->notes);
	put_host(root, view->request->host);
	put_profile(root, view);
	host = json_add_object(root, "host_part");
	put_host_part(host, "expected", &view->plan->host_expected);
	put_host_part(host, "worst", &view->plan->host_worst);
	json_add_string(host, "base_from", view->base_s > 0 ? "ledger" : "profile");
	if (view->base_s > 0) {
		json_add_double(host, "base_seconds", view->base_s);
		json_add_double(host, "base_age_seconds", view->base_age_s);
	}
	put_lists(root, view, explain);
	if (view->max_name) {
		max = json_add_object(root, "max");
		json_add_string(max, "name", view->max_name);
		json_add_u64(max, "more", view->max_more);
	}
	*object = take_ptr(root);
	return 0;
}
