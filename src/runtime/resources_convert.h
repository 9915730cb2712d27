/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Values of the OCI specification, which are those of cgroup v1, as values of cgroup v2. The results
 * are what other runtimes of 2025 and later come to, so that a container weighs the same everywhere.
 */
#include <stdint.h>

#include "base/error.h"

/*
 * cpu.shares (2..262144, default 1024) as cpu.weight (1..10000, default 100): a curve through these
 * three points in logarithms of both. 0 stays 0: not set.
 */
uint64_t resources_cpu_weight(uint64_t shares);

/* blkio.weight (10..1000) as io.weight (1..10000), linear. 0 stays 0. */
uint64_t resources_io_weight(uint64_t weight);

/*
 * What v2 allows of swap alone, from v1's limit of memory and swap together; 0: leave it, -1: no
 * limit. LIMIT_BYTES is 0 when none is given. -EINVAL with a sentence for values that fit no host.
 */
int resources_swap_bytes(int64_t memory_and_swap_bytes, int64_t limit_bytes, int64_t *swap_bytes,
			 struct error *err);
