// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A profile. What is taken is written, and read again as the same; and whatever it says, a plan made with
 * it holds: the worst case is no better than what is expected, and more is not cheaper.
 */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "plan/plan.h"

static void check_written(const struct profile *profile)
{
	_cleanup_(cleanup_profile) struct profile *again = NULL;
	_cleanup_free_ char *text = profile_format(profile), *second = NULL;
	struct error err = {0};

	if (!text || profile_parse("again", text, strlen(text), &again, &err) < 0)
		abort();
	second = profile_format(again);
	if (!second || strcmp(text, second) != 0)
		abort();
}

static struct plan_workspace some_workspace(void)
{
	struct plan_workspace workspace = {.name = "a", .count = 3};
	struct terms *terms = &workspace.terms;

	terms->net[TERMS_EGRESS].reserve_bps = 100000000;
	terms->net[TERMS_INGRESS].reserve_bps = 1000000;
	terms->net[TERMS_INGRESS].connections = 50;
	terms->n_disks = 1;
	terms->disks[0].flow[TERMS_READ].reserve_bytes = 10000000;
	terms->disks[0].flow[TERMS_WRITE].reserve_iops = 100;
	return workspace;
}

static uint64_t worst_of(const struct plan *plan)
{
	return ncores_add(plan->charge_worst, plan->host_worst.total);
}

static void check_plan(const struct profile *profile)
{
	_cleanup_(cleanup_plan_host) struct plan_host *host = plan_host_new();
	_cleanup_(cleanup_plan) struct plan *less = NULL, *more = NULL;
	struct plan_workspace workspace = some_workspace();
	struct plan_request request = {
		.host = host, .profile = profile, .workspaces = &workspace, .n_workspaces = 1};
	struct error err = {0};

	cpus_add(&host->cpus, 0);
	if (plan_make(&request, &less, &err) < 0)
		abort();
	workspace.terms.net[TERMS_EGRESS].reserve_bps *= 2;
	if (plan_make(&request, &more, &err) < 0)
		abort();
	/* the host has what the dearest end leaves beside the workspaces: only both together never fall */
	if (less->charge_worst < less->charge_expected || more->charge_worst < less->charge_worst ||
	    worst_of(more) < worst_of(less) || less->host_worst.total < less->host_expected.total ||
	    (more->admitted && !less->admitted))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(cleanup_profile) struct profile *profile = NULL;
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct error err = {0};
	int r = profile_parse("profile", text, size, &profile, &err);

	fuzz_check_error(r, &err);
	if (r < 0)
		return 0;
	check_written(profile);
	check_plan(profile);
	return 0;
}
