// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "plan/bounds.h"
#include "plan/words.h"

#define DISK_TIME UINT64_C(1000000000)

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	free(plan->needs);
	free(plan->resources);
	free(plan->sets);
	free(plan);
}

void cleanup_plan(struct plan **plan)
{
	plan_free(*plan);
}

static uint64_t ceiling(double value)
{
	return value < 1e18 ? (uint64_t)ceil(value) : UINT64_C(1000000000000000000);
}

uint64_t plan_programs(const struct plan_request *request)
{
	double beside = request->profile->base.programs_share * (double)request->host_ncores;

	return ncores_add(request->host_ncores, ceiling(beside));
}

static bool depends_on_busy(const struct profile *profile)
{
	for (size_t i = 0; i < profile->n_operations; i++) {
		if (profile->operations[i].busy_share > 0)
			return true;
	}
	return false;
}

/*
 * Which part of the CPUs is in use when all that is promised is used, by what it costs on a host that is
 * as busy as usual.
 */
static double busy_of(const struct plan_request *request,
		      const struct extrapolate_assumptions *assumptions)
{
	unsigned int n_cpus = cpus_count(&request->host->cpus);
	uint64_t sum = ncores_add(ncores_times(ceiling(request->profile->base.host_cpu_ns), n_cpus),
				  plan_programs(request));

	if (!n_cpus || !depends_on_busy(request->profile))
		return 0;
	for (size_t i = 0; i < request->n_workspaces; i++) {
		const struct plan_workspace *workspace = &request->workspaces[i];
		struct extrapolate_need need =
			extrapolate_workspace(&workspace->terms, request->profile, assumptions);

		sum = ncores_add(sum,
				 ncores_times(ncores_add(need.charge_expected, need.host_expected),
					      workspace->count));
	}
	return smaller(1, (double)sum / ((double)n_cpus * (double)NCORES_PER_CORE));
}

/* But for how busy the host is. */
static struct extrapolate_assumptions assume(const struct plan_request *request)
{
	struct extrapolate_assumptions assumptions = {
		.protocol = request->protocol,
		.peer = request->peer,
		.cache = request->cache,
		.disk_target = plan_host_disk_target,
		.host = request->host,
	};
	struct extrapolate_company company = {0};

	for (size_t i = 0; i < request->n_workspaces; i++)
		extrapolate_add_company(&request->workspaces[i].terms, request->workspaces[i].count,
					request->profile, &assumptions, &company);
	/* what one of them sends another may receive */
	assumptions.company = (double)ncores_add(company.sent > company.received ? company.sent
										 : company.received,
						 company.requests);
	assumptions.all_connections = (double)(company.connections_out > company.connections_in
						       ? company.connections_out
						       : company.connections_in);
	return assumptions;
}

struct extrapolate_assumptions plan_assumptions(const struct plan_request *request)
{
	struct extrapolate_assumptions assumptions = assume(request);

	assumptions.busy = busy_of(request, &assumptions);
	return assumptions;
}

uint64_t plan_missing(const struct plan_resource *resource)
{
	if (!resource->known || resource->asked <= resource->capacity)
		return 0;
	return resource->asked - resource->capacity;
}

/* ---- what is needed ---- */

/* ASKED: only whether it fits, which is by the worst case, and that does not know how busy the host is. */
static int make_needs(const struct plan_request *request, struct plan *plan, bool asked)
{
	struct extrapolate_assumptions assumptions = asked ? assume(request)
							   : plan_assumptions(request);

	plan->needs = calloc(request->n_workspaces + 1, sizeof(*plan->needs));
	if (!plan->needs)
		return -ENOMEM;
	plan->n_needs = request->n_workspaces;
	for (size_t i = 0; i < request->n_workspaces; i++) {
		const struct plan_workspace *workspace = &request->workspaces[i];
		struct extrapolate_need *need = &plan->needs[i];

		*need = extrapolate_workspace(&workspace->terms, request->profile, &assumptions);
		plan->n_borrowed += need->borrowed;
		plan->n_outside += need->outside;
		plan->n_limited += need->limited;
		plan->n_stand_in += need->stand_in;
		plan->n_instances += workspace->count;
	}
	return 0;
}

