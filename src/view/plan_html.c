// SPDX-License-Identifier: GPL-2.0-or-later
/* The plan as one page that needs nothing else: no scripts, no fonts, no images from anywhere. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "plan/words.h"
#include "view/plan.h"

static const char style[] =
	":root{color-scheme:light dark;--line:#8886;--own:#4477aa;--behalf:#ee6677;--host:#ccbb44;"
	"--reserve:#228833}\n"
	"body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}\n"
	"h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid var(--line);"
	"font-variant-numeric:tabular-nums}\n"
	"th:first-child,td:first-child,td.text,th.text{text-align:left}\n"
	".verdict{padding:.6rem 1rem;border-left:.4rem solid var(--reserve);margin:1rem 0}\n"
	".refused{border-color:var(--behalf)}\n"
	".bar{display:flex;height:.8rem;min-width:12rem;border:1px solid var(--line)}\n"
	".bar i{display:block;height:100%}\n"
	".reserve{background:var(--reserve)}.own{background:var(--own)}\n"
	".behalf{background:var(--behalf)}.host{background:var(--host)}\n"
	".key i{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 1rem}\n"
	"pre{overflow-x:auto;font-size:13px}\n";

static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void put_element(FILE *out, const char *open, const char *text, const char *close)
{
	fputs(open, out);
	put_text(out, text);
	fputs(close, out);
}

static void put_cell(FILE *out, const char *text)
{
	put_element(out, "<td>", text, "</td>");
}

/* Up to two percents behind the point, so that many small pieces do not add up to more than there is. */
static void put_piece(FILE *out, const char *kind, uint64_t ncores, uint64_t whole)
{
	double percent = whole ? 100 * (double)ncores / (double)whole : 0;

	if (ncores)
		fprintf(out, "<i class=\"%s\" style=\"width:%.2f%%\"></i>", kind,
			percent < 100 ? percent : 100);
}

/* What a workspace needs in the worst case, of WHOLE. */
static void put_bar(FILE *out, const struct extrapolate_need *need, uint64_t whole)
{
	uint64_t behalf = 0;

	for (unsigned int part = PROFILE_OWN + 1; part < PROFILE_WORKSPACE_PARTS; part++)
		behalf = ncores_add(behalf, need->worst[part]);
	fputs("<td><div class=\"bar\">", out);
	put_piece(out, "reserve", need->reserve, whole);
	put_piece(out, "own", need->worst[PROFILE_OWN], whole);
	put_piece(out, "behalf", behalf, whole);
	put_piece(out, "host", need->host_worst, whole);
	fputs("</div></td>", out);
}

/* The longest bar is as wide as there is room. */
static uint64_t longest(const struct plan *plan)
{
	uint64_t most = 0;

	for (size_t i = 0; i < plan->n_needs; i++) {
		const struct extrapolate_need *need = &plan->needs[i];
		uint64_t sum = ncores_add(need->reserve, need->host_worst);

		for (unsigned int part = 0; part < PROFILE_WORKSPACE_PARTS; part++)
			sum = ncores_add(sum, need->worst[part]);
		most = sum > most ? sum : most;
	}
	return most;
}

static void put_workspaces(FILE *out, const struct view_plan *view)
{
	uint64_t whole = longest(view->plan);

	fputs("<h2>Workspaces, in cores, each</h2>\n<table>\n<tr><th>name</th><th>count</th>"
	      "<th class=\"text\">path</th><th>reserve</th><th>expected</th><th>worst case</th>"
	      "<th>of the host, worst</th><th class=\"text\">worst case</th></tr>\n",
	      out);
	for (size_t i = 0; i < view->plan->n_needs; i++) {
		const struct plan_workspace *workspace = &view->request->workspaces[i];
		const struct extrapolate_need *need = &view->plan->needs[i];

		put_element(out, "<tr><td>", workspace->name, "</td>");
		fprintf(out, "<td>%" PRIu32 "</td>", workspace->count);
		put_element(out, "<td class=\"text\">", view_plan_path(&workspace->terms), "</td>");
		put_cell(out, view_plan_cores(need->reserve).text);
		put_cell(out, view_plan_cores(need->charge_expected).text);
		put_cell(out, view_plan_cores(need->charge_worst).text);
		put_cell(out, view_plan_cores(need->host_worst).text);
		put_bar(out, need, whole);
		fputs("</tr>\n", out);
	}
	fputs("</table>\n<p class=\"key\">worst case: <i class=\"reserve\"></i>reserve for its own "
	      "computing<i class=\"own\"></i>its I/O in its own system calls<i class=\"behalf\"></i>"
	      "kernel work on its behalf<i class=\"host\"></i>the host's part</p>\n",
	      out);
}

static void put_resource(FILE *out, const struct plan_resource *resource)
{
	_cleanup_free_ char *name = view_plan_resource_name(resource);
	uint64_t missing = plan_missing(resource);

	put_element(out, "<tr><td>", name ? name : "?", "</td>");
	put_cell(out, resource->known || resource->kind != PLAN_DISK
			      ? view_plan_amount(resource, resource->asked).text
			      : "?");
	if (!resource->known) {
		fputs("<td>?</td><td>not checked</td><td></td></tr>\n", out);
		return;
	}
	put_cell(out, view_plan_amount(resource, resource->capacity).text);
	fputs("<td>", out);
	put_text(out, view_plan_amount(resource,
				       missing ? missing : resource->capacity - resource->asked)
			      .text);
	fprintf(out, " %s</td><td><div class=\"bar\">", missing ? "missing" : "left");
	put_piece(out, missing ? "behalf" : "own", resource->asked, resource->capacity);
	fputs("</div></td></tr>\n", out);
}

