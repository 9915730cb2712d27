/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a host has to give, as the planner sees it. Values only: who fills it reads the kernel's files.
 */
#include <stddef.h>
#include <stdint.h>

#include "plan/cpus.h"
#include "plan/profile.h"

struct plan_node {
	unsigned int number; /* NUMA node */
	struct cpus cpus;
	uint64_t memory_bytes;
};

/* A disk, or a part of one; what is the same disk has the same target. */
struct plan_disk {
	char target[PROFILE_TARGET_MAX]; /* "8:0", of the whole disk */
	char name[PROFILE_TARGET_MAX];	 /* "/dev/sda1" */
	uint64_t bytes_per_s[2];	 /* by enum terms_access; 0: not known */
	uint64_t requests_per_s[2];
};

#define PLAN_LINK_MAX 16

struct plan_host {
	char name[65];
	struct cpus cpus; /* that workspaces may run on */
	uint64_t memory_bytes;
	struct plan_node *nodes;
	size_t n_nodes;
	char uplink[PLAN_LINK_MAX]; /* the link of the default route; "": none */
	uint64_t uplink_bps;	    /* 0: not known */
	struct plan_disk *disks;
	size_t n_disks;
	char state_disk
		[PROFILE_TARGET_MAX]; /* target of a device that is not named; "": not known */
};

/* A zeroed one; NULL when memory is out. */
struct plan_host *plan_host_new(void);
void plan_host_free(struct plan_host *host);
void cleanup_plan_host(struct plan_host **host);
/* Add a zeroed one; NULL when memory is out. */
struct plan_node *plan_host_add_node(struct plan_host *host);
struct plan_disk *plan_host_add_disk(struct plan_host *host);

/* Takes over the rates of disks that the profile measured. */
void plan_host_take_rates(struct plan_host *host, const struct profile *profile);

/* The disk that DEVICE ("/dev/sda1", "8:0", "") names, or NULL. */
const struct plan_disk *plan_host_find_disk(const struct plan_host *host, const char *device);
/* Its target, or DEVICE itself; of extrapolate_assumptions. */
const char *plan_host_disk_target(const void *host, const char *device);