static void sum_host(const struct plan_request *request, struct plan *plan)
{
	const struct profile_base *base = &request->profile->base;
	unsigned int n_cpus = cpus_count(&request->host->cpus);
	struct plan_host_part *expected = &plan->host_expected, *worst = &plan->host_worst;

	expected->base = ncores_times(ceiling(base->host_cpu_ns), n_cpus);
	worst->base =
		ncores_times(ceiling(larger(base->host_cpu_ns, base->host_cpu_upper_ns)), n_cpus);
	expected->programs = worst->programs = plan_programs(request);
	for (size_t i = 0; i < plan->n_needs; i++) {
		const struct extrapolate_need *need = &plan->needs[i];
		uint32_t count = request->workspaces[i].count;

		expected->io = ncores_add(expected->io, ncores_times(need->host_expected, count));
		expected->io_threads =
			ncores_add(expected->io_threads, ncores_times(need->host_threads, count));
		worst->io = ncores_add(worst->io, ncores_times(need->host_worst, count));
		plan->charge_expected = ncores_add(plan->charge_expected,
						   ncores_times(need->charge_expected, count));
		plan->charge_worst =
			ncores_add(plan->charge_worst, ncores_times(need->charge_worst, count));
	}
	expected->total = ncores_add(ncores_add(expected->base, expected->programs), expected->io);
	worst->total = ncores_add(ncores_add(worst->base, worst->programs), worst->io);
	plan->cpu_capacity = n_cpus * NCORES_PER_CORE;
}

/* ---- resources ---- */

static struct plan_resource *add_resource(struct plan *plan, enum plan_resource_kind kind,
					  const char *name)
{
	struct plan_resource *resources =
		reallocarray(plan->resources, plan->n_resources + 1, sizeof(*resources));
	struct plan_resource *added;

	if (!resources)
		return NULL;
	plan->resources = resources;
	added = &resources[plan->n_resources++];
	*added = (struct plan_resource){.kind = kind};
	snprintf(added->name, sizeof(added->name), "%s", name);
	return added;
}

/* What each CPU has when the host has had its part of it. */
static uint64_t cpu_ncores(const struct plan_request *request)
{
	const struct profile_base *base = &request->profile->base;
	uint64_t kept = ceiling(larger(base->host_cpu_ns, base->host_cpu_upper_ns));

	return kept < NCORES_PER_CORE ? NCORES_PER_CORE - kept : 0;
}

/* One that may run on none of the host's CPUs lacks one, even if it is promised nothing of it. */
static uint64_t demand_of(const struct plan_request *request, const struct plan *plan, size_t i)
{
	const struct plan_workspace *workspace = &request->workspaces[i];
	struct cpus here = cpus_intersect(&workspace->cpus, &request->host->cpus);
	uint64_t ncores = ncores_times(plan->needs[i].charge_worst, workspace->count);

	if (workspace->has_cpus && !cpus_count(&here) && ncores < NCORES_PER_MCORE)
		return NCORES_PER_MCORE;
	return ncores;
}

/* The workspaces, and the host as one that may run anywhere. */
static struct deal_demand *make_demands(const struct plan_request *request, const struct plan *plan)
{
	struct deal_demand *demands = calloc(plan->n_needs + 1, sizeof(*demands));

	for (size_t i = 0; demands && i < plan->n_needs; i++) {
		const struct plan_workspace *workspace = &request->workspaces[i];

		demands[i].cpus = workspace->has_cpus ? workspace->cpus : request->host->cpus;
		demands[i].ncores = demand_of(request, plan, i);
	}
	if (demands)
		demands[plan->n_needs] = (struct deal_demand){request->host->cpus,
							      ncores_add(plan->host_worst.programs,
									 plan->host_worst.io)};
	return demands;
}

