// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources as properties of a unit (systemd.resource-control(5)). They have to be told to systemd,
 * although they are written to the files as well: after a daemon-reload, or a change of a neighbour, it
 * writes what it knows, and what it was not told it would take away.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_devices.h"
#include "kernel/systemd.h"
#include "runtime/resources.h"
#include "runtime/resources_convert.h"
#include "runtime/scope.h"

#define DEFAULT_PERIOD_US 100000

/* A limit of v1 or v2: negative is none. */
static void add_limit(struct systemd_properties *p, const char *name, int64_t value)
{
	systemd_add_number(p, name, "t", value < 0 ? UINT64_MAX : (uint64_t)value);
}

/*
 * systemd counts in whole percents of a CPU. Rounded up, so that it never is in the way of what the file
 * says exactly.
 */
static void add_quota(struct systemd_properties *p, const struct oci_cpu *cpu)
{
	bool period = cpu->has_period && cpu->period_us;
	uint64_t period_us = period ? cpu->period_us : DEFAULT_PERIOD_US;
	unsigned __int128 per_second;

	if (period)
		systemd_add_number(p, "CPUQuotaPeriodUSec", "t", period_us);
	if (!cpu->has_quota || !cpu->quota_us)
		return;
	if (cpu->quota_us < 0) {
		systemd_add_number(p, "CPUQuotaPerSecUSec", "t", UINT64_MAX);
		return;
	}
	per_second = (unsigned __int128)cpu->quota_us * 1000000 / period_us;
	per_second = (per_second + 9999) / 10000 * 10000;
	systemd_add_number(p, "CPUQuotaPerSecUSec", "t",
			   per_second < UINT64_MAX ? (uint64_t)per_second : UINT64_MAX);
}

static void add_cpu(struct systemd_properties *p, const struct oci_cpu *cpu,
		    const struct cgroup *cg)
{
	bool v2 = cgroup_version(cg, CGROUP_CPU) == 2;

	if (cpu->has_shares && cpu->shares && !(cpu->has_idle && cpu->idle == 1))
		systemd_add_number(p, v2 ? "CPUWeight" : "CPUShares", "t",
				   v2 ? resources_cpu_weight(cpu->shares) : cpu->shares);
	if (cgroup_version(cg, CGROUP_CPU))
		add_quota(p, cpu);
	if (cgroup_version(cg, CGROUP_CPUSET) != 2)
		return;
	/* What is no list the kernel will refuse, and say so. */
	if (cpu->cpus && cpu->cpus[0])
		systemd_add_cpu_list(p, "AllowedCPUs", cpu->cpus);
	if (cpu->mems && cpu->mems[0])
		systemd_add_cpu_list(p, "AllowedMemoryNodes", cpu->mems);
}

static void add_memory(struct systemd_properties *p, const struct oci_memory *memory,
		       const struct cgroup *cg)
{
	bool v2 = cgroup_version(cg, CGROUP_MEMORY) == 2;
	int64_t limit = memory->has_limit ? memory->limit_bytes : 0, swap = 0;

	if (limit)
		add_limit(p, v2 ? "MemoryMax" : "MemoryLimit", limit);
	if (!v2)
		return;
	if (memory->has_reservation && memory->reservation_bytes)
		add_limit(p, "MemoryLow", memory->reservation_bytes);
	if (!memory->has_swap)
		return;
	if (limit > 0 && memory->swap_bytes == limit)
		add_limit(p, "MemorySwapMax", 0);
	else if (resources_swap_bytes(memory->swap_bytes, limit, &swap, NULL) == 0 && swap)
		add_limit(p, "MemorySwapMax", swap);
}

/* Files of v2 that are properties. */
static void add_unified(struct systemd_properties *p, const struct oci_resources *resources)
{
	static const struct {
		const char *file, *name;
	} numbers[] = {
		{"memory.min", "MemoryMin"},	      {"memory.low", "MemoryLow"},
		{"memory.high", "MemoryHigh"},	      {"memory.max", "MemoryMax"},
		{"memory.swap.max", "MemorySwapMax"}, {"pids.max", "TasksMax"},
		{"cpu.weight", "CPUWeight"},
	};
	uint64_t number;

	for (size_t i = 0; i < resources->n_unified; i++) {
		const struct oci_pair *pair = &resources->unified[i];

		if (!strcmp(pair->key, "cpuset.cpus"))
			systemd_add_cpu_list(p, "AllowedCPUs", pair->value);
		if (!strcmp(pair->key, "cpuset.mems"))
			systemd_add_cpu_list(p, "AllowedMemoryNodes", pair->value);
		for (size_t j = 0; j < ARRAY_SIZE(numbers); j++) {
			if (strcmp(pair->key, numbers[j].file) != 0)
				continue;
			if (!strcmp(pair->value, "max"))
				systemd_add_number(p, numbers[j].name, "t", UINT64_MAX);
			else if (string_to_u64(pair->value, 10, &number) == 0)
				systemd_add_number(p, numbers[j].name, "t", number);
		}
	}
}

