/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The plan: what every workspace and the host need so that all promises can be kept at once, held against
 * what the host has. Pure: the same request gives the same plan, in whatever order its workspaces are.
 *
 * Admitted is what fits in the worst case: promised I/O as the smallest packets, at the profile's upper
 * quantile. The CPU that the kernel spends on a workspace's behalf is planned on the CPUs that the workspace
 * may run on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/deal.h"
#include "plan/extrapolate.h"
#include "plan/host.h"

struct plan_workspace {
	const char *name;
	struct terms terms;
	struct cpus cpus; /* that it may run on, where has_cpus; else all */
	bool has_cpus;
	uint32_t count; /* so many of the same */
};

struct plan_request {
	const struct plan_host *host;
	const struct profile *profile;
	enum extrapolate_protocol protocol;
	const char *peer; /* see extrapolate.h */
	enum extrapolate_cache cache;
	/* For the host's own programs. */
	uint64_t host_ncores;
	uint64_t host_memory_bytes;
	const struct plan_workspace *workspaces;
	size_t n_workspaces;
};

enum plan_resource_kind {
	PLAN_CPU,     /* ncores */
	PLAN_MEMORY,  /* bytes */
	PLAN_EGRESS,  /* bits/s of the uplink */
	PLAN_INGRESS, /* the same */
	PLAN_DISK,    /* billionths of the disk's time */
};

struct plan_resource {
	enum plan_resource_kind kind;
	char name[PROFILE_TARGET_MAX]; /* of a link or a disk; "" for the host's only one */
	struct cpus cpus;	       /* PLAN_CPU: those that it is about */
	bool whole;		       /* PLAN_CPU: all of them */
	bool known; /* else nobody measured what there is, and it is not checked */
	uint64_t capacity, asked;
};

/* What is asked of a set of CPUs by those that can run nowhere else. */
struct plan_set {
	struct cpus cpus;
	int node; /* number of the NUMA node that it is, or -1 */
	uint64_t capacity, confined;
	uint64_t left; /* for one more that may run there; 0 in a plan that is refused */
};

#define PLAN_SETS_MAX 32

struct plan_host_part {
	uint64_t base;	     /* ticks, RCU, kernel threads: whatever anybody does */
	uint64_t programs;   /* plan_programs */
	uint64_t io;	     /* for the workspaces, posted to the host or to nobody */
	uint64_t io_threads; /* of what is expected of that, in the kernel's own threads */
	uint64_t total;
};

struct plan {
	struct extrapolate_need *needs; /* by workspace, of one of its count */
	size_t n_needs;
	uint64_t n_instances; /* counts summed */
	struct plan_host_part host_expected, host_worst;
	uint64_t charge_expected, charge_worst; /* of all workspaces */
	uint64_t cpu_capacity;			/* ncores of all CPUs */
	struct plan_resource *resources; /* all CPUs first; a set of which too much is asked next */
	size_t n_resources;
	struct plan_set
		*sets; /* NUMA nodes where there are several, then sets that workspaces have */
	size_t n_sets;
	bool sets_left_out; /* there are more than PLAN_SETS_MAX */
	size_t n_borrowed, n_outside, n_limited,
		n_stand_in; /* workspaces whose needs are, see extrapolate.h */
	bool admitted;
};

/* -ENOMEM. */
int plan_make(const struct plan_request *request, struct plan **plan, struct error *err);
void plan_free(struct plan *plan);
void cleanup_plan(struct plan **plan);

/* Of a resource: 0 where it suffices, or is not known. */
uint64_t plan_missing(const struct plan_resource *resource);

/* Only whether it all fits. */
int plan_fits(const struct plan_request *request, bool *fits);

/*
 * "CPU: the workspaces and the host need 2.31 cores of 2, 0.31 too much", of a resource of which something
 * is missing. The caller's to free; NULL when memory is out.
 */
char *plan_refusal(const struct plan_resource *resource);

/* What the host's own programs take, and what the kernel does beside them for the host. */
uint64_t plan_programs(const struct plan_request *request);

struct extrapolate_assumptions plan_assumptions(const struct plan_request *request);