static int check_cpu(const struct plan_request *request, struct plan *plan,
		     const struct deal_demand *demands)
{
	uint64_t each = cpu_ncores(request), base = NCORES_PER_CORE - each;
	struct deal_result dealt;
	struct plan_resource *resource = add_resource(plan, PLAN_CPU, "");
	int r;

	if (!resource)
		return -ENOMEM;
	resource->cpus = request->host->cpus;
	resource->whole = resource->known = true;
	resource->capacity = plan->cpu_capacity;
	resource->asked = ncores_add(plan->charge_worst, plan->host_worst.total);
	r = deal_cpus(demands, plan->n_needs + 1, &request->host->cpus, each, &dealt);
	if (r < 0 || !dealt.missing_ncores ||
	    memcmp(&dealt.tight, &request->host->cpus, sizeof(dealt.tight)) == 0)
		return r;
	resource = add_resource(plan, PLAN_CPU, "");
	if (!resource)
		return -ENOMEM;
	resource->cpus = dealt.tight;
	resource->known = true;
	resource->capacity = cpus_count(&dealt.tight) * NCORES_PER_CORE;
	resource->asked = ncores_add(dealt.asked_ncores, cpus_count(&dealt.tight) * base);
	return 0;
}

static int check_memory(const struct plan_request *request, struct plan *plan)
{
	uint64_t asked = request->host_memory_bytes;
	struct plan_resource *resource;

	for (size_t i = 0; i < request->n_workspaces; i++) {
		const struct plan_workspace *workspace = &request->workspaces[i];

		asked = ncores_add(asked, ncores_times(workspace->terms.memory.reserve_bytes,
						       workspace->count));
	}
	if (asked == request->host_memory_bytes)
		return 0;
	resource = add_resource(plan, PLAN_MEMORY, "");
	if (!resource)
		return -ENOMEM;
	resource->known = request->host->memory_bytes > 0;
	resource->capacity = request->host->memory_bytes;
	resource->asked = asked;
	return 0;
}

/* Of every path but none: what leaves a workspace may leave the host. */
static int check_link(const struct plan_request *request, struct plan *plan,
		      enum terms_direction direction)
{
	struct plan_resource *resource;
	uint64_t asked = 0;

	for (size_t i = 0; i < request->n_workspaces; i++) {
		const struct plan_workspace *workspace = &request->workspaces[i];

		/* a device that was handed over is a link of its own */
		if (strcmp(workspace->terms.path, "device") != 0)
			asked = ncores_add(asked,
					   ncores_times(workspace->terms.net[direction].reserve_bps,
							workspace->count));
	}
	if (!asked)
		return 0;
	resource = add_resource(plan, direction == TERMS_EGRESS ? PLAN_EGRESS : PLAN_INGRESS,
				request->host->uplink);
	if (!resource)
		return -ENOMEM;
	resource->known = request->host->uplink_bps > 0;
	resource->capacity = request->host->uplink_bps;
	resource->asked = asked;
	return 0;
}

/* ---- disks ---- */

static struct plan_resource *find_disk(struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_resources; i++) {
		if (plan->resources[i].kind == PLAN_DISK &&
		    strcmp(plan->resources[i].name, name) == 0)
			return &plan->resources[i];
	}
	return NULL;
}

/* How much of the disk's time a promise takes, in billionths: bytes or requests, whichever is more. */
static uint64_t disk_time(const struct plan_disk *disk, enum terms_access access,
			  const struct terms_disk_flow *flow)
{
	double size = flow->request_bytes ? flow->request_bytes : TERMS_REQUEST_BYTES;
	double bytes = larger((double)flow->reserve_bytes, flow->reserve_iops * size);
	double requests = larger(flow->reserve_iops, (double)flow->reserve_bytes / size);
	double of_bytes = 0, of_requests = 0;

	if (disk->bytes_per_s[access])
		of_bytes = bytes / (double)disk->bytes_per_s[access];
	if (disk->requests_per_s[access])
		of_requests = requests / (double)disk->requests_per_s[access];
	return ceiling(larger(of_bytes, of_requests) * (double)DISK_TIME);
}

