// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "plan/words.h"
#include "view/plan.h"

#define NAME_WIDTH 20

static void put_name(struct table *table, const char *name)
{
	_cleanup_free_ char *printable = text_printable(name);
	_cleanup_free_ char *fitting = printable ? text_fit(printable, NAME_WIDTH) : NULL;

	table_string(table, fitting ? fitting : "?");
}

static void put_figures(struct table *table, const struct extrapolate_need *need, bool worst)
{
	for (int column = 0; column < VIEW_PLAN_COLUMNS; column++)
		table_string(table, view_plan_cores(view_plan_figure(need, column, worst)).text);
}

static void put_workspace(struct table *table, const struct plan_workspace *workspace,
			  const struct extrapolate_need *need, bool worst)
{
	uint64_t charge = view_plan_figure(need, VIEW_PLAN_CHARGE, worst);

	table_row(table);
	put_name(table, workspace->name);
	table_u64(table, workspace->count);
	table_string(table, view_plan_path(&workspace->terms));
	put_figures(table, need, worst);
	table_string(table, view_plan_cores(ncores_times(charge, workspace->count)).text);
}

/* A row whose only figures are of the last columns. */
static void put_sum(struct table *table, const char *name, uint64_t ncores)
{
	table_row(table);
	table_string(table, name);
	for (int i = 0; i < VIEW_PLAN_COLUMNS + 2; i++)
		table_string(table, NULL);
	table_string(table, view_plan_cores(ncores).text);
}

static int put_needs(FILE *out, const struct view_plan *view, bool worst, struct error *err)
{
	static const struct table_column columns[] = {
		{.heading = "NAME"},
		{.heading = "N", .align = TABLE_RIGHT},
		{.heading = "PATH"},
		{.heading = "RESERVE", .align = TABLE_RIGHT},
		{.heading = "OWN", .align = TABLE_RIGHT},
		{.heading = "NET", .align = TABLE_RIGHT},
		{.heading = "BLK", .align = TABLE_RIGHT},
		{.heading = "REST", .align = TABLE_RIGHT},
		{.heading = "CHARGE", .align = TABLE_RIGHT},
		{.heading = "HOST", .align = TABLE_RIGHT},
		{.heading = "ALL", .align = TABLE_RIGHT},
	};
	_cleanup_(cleanup_table) struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const struct plan *plan = view->plan;
	const struct plan_host_part *host = worst ? &plan->host_worst : &plan->host_expected;
	uint64_t charge = worst ? plan->charge_worst : plan->charge_expected;
	uint64_t total = ncores_add(charge, host->total);

	for (size_t i = 0; i < plan->n_needs; i++)
		put_workspace(table, &view->request->workspaces[i], &plan->needs[i], worst);
	put_sum(table, "host", host->total);
	put_sum(table, "all", total);
	if (total <= plan->cpu_capacity)
		put_sum(table, "headroom", plan->cpu_capacity - total);
	else
		put_sum(table, "missing", total - plan->cpu_capacity);
	return table_print(table, out, err);
}

static void put_resource(struct table *table, const struct plan_resource *resource)
{
	_cleanup_free_ char *name = view_plan_resource_name(resource);
	uint64_t missing = plan_missing(resource);

	table_row(table);
	table_string(table, name);
	table_string(table, resource->known || resource->kind != PLAN_DISK
				    ? view_plan_amount(resource, resource->asked).text
				    : "?");
	table_string(table,
		     resource->known ? view_plan_amount(resource, resource->capacity).text : "?");
	if (!resource->known)
		table_string(table, "not checked");
	else if (missing)
		table_format(table, "%s missing", view_plan_amount(resource, missing).text);
	else
		table_string(table,
			     view_plan_amount(resource, resource->capacity - resource->asked).text);
}

static int put_resources(FILE *out, const struct plan *plan, struct error *err)
{
	static const struct table_column columns[] = {
		{.heading = "RESOURCE"},
		{.heading = "NEEDED", .align = TABLE_RIGHT},
		{.heading = "OF", .align = TABLE_RIGHT},
		{.heading = "LEFT", .align = TABLE_RIGHT},
	};
	_cleanup_(cleanup_table) struct table *table = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < plan->n_resources; i++)
		put_resource(table, &plan->resources[i]);
	return table_print(table, out, err);
}