static void put_resources(FILE *out, const struct plan *plan)
{
	fputs("<h2>Resources, in the worst case</h2>\n<table>\n<tr><th>resource</th><th>needed</th>"
	      "<th>of</th><th></th><th></th></tr>\n",
	      out);
	for (size_t i = 0; i < plan->n_resources; i++)
		put_resource(out, &plan->resources[i]);
	fputs("</table>\n", out);
}

static void put_sets(FILE *out, const struct plan *plan)
{
	if (!plan->n_sets)
		return;
	fputs("<h2>Sets of CPUs</h2>\n<table>\n<tr><th>CPUs</th><th>node</th><th>confined to them"
	      "</th><th>of</th><th>still to have</th></tr>\n",
	      out);
	for (size_t i = 0; i < plan->n_sets; i++) {
		const struct plan_set *set = &plan->sets[i];
		_cleanup_free_ char *list = cpus_format(&set->cpus);

		put_element(out, "<tr><td>", list ? list : "?", "</td>");
		if (set->node >= 0)
			fprintf(out, "<td>%d</td>", set->node);
		else
			fputs("<td>-</td>", out);
		put_cell(out, view_plan_cores(set->confined).text);
		put_cell(out, view_plan_cores(set->capacity).text);
		put_cell(out, view_plan_cores(set->left).text);
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
}

static void put_host_part(FILE *out, const char *name, uint64_t expected, uint64_t worst)
{
	put_element(out, "<tr><td>", name, "</td>");
	put_cell(out, view_plan_cores(expected).text);
	put_cell(out, view_plan_cores(worst).text);
	fputs("</tr>\n", out);
}

static void put_host(FILE *out, const struct plan *plan)
{
	const struct plan_host_part *expected = &plan->host_expected, *worst = &plan->host_worst;

	fputs("<h2>The host's part, in cores</h2>\n<table>\n<tr><th></th><th>expected</th>"
	      "<th>worst case</th></tr>\n",
	      out);
	put_host_part(out, "kernel, whatever anybody does", expected->base, worst->base);
	put_host_part(out, "its own programs", expected->programs, worst->programs);
	put_host_part(out, "I/O of workspaces that is charged to nobody else", expected->io,
		      worst->io);
	put_host_part(out, "all", expected->total, worst->total);
	fputs("</table>\n", out);
}

static void put_list(FILE *out, const char *title, char *const *texts)
{
	if (!texts || !*texts)
		return;
	if (*title)
		fprintf(out, "<p>%s</p>\n", title);
	fputs("<ul>\n", out);
	for (; *texts; texts++)
		put_element(out, "<li>", *texts, "</li>\n");
	fputs("</ul>\n", out);
}

static void put_verdict(FILE *out, const struct view_plan *view)
{
	if (view->plan->admitted)
		fputs("<div class=\"verdict\"><b>Admitted</b>: all of it can be kept in the worst "
		      "case.",
		      out);
	else
		fputs("<div class=\"verdict refused\"><b>Refused</b>", out);
	put_list(out, "", view->refusals);
	put_list(out, "It would fit", view->advice);
	if (view->max_name) {
		fprintf(out, "<p>%" PRIu32 " more of ", view->max_more);
		put_element(out, "<b>", view->max_name, "</b> fit.</p>\n");
	}
	fputs("</div>\n", out);
}

static int put_explanation(FILE *out, const struct view_plan *view, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *page = NULL;
	size_t size;
	int r;

	page = open_memstream(&text, &size);
	if (!page)
		return error_oom(err);
	r = view_plan_explain(page, view, err);
	if (r < 0)
		return r;
	if (fclose(take_ptr(page)) != 0)
		return error_oom(err);
	put_element(out, "<details>\n<summary>Every figure: coefficient × rate</summary>\n<pre>",
		    text, "</pre>\n</details>\n");
	return 0;
}

int view_plan_html(FILE *out, const struct view_plan *view, struct error *err)
{
	const struct plan_host *host = view->request->host;
	struct view_plan_base base = view_plan_base(view);
	int r;

	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", out);
	fputs("<meta name=\"viewport\" content=\"width=device-width\">\n", out);
	put_element(out, "<title>Plan of ", view->source, "</title>\n");
	fprintf(out, "<style>\n%s</style>\n</head>\n<body>\n", style);
	put_element(out, "<h1>Plan of ", view->source, "</h1>\n");
	fprintf(out, "<p>%" PRIu64 " workspaces on ", view->plan->n_instances);
	put_text(out, host->name[0] ? host->name : "a host");
	fprintf(out, ": %u CPUs and %s. Profile: ", cpus_count(&host->cpus),
		words_size(host->memory_bytes).text);
	put_text(out, view->profile);
	fputs(".", out);
	if (base.text[0])
		fprintf(out, " What the host's kernel does for itself is %s.", base.text);
	fputs("</p>\n", out);
	put_verdict(out, view);
	put_list(out, "What the figures rest on:", view->notes);
	put_resources(out, view->plan);
	put_workspaces(out, view);
	put_host(out, view->plan);
	put_sets(out, view->plan);
	r = put_explanation(out, view, err);
	if (r < 0)
		return r;
	fputs("</body>\n</html>\n", out);
	return ferror(out) ? error_errno(err, EIO, "the plan could not be written") : 0;
}