static bool is_measured(const struct plan_disk *disk)
{
	return disk->bytes_per_s[TERMS_READ] && disk->bytes_per_s[TERMS_WRITE];
}

static int add_disk(const struct plan_request *request, struct plan *plan, size_t workspace,
		    const struct terms_disk *promise)
{
	const struct plan_disk *disk = plan_host_find_disk(request->host, promise->device);
	/* the whole disk's entry comes first in the host's list */
	const struct plan_disk *whole = disk ? plan_host_find_disk(request->host, disk->target)
					     : NULL;
	const char *name = whole ? whole->name : promise->device;
	struct plan_resource *resource = find_disk(plan, name);

	for (int access = 0; access < TERMS_ACCESSES; access++) {
		const struct terms_disk_flow *flow = &promise->flow[access];

		if (!flow->reserve_bytes && !flow->reserve_iops)
			continue;
		if (!resource)
			resource = add_resource(plan, PLAN_DISK, name);
		if (!resource)
			return -ENOMEM;
		resource->capacity = DISK_TIME;
		resource->known = whole && is_measured(whole);
		if (whole)
			resource->asked =
				ncores_add(resource->asked,
					   ncores_times(disk_time(whole, access, flow),
							request->workspaces[workspace].count));
	}
	return 0;
}

static int check_disks(const struct plan_request *request, struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; i < request->n_workspaces; i++) {
		const struct terms *terms = &request->workspaces[i].terms;

		for (unsigned int k = 0; r == 0 && k < terms->n_disks; k++)
			r = add_disk(request, plan, i, &terms->disks[k]);
	}
	return r;
}

/* ---- sets of CPUs ---- */

static bool has_set(const struct plan *plan, const struct cpus *cpus)
{
	for (size_t i = 0; i < plan->n_sets; i++) {
		if (memcmp(&plan->sets[i].cpus, cpus, sizeof(*cpus)) == 0)
			return true;
	}
	return false;
}

static void add_set(struct plan *plan, const struct cpus *cpus, int node)
{
	if (has_set(plan, cpus))
		return;
	if (plan->n_sets == PLAN_SETS_MAX) {
		plan->sets_left_out = true;
		return;
	}
	plan->sets[plan->n_sets++] = (struct plan_set){.cpus = *cpus, .node = node};
}

static void find_sets(const struct plan_request *request, struct plan *plan)
{
	const struct plan_host *host = request->host;

	for (size_t i = 0; host->n_nodes > 1 && i < host->n_nodes; i++) {
		if (cpus_count(&host->nodes[i].cpus))
			add_set(plan, &host->nodes[i].cpus, (int)host->nodes[i].number);
	}
	for (size_t i = 0; i < request->n_workspaces; i++) {
		const struct plan_workspace *workspace = &request->workspaces[i];
		struct cpus cpus = cpus_intersect(&workspace->cpus, &host->cpus);

		if (workspace->has_cpus && memcmp(&cpus, &host->cpus, sizeof(cpus)) != 0)
			add_set(plan, &cpus, -1);
	}
}

static int fill_set(const struct plan_request *request, struct plan *plan, struct plan_set *set,
		    const struct deal_demand *demands)
{
	uint64_t each = cpu_ncores(request);
	struct cpus here = cpus_intersect(&set->cpus, &request->host->cpus);
	unsigned int n_cpus = cpus_count(&here);

	set->capacity = n_cpus * NCORES_PER_CORE;
	set->confined = n_cpus * (NCORES_PER_CORE - each);
	for (size_t i = 0; i < plan->n_needs; i++) {
		struct cpus both = cpus_intersect(&demands[i].cpus, &request->host->cpus);

		/* one that may run nowhere is confined to nothing that there is */
		if (!cpus_count(&both) && n_cpus)
			continue;
		if (cpus_first_missing(&both, &set->cpus) < 0)
			set->confined = ncores_add(set->confined, demands[i].ncores);
	}
	if (!plan->admitted)
		return 0;
	return deal_left(demands, plan->n_needs + 1, &request->host->cpus, each, &set->cpus,
			 &set->left);
}

