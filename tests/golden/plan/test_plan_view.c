// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What plan prints, of a host and a profile made by hand, held to the files beside this one (page.h).
 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include "../../unit/plan_example.h"
#include "../page.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "plan/advice.h"
#include "view/plan.h"

struct example {
	struct profile *profile;
	struct plan_host *host;
	struct plan_workspace workspaces[4];
	struct plan_request request;
	struct plan *plan;
	char **refusals, **advice, **notes;
	struct view_plan view;
};

static void free_example(struct example *e)
{
	plan_free(e->plan);
	plan_host_free(e->host);
	profile_free(e->profile);
	strv_free(e->refusals);
	strv_free(e->advice);
	strv_free(e->notes);
}
#define _cleanup_example_ _cleanup_(free_example)

static void promise_disk(struct terms *terms)
{
	terms->n_disks = 2;
	terms->disks[0].flow[TERMS_READ].reserve_bytes = 20000000;
	terms->disks[0].flow[TERMS_WRITE].reserve_iops = 2000;
	terms->disks[0].flow[TERMS_WRITE].request_bytes = 4096;
	strcpy(terms->disks[1].device, "/dev/sdb");
	terms->disks[1].flow[TERMS_READ].reserve_bytes = 1000000;
	terms->disks[1].flow[TERMS_READ].buffered = true;
}

static void make_workspaces(struct example *e)
{
	e->workspaces[0] = example_workspace("web", 500, 200000000);
	e->workspaces[0].count = 2;
	e->workspaces[0].terms.cpu.limit_mcores = 2000;
	e->workspaces[0].terms.net[TERMS_INGRESS].reserve_bps = 10000000;
	e->workspaces[0].terms.net[TERMS_INGRESS].connections = 100;
	e->workspaces[1] = example_workspace("a <db> & more with a long name", 800, 0);
	promise_disk(&e->workspaces[1].terms);
	cpus_parse("0-1", &e->workspaces[1].cpus);
	e->workspaces[1].has_cpus = true;
	e->workspaces[1].terms.memory.reserve_bytes = UINT64_C(2) << 30;
	e->workspaces[2] = example_workspace("Web", 0, 50000000);
	strcpy(e->workspaces[2].terms.path, "macvlan");
	e->workspaces[3] = example_workspace("batch", 100, 0);
}

static void make_plan(struct example *e)
{
	must(plan_make(&e->request, &e->plan, NULL) == 0);
	for (size_t i = 0; i < e->plan->n_resources; i++) {
		_cleanup_free_ char *sentence = NULL;

		if (!plan_missing(&e->plan->resources[i]))
			continue;
		sentence = plan_refusal(&e->plan->resources[i]);
		strv_append(&e->refusals, sentence);
	}
	must(plan_advise(&e->request, e->plan, PLAN_ALL, &e->advice) == 0);
	e->view.plan = e->plan;
	e->view.refusals = e->refusals;
	e->view.advice = e->advice;
}

static void make_example(struct example *e)
{
	*e = (struct example){.profile = example_profile()};
	e->profile->base = (struct profile_base){5e6, 0, 2e7, 1e5, 0.02};
	e->profile->operations[4].busy_share = 0.5;
	e->profile->operations[4].busy = 0.1;
	e->profile->operations[4].busy_most = 0.3;
	e->profile->operations[0].cost[PROFILE_OWN] = (struct profile_cost){1000, 0.5, 20000, 4000};
	e->profile->operations[0].gap_ns = 1e6;
	e->profile->operations[0].host_gap_ns = 1e6;
	e->host = example_host(e->profile);
	make_workspaces(e);
	e->request = (struct plan_request){
		.host = e->host,
		.profile = e->profile,
		.host_ncores = 100000000,
		.host_memory_bytes = 400 << 20,
		.workspaces = e->workspaces,
		.n_workspaces = 4,
	};
	strv_append(&e->notes, "the profile was measured long ago");
	e->view = (struct view_plan){
		.request = &e->request,
		.source = "web.yaml",
		.profile = "/var/lib/behalf/profile.json, calibrated 2026-01-01",
		.notes = e->notes,
	};
}