static int put_sets(FILE *out, const struct plan *plan, struct error *err)
{
	static const struct table_column columns[] = {
		{.heading = "CPUS"},
		{.heading = "NODE", .align = TABLE_RIGHT},
		{.heading = "CONFINED", .align = TABLE_RIGHT},
		{.heading = "OF", .align = TABLE_RIGHT},
		{.heading = "STILL TO HAVE", .align = TABLE_RIGHT},
	};
	_cleanup_(cleanup_table) struct table *table = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < plan->n_sets; i++) {
		const struct plan_set *set = &plan->sets[i];
		_cleanup_free_ char *list = cpus_format(&set->cpus);

		table_row(table);
		table_string(table, list && *list ? list : "(none)");
		if (set->node >= 0)
			table_u64(table, (uint64_t)set->node);
		else
			table_string(table, "-");
		table_string(table, view_plan_cores(set->confined).text);
		table_string(table, view_plan_cores(set->capacity).text);
		table_string(table, view_plan_cores(set->left).text);
	}
	return table_print(table, out, err);
}

static void put_host_part(FILE *out, const struct plan *plan)
{
	const struct plan_host_part *expected = &plan->host_expected, *worst = &plan->host_worst;

	fprintf(out,
		"host: kernel %s (worst %s), its programs %s, I/O of workspaces %s (worst %s)\n",
		view_plan_cores(expected->base).text, view_plan_cores(worst->base).text,
		view_plan_cores(worst->programs).text, view_plan_cores(expected->io).text,
		view_plan_cores(worst->io).text);
}

static void put_head(FILE *out, const struct view_plan *view)
{
	const struct plan_host *host = view->request->host;
	struct view_plan_base base = view_plan_base(view);

	fprintf(out, "plan of %s: %" PRIu64 " workspace%s on %s%s%u CPU%s and %s\n", view->source,
		view->plan->n_instances, view->plan->n_instances == 1 ? "" : "s", host->name,
		host->name[0] ? ", " : "", cpus_count(&host->cpus),
		cpus_count(&host->cpus) == 1 ? "" : "s", words_size(host->memory_bytes).text);
	fprintf(out, "profile: %s\n", view->profile);
	if (base.text[0])
		fprintf(out, "host: what its kernel does for itself is %s\n", base.text);
	for (char *const *note = view->notes; note && *note; note++)
		fprintf(out, "note: %s\n", *note);
}

static void put_verdict(FILE *out, const struct view_plan *view)
{
	if (view->plan->admitted)
		fprintf(out, "admitted: all of it can be kept in the worst case\n");
	for (char *const *refusal = view->refusals; refusal && *refusal; refusal++)
		fprintf(out, "refused: %s\n", *refusal);
	for (char *const *advice = view->advice; advice && *advice; advice++)
		fprintf(out, "%s%s\n", advice == view->advice ? "it would fit " : "          or ",
			*advice);
	if (view->max_name)
		fprintf(out, "%" PRIu32 " more of %s fit%s\n", view->max_more, view->max_name,
			view->max_more == 1 ? "s" : "");
}

int view_plan_text(FILE *out, const struct view_plan *view, struct error *err)
{
	int r;

	put_head(out, view);
	fprintf(out, "\nexpected, in cores:\n\n");
	r = put_needs(out, view, false, err);
	if (r < 0)
		return r;
	fprintf(out, "\nworst case, which is what must be there:\n\n");
	r = put_needs(out, view, true, err);
	if (r < 0)
		return r;
	put_host_part(out, view->plan);
	fprintf(out, "\n");
	r = put_resources(out, view->plan, err);
	if (r == 0 && view->plan->n_sets) {
		fprintf(out, "\n");
		r = put_sets(out, view->plan, err);
	}
	if (r < 0)
		return r;
	fprintf(out, "\n");
	put_verdict(out, view);
	return ferror(out) ? error_errno(err, EIO, "the plan could not be written") : 0;
}
