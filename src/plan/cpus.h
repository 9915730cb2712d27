/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A set of CPUs, in the kernel's list format: "0-3,5" (cpuset(7), "List format").
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CPUs 0 .. CPUS_MAX-1 can be members. */
#define CPUS_MAX 4096

struct cpus {
	uint64_t bits[CPUS_MAX / 64];
};

/* -EINVAL, or -ERANGE for a CPU of CPUS_MAX or above. An empty TEXT is an empty set. */
int cpus_parse(const char *text, struct cpus *cpus);

/* The set as a list, the caller's to free; NULL when memory is out. */
char *cpus_format(const struct cpus *cpus);

void cpus_add(struct cpus *cpus, unsigned int cpu);
bool cpus_has(const struct cpus *cpus, unsigned int cpu);
unsigned int cpus_count(const struct cpus *cpus);
struct cpus cpus_intersect(const struct cpus *a, const struct cpus *b);
/* The lowest member of A that B lacks, or -1. */
int cpus_first_missing(const struct cpus *a, const struct cpus *b);