TEST(text_of_what_is_admitted)
{
	_cleanup_example_ struct example e;
	struct page page;

	make_example(&e);
	make_plan(&e);
	e.view.max_name = "batch";
	e.view.max_more = 3;
	must(view_plan_text(page_open(&page), &e.view, NULL) == 0);
	page_is(&page, "admitted.txt");
}

TEST(text_of_what_is_refused)
{
	_cleanup_example_ struct example e;
	struct page page;

	make_example(&e);
	e.workspaces[0].terms.net[TERMS_EGRESS].reserve_bps = 2000000000;
	e.workspaces[3].count = 10;
	e.workspaces[1].terms.cpu.reserve_mcores = 2500;
	make_plan(&e);
	must(view_plan_text(page_open(&page), &e.view, NULL) == 0);
	page_is(&page, "refused.txt");
}

TEST(no_line_of_the_text_is_wider_than_100)
{
	_cleanup_example_ struct example e;
	_cleanup_free_ char *text = NULL;
	struct page page;

	make_example(&e);
	e.workspaces[1].terms.cpu.reserve_mcores = 4096000;
	e.workspaces[1].count = 10;
	e.workspaces[2].terms.net[TERMS_EGRESS].reserve_bps = 400000000000;
	make_plan(&e);
	must(view_plan_text(page_open(&page), &e.view, NULL) == 0);
	fclose(page.file);
	text = page.text;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		/* the sentences have the width that they need */
		if (!strchr(line, ':') && !string_starts_with(line, "it would fit"))
			ok(strlen(line) <= 100, "%s", line);
	}
}

TEST(explanation)
{
	_cleanup_example_ struct example e;
	struct page page;

	make_example(&e);
	make_plan(&e);
	must(view_plan_explain(page_open(&page), &e.view, NULL) == 0);
	page_is(&page, "explain.txt");
}

static void measure(struct profile *profile, enum profile_kind kind, enum profile_mode mode,
		    const char *target, double own_ns, double behalf_ns)
{
	example_operation(profile, kind, mode, target, own_ns, behalf_ns);
	profile->operations[profile->n_operations - 1].fit[PROFILE_PAYER_WORKSPACE].upper = 1.1;
}

/*
 * What arrives from outside costs more than what another workspace sends, a device is taken for no better than it was
 * measured to be, and the flusher's time is the workspace's.
 */
TEST(explanation_of_paths)
{
	_cleanup_example_ struct example e;
	struct profile_operation *writeback;
	struct page page;

	make_example(&e);
	measure(e.profile, PROFILE_RECEIVE, PROFILE_UDP, "uplink", 1000, 3000);
	measure(e.profile, PROFILE_RECEIVE, PROFILE_UDP, "local", 1200, 3300);
	measure(e.profile, PROFILE_RECEIVE, PROFILE_UDP, "device", 900, 700);
	e.profile->operations[e.profile->n_operations - 1].stand_in = true;
	measure(e.profile, PROFILE_WRITE, PROFILE_SYNCED, "8:0", 30000, 4000);
	for (writeback = e.profile->operations;
	     writeback->kind != PROFILE_WRITE || writeback->mode != PROFILE_BUFFERED; writeback++)
		;
	writeback->cost[PROFILE_WRITEBACK].unit_ns = 9000;
	e.request.n_workspaces = 2;
	e.workspaces[0] = example_workspace("web", 500, 0);
	e.workspaces[0].terms.net[TERMS_INGRESS].reserve_bps = 80000000;
	e.workspaces[0].terms.net[TERMS_INGRESS].packet_bytes = 1000;
	e.workspaces[0].terms.net[TERMS_INGRESS].packet_worst_bytes = 500;
	e.workspaces[0].terms.n_disks = 1;
	e.workspaces[0].terms.disks[0].flow[TERMS_WRITE] = (struct terms_disk_flow){
		.reserve_iops = 1000, .request_bytes = 4096, .buffered = true};
	e.workspaces[1] = e.workspaces[0];
	e.workspaces[1].name = "on a device";
	e.workspaces[1].terms.n_disks = 0;
	strcpy(e.workspaces[1].terms.path, "device");
	make_plan(&e);
	must(view_plan_explain(page_open(&page), &e.view, NULL) == 0);
	page_is(&page, "paths.txt");
}

