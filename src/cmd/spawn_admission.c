// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/spawn_admission.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "cmd/means.h"
#include "kernel/cgroup.h"
#include "plan/admission.h"
#include "runtime/container.h"

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

static const char *annotation(struct json_object *state, const char *key)
{
	struct json_object *annotations, *value;

	if (!json_object_object_get_ex(state, "annotations", &annotations) ||
	    !json_object_object_get_ex(annotations, key, &value))
		return NULL;
	return json_object_get_string(value);
}

/* The reserve of one container; 0 mcores when it has none or has ended. */
static void read_reserve(const char *root, const char *id, const struct cpus *available,
			 struct admission_cpu *reserve)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_json_ struct json_object *state = NULL;
	const char *cores, *list;

	*reserve = (struct admission_cpu){.cpus = *available};
	if (container_load(root, id, &container, NULL) < 0 ||
	    container_status(container) == CONTAINER_STOPPED)
		return;
	state = container_state_json(container);
	cores = annotation(state, "io.behalf.cpu.reserve");
	if (!cores || cores_parse(cores, &reserve->reserve_mcores) < 0)
		return;
	list = annotation(state, "io.behalf.cpuset.cpus");
	if (list)
		cpus_parse(list, &reserve->cpus);
}

static int read_reserves(const char *root, const struct cpus *available,
			 struct admission_cpu **reserves, size_t *n, struct error *err)
{
	_cleanup_strv_ char **ids = NULL;
	struct admission_cpu *list;
	size_t count;
	int r = container_list(root, &ids, err);

	if (r < 0)
		return r;
	count = strv_length(ids);
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		read_reserve(root, ids[i], available, &list[i]);
	*reserves = list;
	*n = count;
	return 0;
}

static int admit_reserve(const char *root, const struct spawn_options *options,
			 const struct cpus *available, struct error *err)
{
	_cleanup_free_ struct admission_cpu *reserves = NULL;
	uint32_t wanted = options->terms.cpu.reserve_mcores, left;
	struct cpus cpus = options->has_cpus ? options->cpus : *available;
	size_t n = 0;
	int r;

	if (!options->terms.cpu.reserve_mcores)
		return 0;
	r = read_reserves(root, available, &reserves, &n, err);
	if (r < 0)
		return r;
	if (admission_cpu_left(reserves, n, available, &cpus, &left) < 0)
		return error_oom(err);
	if (wanted <= left)
		return 0;
	return error_set(err, EBUSY,
			 "--cpu-reserve %s cannot be promised: of the %u CPU%s it may run on, %s "
			 "core%s not reserved yet",
			 cores_format(wanted).text, cpus_count(&cpus),
			 cpus_count(&cpus) == 1 ? "" : "s", cores_format(left).text,
			 left == 1000 ? " is" : "s are");
}

/* The runtime passes over what it cannot set, as runtimes do; a term must not be. */
static int check_means(const struct spawn_options *options, int *cpu_version, struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	int r = cgroup_layout_read(&layout, err);

	if (r == 0)
		r = means_check(&options->terms, layout, err);
	if (r < 0)
		return r;
	if (options->has_cpus && !cgroup_layout_version(layout, CGROUP_CPUSET))
		return error_set(
			err, ENODEV,
			"--cpuset-cpus: this host has no cpuset controller to keep it with");
	*cpu_version = cgroup_layout_version(layout, CGROUP_CPU);
	return 0;
}

int spawn_admit(const char *root, const struct spawn_options *options, int *cpu_version,
		struct error *err)
{
	struct cpus available = {0};
	int r = check_means(options, cpu_version, err);

	if (r == 0)
		r = available_cpus(&available, err);
	if (r < 0)
		return r;
	if (options->has_cpus) {
		int missing = cpus_first_missing(&options->cpus, &available);

		if (missing >= 0)
			return error_set(err, ENODEV, "--cpuset-cpus: there is no CPU %d here",
					 missing);
	}
	return admit_reserve(root, options, &available, err);
}
