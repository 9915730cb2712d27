// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf plan: what must be reserved so that promises can be kept. Reads; changes nothing. */
#include "cmd/cmd.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "base/table.h"
#include "cmd/plan_host.h"
#include "cmd/plan_options.h"
#include "cmd/plan_workspaces.h"
#include "keeper/host_marks.h"
#include "plan/advice.h"
#include "plan/whatif.h"
#include "plan/words.h"
#include "plan/workspaces.h"
#include "promises/foreign.h"
#include "promises/promises.h"
#include "view/plan.h"

#define EXIT_REFUSED 3

/* All that a plan is made of. */
struct planning {
	struct plan_scenario scenario;
	struct plan_profile profile;
	struct plan_request request;
	struct plan *plan;
	struct plan_workspaces workspaces; /* of the scenario */
	char *source;
	char **notes, **refusals, **advice;
	const char *max_name;
	uint32_t max_more;
};

static void clear_planning(struct planning *p)
{
	plan_host_free(p->scenario.host);
	plan_profile_clear(&p->profile);
	plan_free(p->plan);
	plan_workspaces_clear(&p->workspaces);
	strv_free(p->notes);
	strv_free(p->refusals);
	strv_free(p->advice);
	free(p->source);
}

static int add_workspaces(struct planning *p, const struct plan_options *options, struct error *err)
{
	const char *running = "what is promised here";
	int r = options->file ? plan_workspaces_add_file(&p->workspaces, options->file, err) : 0;

	/* after it: the file's names are its own */
	if (r == 0 && options->running)
		r = plan_workspaces_add_running(&p->workspaces, err);
	if (r < 0)
		return r;
	p->scenario.workspaces = p->workspaces.list;
	p->scenario.n_workspaces = p->workspaces.n;
	if (!options->file)
		p->source = strdup(running);
	else if (options->running)
		p->source = string_format("%s and %s", options->file, running);
	else
		p->source = text_printable(options->file);
	return p->source ? 0 : error_oom(err);
}

/* ---- the plan ---- */

static int note(struct planning *p, char *sentence)
{
	_cleanup_free_ char *owned = sentence;

	return owned ? strv_append(&p->notes, owned) : -ENOMEM;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* What the reader should know about where the figures come from. */
static int make_notes(struct planning *p)
{
	const struct plan *plan = p->plan;
	int r = 0;

	if (p->profile.warning)
		r = note(p, strdup(p->profile.warning));
	if (r == 0 && p->profile.base_beyond_ncores)
		r = note(p,
			 string_format(
				 "what the host's kernel did for itself lately was %s more than "
				 "the worst case of the profile, which is kept for it: calibrate "
				 "anew (behalf calibrate)",
				 words_cores(p->profile.base_beyond_ncores).text));
	if (r == 0 && plan->n_borrowed)
		r = note(p,
			 string_format("the profile lacks I/O of %zu workspace%s: built-in costs, "
				       "which are conservative, stand in for it",
				       plan->n_borrowed, plural(plan->n_borrowed)));
	if (r == 0 && plan->n_outside)
		r = note(p, string_format(
				    "packets or requests of %zu workspace%s have sizes that were "
				    "not measured",
				    plan->n_outside, plural(plan->n_outside)));
	if (r == 0 && plan->n_stand_in)
		r = note(
			p,
			string_format(
				"the device of %zu workspace%s was a virtual one when its cost was "
				"measured: what a driver and its interrupts cost is in the worst case "
				"only (behalf calibrate --device)",
				plan->n_stand_in, plural(plan->n_stand_in)));
	if (r == 0 && plan->n_limited)
		r = note(p,
			 string_format("%zu workspace%s cannot have all that is promised at once: "
				       "the cpu-limit is less than it costs",
				       plan->n_limited, plural(plan->n_limited)));
	for (size_t i = 0; r == 0 && i < plan->n_resources; i++) {
		const struct plan_resource *resource = &plan->resources[i];
		_cleanup_free_ char *name = NULL;

		if (resource->known)
			continue;
		name = view_plan_resource_name(resource);
		r = note(p,
			 string_format("how much %s can carry is not known, so it is not checked",
				       name ? name : "a resource"));
	}
	if (r == 0 && plan->sets_left_out)
		r = note(p, string_format("only %d sets of CPUs are shown", PLAN_SETS_MAX));
	return r;
}

static int make_refusals(struct planning *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->plan->n_resources; i++) {
		_cleanup_free_ char *sentence = NULL;

		if (!plan_missing(&p->plan->resources[i]))
			continue;
		sentence = plan_refusal(&p->plan->resources[i]);
		r = sentence ? strv_append(&p->refusals, sentence) : -ENOMEM;
	}
	if (r == 0)
		r = plan_advise(&p->request, p->plan, p->request.n_workspaces == 1 ? 0 : PLAN_ALL,
				&p->advice);
	return r;
}

static int ask_max(struct planning *p, const char *name, struct error *err)
{
	for (size_t i = 0; i < p->request.n_workspaces; i++) {
		if (strcmp(p->request.workspaces[i].name, name) != 0)
			continue;
		p->max_name = p->request.workspaces[i].name;
		return plan_how_many_more(&p->request, i, &p->max_more) < 0 ? error_oom(err) : 0;
	}
	return error_set(err, ENOENT, "--max: there is no workspace '%s' in the plan", name);
}

