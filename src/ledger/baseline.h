/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "ledger/hierarchy.h"

/*
 * The kernel's own figure of CPU time of a cgroup and all below it, in nanoseconds since it was made:
 * cpuacct.usage on v1, cpu.stat's usage_usec on v2. PATH is that of the cgroup in the accounted
 * hierarchy ("/a/b"). -ENOENT when the kernel keeps none there. No sentence.
 */
int ledger_usage_read(const struct ledger_hierarchy *hierarchy, const char *path,
		      uint64_t *usage_ns);

/* Notes that figure for every cgroup that exists in the map (cgroup id -> ns) behind MAP_FD. */
int ledger_baseline_store(int map_fd, struct error *err);

/* What ledger_baseline_store noted for the cgroup ID; 0 for one that did not exist then. */
uint64_t ledger_baseline_of(int map_fd, uint64_t id);