static int make_sets(const struct plan_request *request, struct plan *plan,
		     const struct deal_demand *demands)
{
	int r = 0;

	plan->sets = calloc(PLAN_SETS_MAX, sizeof(*plan->sets));
	if (!plan->sets)
		return -ENOMEM;
	find_sets(request, plan);
	for (size_t i = 0; r == 0 && i < plan->n_sets; i++)
		r = fill_set(request, plan, &plan->sets[i], demands);
	return r;
}

/* ---- the whole ---- */

/* ASKED: only whether it fits. */
static int weigh(const struct plan_request *request, struct plan *plan, bool asked)
{
	_cleanup_free_ struct deal_demand *demands = NULL;
	int r = make_needs(request, plan, asked);

	if (r < 0)
		return r;
	sum_host(request, plan);
	demands = make_demands(request, plan);
	if (!demands)
		return -ENOMEM;
	r = check_cpu(request, plan, demands);
	if (r == 0)
		r = check_memory(request, plan);
	for (int direction = 0; r == 0 && direction < TERMS_DIRECTIONS; direction++)
		r = check_link(request, plan, direction);
	if (r == 0)
		r = check_disks(request, plan);
	plan->admitted = true;
	for (size_t i = 0; i < plan->n_resources; i++)
		plan->admitted = plan->admitted && !plan_missing(&plan->resources[i]);
	if (r == 0 && !asked)
		r = make_sets(request, plan, demands);
	return r;
}

int plan_make(const struct plan_request *request, struct plan **plan, struct error *err)
{
	_cleanup_(cleanup_plan) struct plan *made = calloc(1, sizeof(*made));

	if (!made || weigh(request, made, false) < 0)
		return error_oom(err);
	*plan = take_ptr(made);
	return 0;
}

int plan_fits(const struct plan_request *request, bool *fits)
{
	_cleanup_(cleanup_plan) struct plan *made = calloc(1, sizeof(*made));

	if (!made || weigh(request, made, true) < 0)
		return -ENOMEM;
	*fits = made->admitted;
	return 0;
}

/* ---- in words ---- */

static char *cpu_refusal(const struct plan_resource *resource)
{
	_cleanup_free_ char *list = cpus_format(&resource->cpus);
	struct unit_text asked = words_cores(resource->asked);
	struct unit_text missing = words_cores(plan_missing(resource));

	if (!list)
		return NULL;
	if (!*list)
		return string_format("CPU: %s cores are needed on CPUs that are not there",
				     asked.text);
	if (resource->whole)
		return string_format("CPU: the workspaces and the host need %s cores of %u, %s too "
				     "much",
				     asked.text, cpus_count(&resource->cpus), missing.text);
	return string_format(
		"CPU%s %s: those that may run nowhere else need %s cores of %u, %s too "
		"much",
		strpbrk(list, "-,") ? "s" : "", list, asked.text, cpus_count(&resource->cpus),
		missing.text);
}

char *plan_refusal(const struct plan_resource *resource)
{
	uint64_t missing = plan_missing(resource);

	switch (resource->kind) {
	case PLAN_CPU:
		return cpu_refusal(resource);
	case PLAN_MEMORY:
		return string_format("memory: %s are needed of %s, %s too much",
				     words_size(resource->asked).text,
				     words_size(resource->capacity).text, words_size(missing).text);
	case PLAN_DISK:
		return string_format("disk %s: the promises take %s of its time, %s too much",
				     resource->name, words_percent(resource->asked).text,
				     words_percent(missing).text);
	default:
		return string_format("link %s: %s of %s are promised of %s, %s too much",
				     resource->name, words_bit_rate(resource->asked).text,
				     resource->kind == PLAN_EGRESS ? "egress" : "ingress",
				     words_bit_rate(resource->capacity).text,
				     words_bit_rate(missing).text);
	}
}
