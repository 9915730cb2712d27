// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/words.h"
#include "view/plan.h"

/* " + 1150 ns x 16513 packets/s" */
static void put_product(FILE *out, const char **plus, double coefficient, double rate,
			const char *unit)
{
	if (coefficient <= 0 || rate <= 0)
		return;
	fprintf(out, "%s%.6g ns x %.6g %s/s", *plus, coefficient, rate, unit);
	*plus = " + ";
}

static void put_part(FILE *out, const struct profile_operation *operation, enum profile_part part,
		     const struct extrapolate_load *load, bool worst)
{
	const struct profile_cost *cost = &operation->cost[part];
	struct extrapolate_load at = *load;
	double upper = worst ? extrapolate_worst(operation, part, &at) : 1;
	uint64_t ncores = worst ? extrapolate_upper_part(operation, part, load)
				: extrapolate_part(operation, part, load);
	double busy = extrapolate_busy(operation, part, &at);
	const char *plus = "";

	if (!ncores)
		return;
	fprintf(out, "      %-12s ", profile_part_name(part));
	if (worst)
		fprintf(out, "%.4g x ", upper);
	if (busy > 1)
		fprintf(out, "%.4g (CPUs in use) x ", busy);
	if (worst || busy > 1)
		fprintf(out, "(");
	put_product(out, &plus, cost->unit_ns, at.units,
		    operation->kind >= PROFILE_READ ? "requests" : "packets");
	put_product(out, &plus, cost->byte_ns, at.bytes, "bytes");
	put_product(out, &plus, cost->connection_ns, at.connections, "connections");
	put_product(out, &plus, cost->wakeup_ns,
		    extrapolate_part_wakeups(operation, part, at.units), "wakeups");
	put_product(out, &plus, cost->connection_wakeup_ns,
		    extrapolate_connection_wakeups(operation, part, &at),
		    "wakeups for connections");
	put_product(out, &plus, cost->asleep_ns, extrapolate_sleepers(operation, &at),
		    "wakeups of sleeping CPUs");
	put_product(out, &plus, cost->crowded_ns, extrapolate_crowded(operation, &at),
		    "wakeups of CPUs in use");
	fprintf(out, "%s = %s\n", worst || busy > 1 ? ")" : "", words_cores(ncores).text);
}

static bool is_built_in(const struct profile_operation *operation)
{
	return operation ==
	       profile_built_in_find(operation->kind, operation->mode, operation->target);
}

static void put_origin(FILE *out, const struct view_plan *view,
		       const struct profile_operation *operation)
{
	const struct profile_fit *fit = &operation->fit[PROFILE_PAYER_WORKSPACE];

	if (view->request->profile->source == PROFILE_BUILT_IN || is_built_in(operation)) {
		fprintf(out, "built in, not measured here");
		return;
	}
	fprintf(out, "%zu points, R2 %.3f, off by %.1f%% on average%s", operation->n_points,
		fit->r2, 100 * fit->residual_mean,
		operation->stand_in ? ", a virtual device stood in" : "");
}

/* The parts of those payers whom OPERATIONS, one for each payer, has this operation for. */
static void put_cost(FILE *out, const struct view_plan *view, const char *what,
		     const struct profile_operation *operation,
		     const struct profile_operation *const *operations,
		     const struct extrapolate_load *load, bool worst)
{
	fprintf(out, "    %s, %s %s %s (", what, profile_kind_name(operation->kind),
		profile_mode_name(operation->mode),
		operation->target[0] ? operation->target : "any disk");
	put_origin(out, view, operation);
	fprintf(out, "):\n");
	for (unsigned int part = 0; part < PROFILE_PARTS; part++) {
		if (operations[extrapolate_payer_of(part)] == operation)
			put_part(out, operation, part, load, worst);
	}
}

static void put_flow_name(FILE *out, const struct terms *terms, const struct extrapolate_flow *flow)
{
	const char *device = terms->disks[flow->disk].device;

	if (flow->kind < PROFILE_READ)
		fprintf(out, "  net %s: %s, packets of %.0f bytes, at worst %.0f",
			flow->kind == PROFILE_SEND ? "egress" : "ingress",
			words_bit_rate((uint64_t)(flow->expected_load.bytes * 8)).text,
			flow->expected_load.bytes / flow->expected_load.units,
			flow->worst_load.bytes / flow->worst_load.units);
	else
		fprintf(out, "  disk %s%s%s: %s, %.6g requests/s", profile_kind_name(flow->kind),
			*device ? " " : "", device,
			words_byte_rate((uint64_t)flow->expected_load.bytes).text,
			flow->expected_load.units);
	if (flow->expected_load.connections > 0)
		fprintf(out, ", %.0f connections/s", flow->expected_load.connections);
	fprintf(out, "%s\n", flow->outside ? " (sizes outside of what was measured)" : "");
}

