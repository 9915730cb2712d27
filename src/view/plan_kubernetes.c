// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "view/plan.h"

/* A name of an object is a DNS subdomain (RFC 1123): at most 253, here 63, of a-z, 0-9 and '-'. */
#define LABEL_MAX 63
#define LABEL_PREFIX "behalf-"

static void put_quoted(FILE *out, const char *text)
{
	_cleanup_json_ struct json_object *value = json_object_new_string(text);

	fputs(value ? json_text(value, false) : "\"\"", out);
}

static uint64_t mcores_up(uint64_t ncores)
{
	return ncores / NCORES_PER_MCORE + (ncores % NCORES_PER_MCORE > 0);
}

/* Thousandths of a core, as a Kubernetes quantity. */
static void put_cpu(FILE *out, uint64_t mcores)
{
	fprintf(out, "\"%" PRIu64 "m\"", mcores);
}

/* Rounded up, but not both of what makes one charge. */
static uint64_t overhead_of(const struct extrapolate_need *need)
{
	return mcores_up(extrapolate_behalf_worst(need));
}

static char *label_of(const char *name)
{
	char label[LABEL_MAX + 1] = LABEL_PREFIX;
	size_t used = strlen(label);

	for (; *name && used < LABEL_MAX; name++) {
		char c = (char)tolower((unsigned char)*name);

		if (!isalnum((unsigned char)c))
			c = '-';
		/* no two dashes for what is one gap */
		if (c != '-' || label[used - 1] != '-')
			label[used++] = c;
	}
	while (label[used - 1] == '-')
		used--;
	return strndup(label, used);
}

static bool is_taken(char *const *labels, const char *label)
{
	for (; labels && *labels; labels++) {
		if (strcmp(*labels, label) == 0)
			return true;
	}
	return false;
}

/* A label that none of LABELS is, and which is one of them then. */
static int claim_label(char ***labels, const char *name, const char **claimed)
{
	_cleanup_free_ char *label = label_of(name);
	unsigned int number = 2;

	if (!label)
		return -ENOMEM;
	while (is_taken(*labels, label)) {
		_cleanup_free_ char *base = label_of(name);
		char *next = base ? string_format("%.58s-%u", base, number++) : NULL;

		if (!next)
			return -ENOMEM;
		free(label);
		label = next;
	}
	if (strv_append(labels, label) < 0)
		return -ENOMEM;
	*claimed = (*labels)[strv_length(*labels) - 1];
	return 0;
}

static void put_annotations(FILE *out, const struct plan_workspace *workspace,
			    const struct extrapolate_need *need)
{
	fputs("  annotations:\n    io.behalf.workspace: ", out);
	put_quoted(out, workspace->name);
	fputs("\n    # what its pods' own requests.cpu has to be\n    io.behalf.plan.requests.cpu: ",
	      out);
	put_cpu(out, mcores_up(need->charge_worst) - overhead_of(need));
	fputc('\n', out);
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *value = terms_format(&workspace->terms, kind);

		if (!value)
			continue;
		fprintf(out, "    %s: ", kind->annotation);
		put_quoted(out, value);
		fputc('\n', out);
	}
}

static void put_class(FILE *out, const char *label, const struct plan_workspace *workspace,
		      const struct extrapolate_need *need)
{
	fprintf(out, "---\napiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata:\n  name: %s\n",
		label);
	put_annotations(out, workspace, need);
	fputs("handler: behalf\n", out);
	if (!overhead_of(need))
		return;
	fputs("overhead:\n  podFixed:\n    cpu: ", out);
	put_cpu(out, overhead_of(need));
	fputc('\n', out);
}

static int put_classes(FILE *out, const struct view_plan *view)
{
	_cleanup_strv_ char **labels = NULL;

	for (size_t i = 0; i < view->plan->n_needs; i++) {
		const struct plan_workspace *workspace = &view->request->workspaces[i];
		const char *label;

		if (claim_label(&labels, workspace->name, &label) < 0)
			return -ENOMEM;
		put_class(out, label, workspace, &view->plan->needs[i]);
	}
	return 0;
}

static void put_kubelet(FILE *out, const struct view_plan *view)
{
	uint64_t mib = view->request->host_memory_bytes >> 20;

	fputs("---\n# for the file of the kubelet's --config, not for kubectl\n"
	      "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
	      "systemReserved:\n  cpu: ",
	      out);
	put_cpu(out, mcores_up(view->plan->host_worst.total));
	fprintf(out, "\n  memory: \"%" PRIu64 "Mi\"\n", mib ? mib : 1);
}

int view_plan_kubernetes(FILE *out, const struct view_plan *view, unsigned int what,
			 struct error *err)
{
	if ((what & VIEW_PLAN_CLASSES) && put_classes(out, view) < 0)
		return error_oom(err);
	if (what & VIEW_PLAN_KUBELET)
		put_kubelet(out, view);
	return ferror(out) ? error_errno(err, EIO, "the plan could not be written") : 0;
}
