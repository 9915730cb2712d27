/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "cmd/spawn_options.h"

/*
 * Whether this host can keep the terms: its controllers, its CPUs, and the reserves it has promised
 * to living containers under ROOT. To be asked under the lock of scratch_enter, which is held until
 * the new one is on record. A refusal tells what is left. *CPU_VERSION is the version of the cgroup
 * hierarchy that will keep the terms for CPU, 0: none, nothing was asked.
 */
int spawn_admit(const char *root, const struct spawn_options *options, int *cpu_version,
		struct error *err);