/* The dearest operation may be another one for the host than for the workspace. */
static void put_flow(FILE *out, const struct view_plan *view, const struct terms *terms,
		     const struct extrapolate_flow *flow)
{
	const struct profile_operation *const expected[PROFILE_PAYERS] = {
		flow->expected, flow->expected, flow->expected};

	put_flow_name(out, terms, flow);
	put_cost(out, view, "expected", flow->expected, expected, &flow->expected_load, false);
	for (int payer = 0; payer < PROFILE_PAYERS; payer++) {
		bool told = false;

		for (int before = 0; before < payer; before++)
			told |= flow->worst[before] == flow->worst[payer];
		if (!told && flow->worst_ncores[payer])
			put_cost(out, view, "worst", flow->worst[payer],
				 (const struct profile_operation *const *)flow->worst,
				 &flow->worst_load, true);
	}
}

static void put_sum(FILE *out, const struct view_plan *view, const struct extrapolate_need *need,
		    const struct terms *terms)
{
	uint64_t apart = ncores_add(need->worst[PROFILE_HOST], need->worst[PROFILE_UNATTRIBUTED]) +
			 (uint64_t)view->request->profile->base.workspace_ns;

	fprintf(out, "  charge: expected %s, worst %s", words_cores(need->charge_expected).text,
		words_cores(need->charge_worst).text);
	if (need->reserve)
		fprintf(out, ", with %s for its own computing (cpu-reserve)",
			words_cores(need->reserve).text);
	if (terms->cpu.limit_mcores)
		fprintf(out, ", never more than %s (cpu-limit)",
			words_cores(terms->cpu.limit_mcores * NCORES_PER_MCORE).text);
	fprintf(out, "\n");
	if (apart > need->host_worst)
		fprintf(out,
			"  host: worst %s, with %s taken off: no flow is at its dearest for both\n",
			words_cores(need->host_worst).text,
			words_cores(apart - need->host_worst).text);
}

static void put_host(FILE *out, const struct view_plan *view)
{
	const struct profile_base *base = &view->request->profile->base;
	unsigned int n_cpus = cpus_count(&view->request->host->cpus);
	struct view_plan_base from = view_plan_base(view);

	fprintf(out, "host\n");
	fprintf(out, "  kernel: %.6g ns/s x %u CPUs = %s", base->host_cpu_ns, n_cpus,
		words_cores(view->plan->host_expected.base).text);
	if (from.text[0])
		fprintf(out, " (%s)", from.text);
	fprintf(out, ", worst %.6g ns/s x %u CPUs = %s (of the profile)\n", base->host_cpu_upper_ns,
		n_cpus, words_cores(view->plan->host_worst.base).text);
	fprintf(out, "    of it the kernel's own threads: %.6g ns/s x %u CPUs\n",
		base->threads_cpu_ns, n_cpus);
	fprintf(out,
		"  workspaces: %.6g ns/s x %" PRIu64 ", and what their I/O costs the host: %s, "
		"worst %s\n",
		base->workspace_ns, view->plan->n_instances,
		words_cores(view->plan->host_expected.io).text,
		words_cores(view->plan->host_worst.io).text);
	fprintf(out, "  its own programs: %s, and %s of memory\n",
		words_cores(view->request->host_ncores).text,
		words_size(view->request->host_memory_bytes).text);
	if (plan_programs(view->request) > view->request->host_ncores)
		fprintf(out, "    beside them the kernel: %.4g x %s = %s\n", base->programs_share,
			words_cores(view->request->host_ncores).text,
			words_cores(plan_programs(view->request) - view->request->host_ncores)
				.text);
}

int view_plan_explain(FILE *out, const struct view_plan *view, struct error *err)
{
	struct extrapolate_assumptions assumptions = plan_assumptions(view->request);

	for (size_t i = 0; i < view->plan->n_needs; i++) {
		const struct plan_workspace *workspace = &view->request->workspaces[i];
		struct extrapolate_flow flows[EXTRAPOLATE_FLOWS_MAX];
		size_t n = extrapolate_flows(&workspace->terms, view->request->profile,
					     &assumptions, flows);

		fprintf(out, "%s\n", workspace->name);
		for (size_t k = 0; k < n; k++)
			put_flow(out, view, &workspace->terms, &flows[k]);
		put_sum(out, view, &view->plan->needs[i], &workspace->terms);
	}
	put_host(out, view);
	return ferror(out) ? error_errno(err, EIO, "the plan could not be written") : 0;
}
