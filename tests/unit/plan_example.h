/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A host and a profile whose sums can be done by head, for the planner's tests. */
#include <string.h>

#include "plan/plan.h"

#define CORE NCORES_PER_CORE

static inline void example_operation(struct profile *profile, enum profile_kind kind,
				     enum profile_mode mode, const char *target, double own_ns,
				     double behalf_ns)
{
	struct profile_operation *operation = profile_add_operation(profile);

	operation->kind = kind;
	operation->mode = mode;
	strcpy(operation->target, target);
	operation->cost[PROFILE_OWN].unit_ns = own_ns;
	operation->cost[kind >= PROFILE_READ ? PROFILE_BLOCK : PROFILE_NET_RX].unit_ns = behalf_ns;
	operation->fit[PROFILE_PAYER_WORKSPACE].upper = 1.25;
	operation->fit[PROFILE_PAYER_WORKSPACE].r2 = 0.99;
	operation->size_least_bytes = 60;
	operation->size_most_bytes = 65536;
}

/* A packet costs 1 us and 1 us on a bridge, 1 us and half of it on macvlan; TCP half of that. */
static inline struct profile *example_profile(void)
{
	struct profile *profile = profile_new();
	struct profile_disk *disk = profile_add_disk(profile);

	profile->source = PROFILE_CALIBRATED;
	profile->trusted = true;
	profile->quantile = 0.95;
	profile->created_s = 1767225600;
	strcpy(profile->version, "0.1.0");
	profile->host = (struct profile_host){"node1", "6.18.0", "A CPU @ 2 GHz", 4};
	for (int kind = PROFILE_SEND; kind <= PROFILE_RECEIVE; kind++) {
		example_operation(profile, (enum profile_kind)kind, PROFILE_UDP, "bridge", 1000,
				  1000);
		example_operation(profile, (enum profile_kind)kind, PROFILE_TCP, "bridge", 500,
				  500);
		example_operation(profile, (enum profile_kind)kind, PROFILE_UDP, "macvlan", 1000,
				  500);
		example_operation(profile, (enum profile_kind)kind, PROFILE_TCP, "macvlan", 500,
				  250);
	}
	profile->operations[0].cost[PROFILE_HOST].unit_ns = 100;
	for (int kind = PROFILE_READ; kind <= PROFILE_WRITE; kind++) {
		example_operation(profile, (enum profile_kind)kind, PROFILE_DIRECT, "8:0", 10000,
				  5000);
		example_operation(profile, (enum profile_kind)kind, PROFILE_BUFFERED, "8:0", 8000,
				  2000);
	}
	strcpy(disk->target, "8:0");
	strcpy(disk->name, "/dev/sda");
	disk->bytes_per_s[0] = disk->bytes_per_s[1] = 100000000;
	disk->requests_per_s[0] = disk->requests_per_s[1] = 10000;
	return profile;
}

/* Four CPUs in two nodes, 8 GiB, a link of 1 gbit/s, a disk. */
static inline struct plan_host *example_host(const struct profile *profile)
{
	struct plan_host *host = plan_host_new();
	struct plan_disk *disk = plan_host_add_disk(host);

	strcpy(host->name, "node1");
	strcpy(disk->target, "8:0");
	strcpy(disk->name, "/dev/sda");
	strcpy(host->state_disk, "8:0");
	strcpy(host->uplink, "eth0");
	host->uplink_bps = 1000000000;
	host->memory_bytes = UINT64_C(8) << 30;
	for (unsigned int number = 0; number < 2; number++) {
		struct plan_node *node = plan_host_add_node(host);

		node->number = number;
		node->memory_bytes = UINT64_C(4) << 30;
		for (unsigned int cpu = 2 * number; cpu < 2 * number + 2; cpu++) {
			cpus_add(&node->cpus, cpu);
			cpus_add(&host->cpus, cpu);
		}
	}
	plan_host_take_rates(host, profile);
	return host;
}

/* So many cores, and a rate of egress over a bridge as 1000-byte packets that do not get smaller. */
static inline struct plan_workspace example_workspace(const char *name, uint32_t mcores,
						      uint64_t bps)
{
	struct plan_workspace workspace = {.name = name, .count = 1};

	workspace.terms.cpu.reserve_mcores = mcores;
	workspace.terms.net[TERMS_EGRESS].reserve_bps = bps;
	workspace.terms.net[TERMS_EGRESS].packet_bytes = 1000;
	workspace.terms.net[TERMS_EGRESS].packet_worst_bytes = 1000;
	return workspace;
}
