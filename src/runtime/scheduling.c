// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/scheduling.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * struct sched_attr of include/uapi/linux/sched/types.h, its first version; newer C libraries have one
 * of that name, older ones have not.
 */
struct scheduling_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int set_scheduler(pid_t pid, const struct oci_scheduler *s, struct error *err)
{
	struct scheduling_attributes attributes = {
		.size = sizeof(attributes),
		.policy = s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = s->priority,
		.runtime = s->runtime_ns,
		.deadline = s->deadline_ns,
		.period = s->period_ns,
	};

	if (syscall(SYS_sched_setattr, pid, &attributes, 0) == 0)
		return 0;
	/* With CONFIG_RT_GROUP_SCHED a group has no real-time at all unless it is given some. */
	if (errno == EPERM && s->priority)
		return error_errno(err, EPERM,
				   "process.scheduler: set the policy (which may need "
				   "linux.resources.cpu.realtimeRuntime)");
	return error_errno(err, errno, "process.scheduler: set the policy");
}

static int set_io_priority(pid_t pid, const struct oci_io_priority *p, struct error *err)
{
	int value = (int)(p->class << IOPRIO_CLASS_SHIFT | p->level);

	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, value) < 0)
		return error_errno(err, errno, "process.ioPriority: set class %u, priority %u",
				   p->class, p->level);
	return 0;
}

int scheduling_apply(pid_t pid, const struct oci_process *process, struct error *err)
{
	int r = process->scheduler ? set_scheduler(pid, process->scheduler, err) : 0;

	if (r == 0 && process->has_io_priority)
		r = set_io_priority(pid, &process->io_priority, err);
	return r;
}

static int set_cpus(const uint64_t *words, size_t bytes)
{
	return syscall(SYS_sched_setaffinity, 0, bytes, words) < 0 ? -errno : 0;
}

int scheduling_begin_exec(const struct oci_exec_affinity *affinity, struct error *err)
{
	const struct oci_number_set *cpus = &affinity->initial;
	int r = cpus->words ? set_cpus(cpus->words, cpus->bits / 8) : 0;

	return r < 0 ? error_errno(err, r, "process.execCPUAffinity.initial: move there") : 0;
}

int scheduling_finish_exec(const struct oci_exec_affinity *affinity, struct error *err)
{
	const struct oci_number_set *cpus = &affinity->final;
	uint64_t all[OCI_CPUS_MAX / 64];
	int r;

	if (!cpus->words && !affinity->initial.words)
		return 0;
	memset(all, 0xff, sizeof(all));
	r = set_cpus(cpus->words ? cpus->words : all, sizeof(all));
	return r < 0 ? error_errno(err, r, "process.execCPUAffinity.final: move there") : 0;
}
