/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "kernel/cgroup.h"
#include "plan/terms.h"

/*
 * Whether this host has what it takes to keep each of TERMS: a promise is either kept or refused. -ENODEV
 * with a sentence that names the term: a controller is not there; -EOPNOTSUPP: nothing keeps it yet.
 */
int means_check(const struct terms *terms, const struct cgroup_layout *layout, struct error *err);

/* Whether KIND is a promise by itself, and not what describes another, so that it is kept or not. */
bool means_has_truth(const struct term_kind *kind);

/* Whether it is the kernel that keeps KIND, keeper or not: bytes of memory and numbers of processes are what it counts. */
bool means_kernel_keeps(const struct term_kind *kind);
/* Whether TERMS have a promise that is not. */
bool means_want_keeper(const struct terms *terms);

/*
 * Warns, in one sentence, when there is something in TERMS that holds only while a keeper runs, and none does;
 * what the runtime itself sets (quota, memory, pids) holds as a static limit.
 */
void means_warn_without_keeper(const char *name, const struct terms *terms);
