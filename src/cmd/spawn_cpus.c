// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/spawn_cpus.h"

#include <errno.h>
#include <sched.h>

#include "base/cleanup.h"
#include "kernel/cgroup.h"

/* Those that we may use. A kernel with more CPUs than CPUS_MAX is not met. */
static int available_cpus(struct cpus *cpus, struct error *err)
{
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	int r = 0;

	if (!set)
		return error_oom(err);
	if (sched_getaffinity(0, size, set) < 0)
		r = error_errno(err, errno, "ask which CPUs there are");
	for (unsigned int cpu = 0; r == 0 && cpu < CPUS_MAX; cpu++) {
		if (CPU_ISSET_S(cpu, size, set))
			cpus_add(cpus, cpu);
	}
	CPU_FREE(set);
	return r;
}

int spawn_check_cpus(const struct spawn_options *options, struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	struct cpus available = {0};
	int r, missing;

	if (!options->has_cpus)
		return 0;
	r = cgroup_layout_read(&layout, err);
	if (r < 0)
		return r;
	if (!cgroup_layout_version(layout, CGROUP_CPUSET))
		return error_set(
			err, ENODEV,
			"--cpuset-cpus: this host has no cpuset controller to keep it with");
	r = available_cpus(&available, err);
	if (r < 0)
		return r;
	missing = cpus_first_missing(&options->cpus, &available);
	if (missing >= 0)
		return error_set(err, ENODEV, "--cpuset-cpus: there is no CPU %d here", missing);
	return 0;
}
