// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/admit_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cmd/plan_host.h"
#include "kernel/cgroup.h"
#include "plan/admission.h"
#include "promises/foreign.h"

/* Limits and shares take nothing from anybody: these always fit. */
static bool reserves_something(const struct terms *terms)
{
	bool any = terms->cpu.reserve_mcores || terms->memory.reserve_bytes;

	for (int i = 0; i < TERMS_DIRECTIONS; i++)
		any |= terms->net[i].reserve_bps || terms->net[i].connections;
	for (unsigned int i = 0; i < terms->n_disks; i++)
		for (int j = 0; j < TERMS_ACCESSES; j++)
			any |= terms->disks[i].flow[j].reserve_bytes ||
			       terms->disks[i].flow[j].reserve_iops;
	return any;
}

static struct plan_workspace workspace_of_promise(const struct promise *promise)
{
	return (struct plan_workspace){
		.name = promise->name,
		.terms = promise->terms,
		.cpus = promise->cpus,
		.has_cpus = promise->has_cpus,
		.count = 1,
	};
}

static uint32_t mcores_of(uint64_t ncores)
{
	uint64_t mcores = ncores / NCORES_PER_MCORE + (ncores % NCORES_PER_MCORE > 0);

	return mcores < UINT32_MAX ? (uint32_t)mcores : UINT32_MAX;
}

/* What threads may use at most beside their reserve. */
static uint32_t most_mcores(const struct promise *promise, const struct plan_host *host)
{
	const struct terms_cpu *cpu = &promise->terms.cpu;
	uint32_t most =
		(uint32_t)cpus_count(promise->has_cpus ? &promise->cpus : &host->cpus) * 1000;

	if (cpu->limit_mcores && cpu->limit_mcores < most)
		most = cpu->limit_mcores;
	return most > cpu->reserve_mcores ? most - cpu->reserve_mcores : 0;
}

/* Of what is promised by force there may be more than they can use, which would make the weights of others nothing. */
static void note_io(const struct extrapolate_need *need, const struct plan_host *host,
		    struct promise *promise)
{
	uint32_t most = most_mcores(promise, host), own = mcores_of(need->worst[PROFILE_OWN]);
	uint64_t all = 0;

	for (unsigned int part = 0; part < PROFILE_WORKSPACE_PARTS; part++)
		all = ncores_add(all, need->worst[part]);
	promise->io_own_mcores = own < most ? own : most;
	promise->io_mcores = mcores_of(all);
}

/* The new one last, as plan_admit wants it. */
static int plan(const struct promise_list *kept, const struct foreign_claims *claims,
		struct promise *wanted, struct plan_request *request, struct error *err)
{
	struct extrapolate_need need = {0};
	size_t n = 0;
	int r;
	_cleanup_free_ struct plan_workspace *workspaces =
		calloc(kept->n + claims->n + 1, sizeof(*workspaces));

	if (!workspaces)
		return error_oom(err);
	for (size_t i = 0; i < kept->n; i++)
		workspaces[n++] = workspace_of_promise(&kept->items[i]);
	for (size_t i = 0; i < claims->n; i++)
		workspaces[n++] = foreign_workspace(&claims->items[i]);
	workspaces[n++] = workspace_of_promise(wanted);
	request->workspaces = workspaces;
	request->n_workspaces = n;
	r = plan_admit(request, &need, err);
	note_io(&need, request->host, wanted);
	return r;
}

/* WANTED is a promise too: its group, which may be there, is not to be taken for somebody else's. */
static int read_claims(const struct promise_list *kept, const struct promise *wanted,
		       struct foreign_claims *claims, struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	_cleanup_free_ struct promise *items = calloc(kept->n + 1, sizeof(*items));
	struct promise_list own = {.items = items, .n = kept->n + 1};
	int r;

	if (!items)
		return error_oom(err);
	for (size_t i = 0; i < kept->n; i++)
		items[i] = kept->items[i];
	items[kept->n] = *wanted;
	r = cgroup_layout_read(&layout, err);
	return r == 0 ? foreign_read(-EBADF, layout, &own, claims, err) : r;
}

/* A refusal by a profile that may be too cautious says so. */
static int refuse_by_guess(const char *warning, struct error *err)
{
	struct error refusal = *err;

	return error_set(err, EBUSY, "%s; %s", refusal.text, warning);
}

int admit_plan(const struct promise_list *kept, struct promise *wanted, struct error *err)
{
	_cleanup_(cleanup_plan_host) struct plan_host *host = NULL;
	_cleanup_(plan_profile_clear) struct plan_profile profile = {0};
	_cleanup_(foreign_clear) struct foreign_claims claims = {0};
	struct plan_request request = {0};
	int r;

	wanted->io_own_mcores = wanted->io_mcores = 0;
	if (!reserves_something(&wanted->terms))
		return 0;
	r = plan_host_read(wanted->state_root ? wanted->state_root : "/", &host, err);
	if (r == 0)
		r = plan_profile_load(NULL, &profile, err);
	if (r == 0)
		r = read_claims(kept, wanted, &claims, err);
	if (r < 0)
		return r;
	plan_host_take_rates(host, profile.profile);
	request.host = host;
	request.profile = profile.profile;
	request.host_memory_bytes = plan_host_memory_kept(host);
	r = plan(kept, &claims, wanted, &request, err);
	return r == -EBUSY && profile.warning ? refuse_by_guess(profile.warning, err) : r;
}
