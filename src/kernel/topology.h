/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What this machine has: CPUs, NUMA nodes, memory, disks, and the link to the outside, from sysfs
 * (Documentation/ABI/stable/sysfs-devices-node, sysfs-block, testing/sysfs-class-net) and proc(5).
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct topology_node {
	unsigned int number;
	char *cpus; /* "0-3" */
	uint64_t memory_bytes;
};

/* A disk or a partition. */
struct topology_disk {
	char name[64];	 /* "sda1" */
	char device[24]; /* "8:1" */
	char whole[24];	 /* "8:0": of the disk that it is a part of, or itself */
};

struct topology {
	char *online; /* CPUs: "0-7" */
	uint64_t memory_bytes;
	struct topology_node *nodes; /* by number */
	size_t n_nodes;
	struct topology_disk *disks; /* each disk before its partitions */
	size_t n_disks;
	char uplink[16];     /* of the default route with the least metric; without one of
				IPv4 that of IPv6; of a bridge its only
				port that is hardware; "": none */
	uint64_t uplink_bps; /* 0: its driver does not say */
};

/*
 * ROOT is open on the directory that has proc and sys; AT_FDCWD with absolute paths is not wanted. What is not
 * there (nodes, a route, disks) is left out; without the list of CPUs or the memory it fails.
 */
int topology_read(int root, struct topology *topology, struct error *err);
void topology_clear(struct topology *topology);
