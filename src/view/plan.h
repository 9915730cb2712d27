/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A plan as text, JSON, a page, and as what other engines read. CPU is in cores. */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "plan/plan.h"

struct view_plan {
	const struct plan_request *request;
	const struct plan *plan;
	const char *source; /* what was planned: the file's name, "what runs here" */
	const char *
		profile; /* where the profile is from: "/var/lib/behalf/profile.json", "built in" */
	/* what the ledger counted of the host in so long, until so long ago, is its base; 0: that is the profile's */
	double base_s, base_age_s;
	char *const *notes;    /* what the figures rest on, in sentences; NULL: none */
	char *const *refusals; /* the same of plan_refusal */
	char *const *advice;   /* of plan_advise */
	const char *max_name;  /* of --max; NULL: not asked */
	uint32_t max_more;     /* how many more fit */
};

/* All return 0, or -ENOMEM, or a negative errno of OUT, with a sentence. */
int view_plan_text(FILE *out, const struct view_plan *view, struct error *err);
int view_plan_html(FILE *out, const struct view_plan *view, struct error *err);
/* Every figure as coefficient x rate, and where the coefficient comes from. */
int view_plan_explain(FILE *out, const struct view_plan *view, struct error *err);
/* *OBJECT is the caller's to put; with the flows of each workspace where EXPLAIN. */
int view_plan_json(const struct view_plan *view, bool explain, struct json_object **object,
		   struct error *err);
/*
 * For Kubernetes: a RuntimeClass (node.k8s.io/v1) for each workspace, whose overhead.podFixed.cpu is what the
 * kernel spends on its behalf in the worst case; and a KubeletConfiguration that takes the host's part out
 * of what is allocatable. Documents of YAML, in which every text is quoted as JSON does.
 */
enum view_plan_kubernetes {
	VIEW_PLAN_CLASSES = 1,
	VIEW_PLAN_KUBELET = 2,
	VIEW_PLAN_KUBERNETES_ALL = 3,
};
int view_plan_kubernetes(FILE *out, const struct view_plan *view, unsigned int what,
			 struct error *err);
/*
 * For Slurm: the node's line of slurm.conf, with as many specialised cores as the host and all work on behalf
 * of the workspaces need in the worst case, and the I/O that was planned as generic resources; and gres.conf.
 */
int view_plan_slurm(FILE *out, const struct view_plan *view, struct error *err);

/* Figures of a need as all of these show them, in the ledger's words. */
enum view_plan_column {
	VIEW_PLAN_RESERVE, /* cpu.reserve */
	VIEW_PLAN_OWN,	   /* its I/O in its own threads */
	VIEW_PLAN_NET,	   /* net_rx, net_tx */
	VIEW_PLAN_BLK,	   /* block, writeback */
	VIEW_PLAN_REST,	   /* the other classes */
	VIEW_PLAN_CHARGE,  /* all that it is charged, within its limit */
	VIEW_PLAN_HOST,	   /* what the host needs for it */
	VIEW_PLAN_COLUMNS
};
uint64_t view_plan_figure(const struct extrapolate_need *need, enum view_plan_column column,
			  bool worst);
extern const char *const view_plan_headings[VIEW_PLAN_COLUMNS];

/* "as the ledger counted it in 118 s until 4 s ago"; "" where the base is the profile's. */
struct view_plan_base {
	char text[128];
};
struct view_plan_base view_plan_base(const struct view_plan *view);

/* "0" for nothing, else "0.312". */
struct unit_text view_plan_cores(uint64_t ncores);
/* "bridge": where terms do not say, in brackets; "-" without a network. */
const char *view_plan_path(const struct terms *terms);
/* "CPU", "CPUs 0-1", "memory", "eth0 egress", "/dev/sda"; the caller's to free. */
char *view_plan_resource_name(const struct plan_resource *resource);
/* VALUE of the resource in its own unit. */
struct unit_text view_plan_amount(const struct plan_resource *resource, uint64_t value);
