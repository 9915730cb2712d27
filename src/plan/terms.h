/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The terms of a workspace: what it is promised. Pure: text in, numbers out.
 *
 * A CPU share of one core is counted in thousandths ("mcores"), so that sums are exact.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct terms {
	bool has_cpu_reserve, has_cpu_limit, has_memory_limit, has_pids_limit;
	uint32_t cpu_reserve_mcores, cpu_limit_mcores;
	uint64_t memory_limit_bytes;
	uint64_t pids_limit;
};

/* A term by its name in flags ("cpu-limit"). */
struct term_kind {
	const char *name;
	const char *value;	/* what its value is called in help: "CORES" */
	const char *annotation; /* "io.behalf.cpu.limit" */
	const char *meaning;	/* one line for people; NULL: known, but nothing keeps it yet */
};

/* All terms, in the order help shows them; the last has no name. */
extern const struct term_kind term_kinds[];

/*
 * Sets the term NAME from what a person wrote. -EOPNOTSUPP with a sentence for a term that nothing
 * keeps yet: a promise is either kept or refused. -ENOENT for an unknown one.
 */
int terms_set(struct terms *terms, const char *name, const char *value, struct error *err);

/* Terms that contradict each other are -EINVAL. */
int terms_check(const struct terms *terms, struct error *err);

/* The value of a term as text (for its annotation), the caller's to free; NULL when it is not set. */
char *terms_format(const struct terms *terms, const struct term_kind *kind);

/*
 * "0.5", "2", "1.25": at most three decimals, above zero, at most 4096. -EINVAL or -ERANGE.
 */
int cores_parse(const char *text, uint32_t *mcores);

/* "0.5" */
struct cores_text {
	char text[16];
};
struct cores_text cores_format(uint32_t mcores);

/* The period over which a CPU limit holds, as runc's and Kubernetes' (sched-bwc.rst). */
#define TERMS_CPU_PERIOD_US 100000

/* What may be used in a period of TERMS_CPU_PERIOD_US. */
int64_t terms_cpu_quota_us(uint32_t limit_mcores);

/*
 * The weight that keeps a reserve, as v1's cpu.shares. A task outside of any group, and a group that
 * nobody weighted, counts 1024. A reserve counts 64 times that for each core, so that one of 0.1
 * core still outweighs five such neighbours. The kernel's highest is 262144: from four cores on all
 * reserves weigh the same.
 */
uint64_t terms_cpu_shares(uint32_t reserve_mcores);

/*
 * The same as v2's cpu.weight: 2500 for each core, against 100, at most 10000. Not what runtimes make
 * of shares: their conversion is a curve, and weights that are not in proportion to the reserves
 * break the larger of two that fill a CPU.
 */
uint64_t terms_cpu_weight(uint32_t reserve_mcores);
