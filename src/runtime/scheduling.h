/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* When and where a container's processes run: process.scheduler, ioPriority, execCPUAffinity. */
#include <sys/types.h>

#include "base/error.h"
#include "oci/config.h"

/*
 * sched_setattr(2) and ioprio_set(2) for process PID, by the parent: a process in a user namespace of
 * its own has no right to more than it inherits.
 */
int scheduling_apply(pid_t pid, const struct oci_process *process, struct error *err);

/* The calling process and its later children: on the CPUs of execCPUAffinity.initial, if there are any. */
int scheduling_begin_exec(const struct oci_exec_affinity *affinity, struct error *err);

/*
 * The calling process, in its cgroups: on the CPUs of execCPUAffinity.final; without them on all that
 * the cpuset has, whatever the parent was on.
 */
int scheduling_finish_exec(const struct oci_exec_affinity *affinity, struct error *err);