/* What the host is forecast to need for all that is promised now. */
static struct lately_promised promised_of(const struct planning *p)
{
	struct lately_promised promised = {.all_ns = INFINITY};
	_cleanup_(plan_workspaces_clear) struct plan_workspaces running = {0};
	_cleanup_(cleanup_plan) struct plan *plan = NULL;
	struct plan_request request = {.host = p->scenario.host, .profile = p->profile.profile};
	struct error err = {0};

	if (plan_workspaces_add_running(&running, &err) < 0)
		return promised;
	request.workspaces = running.list;
	request.n_workspaces = running.n;
	if (plan_make(&request, &plan, &err) == 0) {
		promised.all_ns = (double)plan->host_expected.io;
		promised.threads_ns = (double)plan->host_expected.io_threads;
	}
	return promised;
}

/*
 * With what the ledger says this moment, where we may ask it; and what others have noted before. PROMISED
 * and N_CPUS are of the host as it is; what its programs are planned to take is taken for what they took.
 */
static void take_base(struct planning *p, struct lately_promised promised, uint32_t n_cpus)
{
	struct error err = {0};

	if (host_marks_now(&err) < 0)
		log_debug("what the host does is not noted: %s", err.text);
	promised.programs_ns = (double)p->scenario.host_ncores;
	plan_profile_take_base(&p->profile, n_cpus, &promised);
}

static int make_scenario(struct planning *p, const struct cmd_context *ctx,
			 const struct plan_options *options, struct error *err)
{
	struct lately_promised promised;
	uint32_t n_cpus;
	int r = plan_host_read(ctx->root, &p->scenario.host, err);

	if (r == 0)
		r = plan_profile_load(options->profile, &p->profile, err);
	if (r < 0)
		return r;
	plan_host_take_rates(p->scenario.host, p->profile.profile);
	promised = promised_of(p);
	n_cpus = cpus_count(&p->scenario.host->cpus);
	p->scenario.host_memory_bytes = plan_host_memory_kept(p->scenario.host);
	r = add_workspaces(p, options, err);
	for (char **change = options->what_if; r == 0 && change && *change; change++) {
		r = plan_what_if(&p->scenario, *change, err);
		if (r < 0)
			error_prefix(err, "--what-if");
	}
	if (r == 0)
		take_base(p, promised, n_cpus);
	return r;
}

static int make_plan(struct planning *p, const struct cmd_context *ctx,
		     const struct plan_options *options, struct error *err)
{
	int r = make_scenario(p, ctx, options, err);

	if (r < 0)
		return r;
	p->request = plan_request_of(&p->scenario, p->profile.profile);
	r = plan_make(&p->request, &p->plan, err);
	if (r == 0 && (make_notes(p) < 0 || make_refusals(p) < 0))
		r = error_oom(err);
	if (r == 0 && options->max)
		r = ask_max(p, options->max, err);
	return r;
}

/* ---- what it prints ---- */

static int print_json(const struct view_plan *view, bool explain, struct error *err)
{
	_cleanup_json_ struct json_object *object = NULL;
	int r = view_plan_json(view, explain, &object, err);

	if (r == 0)
		puts(json_text(object, true));
	return r;
}

static int print_text(const struct view_plan *view, bool explain, struct error *err)
{
	int r = view_plan_text(stdout, view, err);

	if (r < 0 || !explain)
		return r;
	puts("\nevery figure: coefficient x rate\n");
	return view_plan_explain(stdout, view, err);
}

static int print_plan(const struct planning *p, const struct plan_options *options,
		      struct error *err)
{
	const struct view_plan view = {
		.request = &p->request,
		.plan = p->plan,
		.source = p->source,
		.profile = p->profile.from,
		.base_s = p->profile.base_s,
		.base_age_s = p->profile.base_age_s,
		.notes = p->notes,
		.refusals = p->refusals,
		.advice = p->advice,
		.max_name = p->max_name,
		.max_more = p->max_more,
	};
	int r;

	switch (options->output) {
	case PLAN_OUTPUT_JSON:
		r = print_json(&view, options->explain, err);
		break;
	case PLAN_OUTPUT_HTML:
		r = view_plan_html(stdout, &view, err);
		break;
	case PLAN_OUTPUT_KUBERNETES:
		r = view_plan_kubernetes(stdout, &view, options->kubernetes, err);
		break;
	case PLAN_OUTPUT_SLURM:
		r = view_plan_slurm(stdout, &view, err);
		break;
	default:
		r = print_text(&view, options->explain, err);
	}
	if (r == 0 && fflush(stdout) == EOF)
		r = error_errno(err, errno, "the plan could not be written");
	return r;
}

/* On standard error too, where the output is for a program. */
static void tell(const struct planning *p, const struct plan_options *options)
{
	if (options->output == PLAN_OUTPUT_TEXT || options->output == PLAN_OUTPUT_HTML)
		return;
	for (char **refusal = p->refusals; refusal && *refusal; refusal++)
		log_error("refused: %s", *refusal);
}

int cmd_plan(const struct cmd_context *ctx, int argc, char **argv)
{
	_cleanup_(plan_options_clear) struct plan_options options = {0};
	_cleanup_(clear_planning) struct planning planning = {0};
	struct error err = {0};

	/* names are checked for what prints in the user's locale */
	setlocale(LC_CTYPE, "");
	if (plan_options_parse(argc, argv, &options, &err) < 0 ||
	    make_plan(&planning, ctx, &options, &err) < 0 ||
	    print_plan(&planning, &options, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	tell(&planning, &options);
	return planning.plan->admitted ? EXIT_SUCCESS : EXIT_REFUSED;
}
