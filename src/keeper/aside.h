/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where the keeper itself runs: not in the way of those it keeps reserves for. */
#include "keeper/roster.h"
#include "plan/cpus.h"

struct aside {
	struct cpus allowed, now; /* as it was started, and as it is */
};

/* Takes down where the calling thread may run. */
void aside_begin(struct aside *aside);

/*
 * Off the CPUs of those who have a reserve on some of the CPUs only (sched_setaffinity(2)). When that leaves
 * none, or the kernel does not want it, it runs where it was started.
 */
void aside_step(struct aside *aside, const struct roster *roster);
