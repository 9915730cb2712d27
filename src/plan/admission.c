// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/admission.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "plan/advice.h"

/* What is missing of a resource; of CPU, wherever most is. */
static uint64_t missing_of(const struct plan *plan, enum plan_resource_kind kind, const char *name)
{
	uint64_t most = 0;

	for (size_t i = 0; i < plan->n_resources; i++) {
		const struct plan_resource *resource = &plan->resources[i];
		uint64_t missing = plan_missing(resource);

		if (resource->kind == kind && strcmp(resource->name, name) == 0 && missing > most)
			most = missing;
	}
	return most;
}

/*
 * Whether NOW lacks more of the resource than BEFORE. What every workspace costs the host is not counted
 * against one that is promised no CPU: a promise of memory can be made on a host whose CPUs are overcommitted.
 */
static bool is_worse(const struct plan *now, const struct plan *before,
		     const struct plan_resource *resource)
{
	uint64_t missing = missing_of(now, resource->kind, resource->name);
	const struct extrapolate_need *need = &now->needs[now->n_needs - 1];

	if (resource->kind == PLAN_CPU && !need->charge_worst)
		return false;
	return missing && missing > missing_of(before, resource->kind, resource->name);
}

static int join_refusals(const struct plan *now, const struct plan *before, char ***sentences)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < now->n_resources; i++) {
		_cleanup_free_ char *sentence = NULL;

		if (!plan_missing(&now->resources[i]) || !is_worse(now, before, &now->resources[i]))
			continue;
		sentence = plan_refusal(&now->resources[i]);
		r = sentence ? strv_append(sentences, sentence) : -ENOMEM;
	}
	return r;
}

static void append(char *text, size_t size, const char *before, const char *what)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", before, what);
}

static int refuse(char *const *refusals, char *const *advice, struct error *err)
{
	char text[sizeof(err->text)] = "";

	for (size_t i = 0; refusals[i]; i++)
		append(text, sizeof(text), i ? "; " : "", refusals[i]);
	for (size_t i = 0; advice && advice[i]; i++)
		append(text, sizeof(text), i ? ", or " : "; it would fit ", advice[i]);
	return error_set(err, EBUSY, "%s", text);
}

int plan_admit(const struct plan_request *request, struct extrapolate_need *need, struct error *err)
{
	_cleanup_(cleanup_plan) struct plan *now = NULL, *before = NULL;
	_cleanup_strv_ char **refusals = NULL, **advice = NULL;
	struct plan_request kept = *request;
	int r = plan_make(request, &now, err);

	if (r < 0)
		return r;
	*need = now->needs[now->n_needs - 1];
	if (now->admitted)
		return 0;
	kept.n_workspaces--;
	r = plan_make(&kept, &before, err);
	if (r < 0)
		return r;
	if (join_refusals(now, before, &refusals) < 0)
		return error_oom(err);
	if (!refusals)
		return 0;
	if (plan_advise(request, now, request->n_workspaces - 1, &advice) < 0)
		return error_oom(err);
	return refuse(refusals, advice, err);
}