/* Devices. */

static bool is_about_everything(const struct cgroup_device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 &&
	       rule->access == (CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE | CGROUP_DEVICE_MKNOD);
}

/* "/dev/char/1:3", "char-136" for all of a major, "char-*"; false: systemd cannot say it. */
static bool append_rule(char ***list, const struct cgroup_device_rule *rule, char type)
{
	const char *name = type == 'b' ? "block" : "char";
	char device[64], access[4] = "", *at = access;

	if (rule->major < 0 && rule->minor >= 0)
		return false;
	if (rule->major < 0)
		snprintf(device, sizeof(device), "%s-*", name);
	else if (rule->minor < 0)
		snprintf(device, sizeof(device), "%s-%lld", name, (long long)rule->major);
	else
		snprintf(device, sizeof(device), "/dev/%s/%lld:%lld", name, (long long)rule->major,
			 (long long)rule->minor);
	if (rule->access & CGROUP_DEVICE_READ)
		*at++ = 'r';
	if (rule->access & CGROUP_DEVICE_WRITE)
		*at++ = 'w';
	if (rule->access & CGROUP_DEVICE_MKNOD)
		*at++ = 'm';
	*at = '\0';
	return strv_append(list, device) == 0 && strv_append(list, access) == 0;
}

/* NULL: no list of what is allowed says the same as RULES. */
static char **allowed_devices(const struct cgroup_device_rule *rules, size_t n)
{
	_cleanup_strv_ char **list = NULL;
	size_t first = 0;

	for (size_t i = 0; i < n; i++)
		if (is_about_everything(&rules[i]))
			first = i + 1;
	if (first && rules[first - 1].allow)
		return NULL;
	for (size_t i = first; i < n; i++) {
		if (!rules[i].allow)
			return NULL;
		if (rules[i].type != 'c' && !append_rule(&list, &rules[i], 'b'))
			return NULL;
		if (rules[i].type != 'b' && !append_rule(&list, &rules[i], 'c'))
			return NULL;
	}
	return take_ptr(list);
}

/*
 * Where no list will do, systemd is told to leave devices alone; the group has its own rules either way.
 * Managers of users may not load the program that this takes.
 */
static void add_devices(struct systemd_properties *p, const struct oci_resources *resources,
			bool fresh)
{
	_cleanup_free_ struct cgroup_device_rule *rules = NULL;
	_cleanup_strv_ char **list = NULL;
	size_t n;

	rules = resources_device_rules(resources, &n);
	if (!rules) {
		p->out_of_memory = true;
		return;
	}
	list = allowed_devices(rules, n);
	systemd_add_text(p, "DevicePolicy", list ? "strict" : "auto");
	/* An empty list takes back what there is; then what comes is added. */
	if (!fresh)
		systemd_add_list(p, "DeviceAllow", "a(ss)", NULL);
	if (list)
		systemd_add_list(p, "DeviceAllow", "a(ss)", list);
}

void scope_add_resources(struct systemd_properties *p, const struct oci_resources *resources,
			 const struct cgroup *cg, bool fresh, bool of_user)
{
	const struct oci_block_io *io = &resources->block_io;
	bool v2 = cgroup_version(cg, CGROUP_IO) == 2;

	add_cpu(p, &resources->cpu, cg);
	add_memory(p, &resources->memory, cg);
	/* Else it would be DefaultTasksMax, a limit that nobody asked for. */
	if (resources->has_pids_limit || fresh)
		add_limit(p, "TasksMax", resources->pids_limit > 0 ? resources->pids_limit : -1);
	if (io->has_weight && io->weight)
		systemd_add_number(p, v2 ? "IOWeight" : "BlockIOWeight", "t",
				   v2 ? resources_io_weight(io->weight) : io->weight);
	add_unified(p, resources);
	if (!of_user && (fresh || resources->n_devices))
		add_devices(p, resources, fresh);
}