TEST(json)
{
	_cleanup_example_ struct example e;
	_cleanup_json_ struct json_object *object = NULL;
	struct page page;

	make_example(&e);
	e.workspaces[0].terms.net[TERMS_EGRESS].reserve_bps = 1000000000;
	make_plan(&e);
	must(view_plan_json(&e.view, true, &object, NULL) == 0);
	fprintf(page_open(&page), "%s\n", json_text(object, true));
	page_is(&page, "plan.json");
}

static double number_of(struct json_object *object, const char *key)
{
	return json_object_get_double(json_object_object_get(object, key));
}

/* With an upper quantile near 1 the worst case is another load's than that of what was measured. */
TEST(what_json_explains_adds_up)
{
	_cleanup_example_ struct example e;
	_cleanup_json_ struct json_object *object = NULL;
	struct json_object *workspace, *worst, *own;
	struct profile_operation *send;

	make_example(&e);
	send = &e.profile->operations[0];
	send->busy_share = 1;
	send->busy = 0.1;
	send->busy_most = 0.5;
	send->fit[PROFILE_PAYER_WORKSPACE].upper = 1.01;
	send->cost[PROFILE_OWN].connection_wakeup_ns = 500;
	send->cost[PROFILE_HOST].connection_wakeup_ns = 700;
	e.workspaces[0].terms.net[TERMS_INGRESS] = (struct terms_net){0};
	e.workspaces[0].terms.net[TERMS_EGRESS].connections = 2000;
	make_plan(&e);
	must(view_plan_json(&e.view, true, &object, NULL) == 0);
	workspace = json_object_array_get_idx(json_object_object_get(object, "workspaces"), 0);
	worst = json_object_object_get(
		json_object_array_get_idx(json_object_object_get(workspace, "flows"), 0), "worst");
	own = json_object_object_get(json_object_object_get(worst, "cost"), "own");
	ok(number_of(own, "times") * number_of(own, "busy_times") > 1.49, "%f",
	   number_of(own, "busy_times"));
	is_uint((uint64_t)(number_of(own, "times") * number_of(own, "busy_times") *
				   (number_of(own, "unit_ns") * number_of(worst, "units_per_s") +
				    number_of(own, "byte_ns") * number_of(worst, "bytes_per_s") +
				    number_of(own, "connection_ns") *
					    number_of(worst, "connections_per_s") +
				    number_of(own, "wakeup_ns") *
					    number_of(worst, "wakeups_per_s") +
				    number_of(own, "connection_wakeup_ns") *
					    number_of(own, "connection_wakeups_per_s")) +
			   0.5),
		(uint64_t)number_of(own, "ncores"));
	is_uint(e.plan->needs[0].worst[PROFILE_OWN], (uint64_t)number_of(own, "ncores"));
}

TEST(html)
{
	_cleanup_example_ struct example e;
	struct page page;

	make_example(&e);
	make_plan(&e);
	must(view_plan_html(page_open(&page), &e.view, NULL) == 0);
	page_is(&page, "plan.html");
}

TEST(kubernetes)
{
	_cleanup_example_ struct example e;
	struct page page;

	make_example(&e);
	make_plan(&e);
	must(view_plan_kubernetes(page_open(&page), &e.view, VIEW_PLAN_KUBERNETES_ALL, NULL) == 0);
	page_is(&page, "kubernetes.yaml");
}

TEST(slurm)
{
	_cleanup_example_ struct example e;
	struct page page;

	make_example(&e);
	make_plan(&e);
	must(view_plan_slurm(page_open(&page), &e.view, NULL) == 0);
	page_is(&page, "slurm.conf");
}

TEST(profile)
{
	_cleanup_example_ struct example e;
	_cleanup_free_ char *text = NULL;
	struct profile_point point = {1000, 1500000, 0, {2000000, 100000, 0}};
	struct page page;

	make_example(&e);
	profile_add_point(&e.profile->operations[0], &point);
	text = profile_format(e.profile);
	fputs(text, page_open(&page));
	page_is(&page, "profile.json");
}
