// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources to the files of the group. For every controller the layout says whether it is
 * found on v1 or v2, so that on a hybrid some can be the one and some the other. Memory, block I/O and
 * devices have files of their own.
 *
 * A value that a new group has anyway is not written, and needs no controller. Zero means "not set"
 * where engines use it so: shares, quota, period, limits, weights.
 */
#include "runtime/resources.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/cgroup.h"
#include "oci/config.h"
#include "runtime/resources_convert.h"
#include "runtime/resources_internal.h"

#define DEFAULT_SHARES 1024
#define DEFAULT_PERIOD_US 100000

int resources_name_key(const struct resources_target *t, const char *key, int r)
{
	if (r < 0 && t->err)
		error_prefix(t->err, "linux.resources.%s", key);
	return r;
}

int resources_set(const struct resources_target *t, const char *key,
		  enum cgroup_controller controller, const char *file, const char *format, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		return resources_name_key(t, key,
					  error_set(t->err, EINVAL, "the value is too long"));
	return resources_name_key(t, key, cgroup_write(t->cg, controller, file, text, t->err));
}

int resources_refuse_on_v2(const struct resources_target *t, const char *key)
{
	return resources_name_key(t, key,
				  error_set(t->err, ENOTSUP, "cgroup v2 has nothing like it"));
}

const char *resources_limit_text(int64_t value, char buffer[static 24])
{
	if (value < 0)
		return "max";
	snprintf(buffer, 24, "%lld", (long long)value);
	return buffer;
}

/* CPU. */

static int set_shares(const struct resources_target *t, const struct oci_cpu *cpu)
{
	/* The kernel refuses a weight for a group that runs when nothing else does. */
	if (!cpu->has_shares || !cpu->shares || (cpu->has_idle && cpu->idle == 1))
		return 0;
	if (t->fresh && cpu->shares == DEFAULT_SHARES)
		return 0;
	if (cgroup_version(t->cg, CGROUP_CPU) == 2)
		return resources_set(t, "cpu.shares", CGROUP_CPU, "cpu.weight", "%llu",
				     (unsigned long long)resources_cpu_weight(cpu->shares));
	return resources_set(t, "cpu.shares", CGROUP_CPU, "cpu.shares", "%llu",
			     (unsigned long long)cpu->shares);
}

static int set_quota_v2(const struct resources_target *t, const struct oci_cpu *cpu, bool quota,
			bool period)
{
	_cleanup_free_ char *now = NULL;
	const char *key = quota ? "cpu.quota" : "cpu.period";
	char buffer[24];
	int r;

	if (quota && !period)
		return resources_set(t, key, CGROUP_CPU, "cpu.max", "%s",
				     resources_limit_text(cpu->quota_us, buffer));
	if (quota)
		return resources_set(t, key, CGROUP_CPU, "cpu.max", "%s %llu",
				     resources_limit_text(cpu->quota_us, buffer),
				     (unsigned long long)cpu->period_us);
	r = resources_name_key(t, key, cgroup_read(t->cg, CGROUP_CPU, "cpu.max", &now, t->err));
	if (r < 0)
		return r;
	return resources_set(t, key, CGROUP_CPU, "cpu.max", "%.*s %llu", (int)strcspn(now, " "),
			     now, (unsigned long long)cpu->period_us);
}

/*
 * A period shorter than before can be refused while the old quota stands, a quota above the
 * parent's share while the old period does: the second order is tried when the first fails.
 */
static int set_quota_v1(const struct resources_target *t, const struct oci_cpu *cpu, bool quota,
			bool period)
{
	bool again = false;
	int r = 0;

	if (period) {
		r = resources_set(t, "cpu.period", CGROUP_CPU, "cpu.cfs_period_us", "%llu",
				  (unsigned long long)cpu->period_us);
		again = r == -EINVAL && quota;
	}
	if (quota && (r == 0 || again))
		r = resources_set(t, "cpu.quota", CGROUP_CPU, "cpu.cfs_quota_us", "%lld",
				  (long long)cpu->quota_us);
	if (r == 0 && again)
		r = resources_set(t, "cpu.period", CGROUP_CPU, "cpu.cfs_period_us", "%llu",
				  (unsigned long long)cpu->period_us);
	return r;
}

static int set_burst(const struct resources_target *t, const struct oci_cpu *cpu)
{
	return resources_set(t, "cpu.burst", CGROUP_CPU,
			     cgroup_version(t->cg, CGROUP_CPU) == 2 ? "cpu.max.burst"
								    : "cpu.cfs_burst_us",
			     "%llu", (unsigned long long)cpu->burst_us);
}

static int set_quota(const struct resources_target *t, const struct oci_cpu *cpu)
{
	bool quota = cpu->has_quota && cpu->quota_us && !(t->fresh && cpu->quota_us < 0);
	bool period = cpu->has_period && cpu->period_us &&
		      !(t->fresh && cpu->period_us == DEFAULT_PERIOD_US);
	bool burst = cpu->has_burst && !(t->fresh && !cpu->burst_us);
	int r = 0;

	/* A burst may not be above the quota, so one that shrinks goes first. */
	if (burst && !t->fresh && set_burst(t, cpu) == 0)
		burst = false;
	if (quota || period)
		r = cgroup_version(t->cg, CGROUP_CPU) == 2 ? set_quota_v2(t, cpu, quota, period)
							   : set_quota_v1(t, cpu, quota, period);
	if (r == 0 && burst)
		r = set_burst(t, cpu);
	return r;
}

static int set_realtime(const struct resources_target *t, const struct oci_cpu *cpu)
{
	bool period = cpu->has_realtime_period && cpu->realtime_period_us;
	bool runtime = cpu->has_realtime_runtime && cpu->realtime_runtime_us;
	int r = 0;

	if ((period || runtime) && cgroup_version(t->cg, CGROUP_CPU) == 2)
		return resources_refuse_on_v2(t, period ? "cpu.realtimePeriod"
							: "cpu.realtimeRuntime");
	if (period)
		r = resources_set(t, "cpu.realtimePeriod", CGROUP_CPU, "cpu.rt_period_us", "%llu",
				  (unsigned long long)cpu->realtime_period_us);
	if (r == 0 && runtime)
		r = resources_set(t, "cpu.realtimeRuntime", CGROUP_CPU, "cpu.rt_runtime_us", "%lld",
				  (long long)cpu->realtime_runtime_us);
	return r;
}

static int set_cpu(const struct resources_target *t, const struct oci_resources *resources)
{
	const struct oci_cpu *cpu = &resources->cpu;
	int r = 0;

	if (cpu->has_idle && !(t->fresh && !cpu->idle))
		r = resources_set(t, "cpu.idle", CGROUP_CPU, "cpu.idle", "%lld",
				  (long long)cpu->idle);
	if (r == 0)
		r = set_shares(t, cpu);
	if (r == 0)
		r = set_realtime(t, cpu);
	if (r == 0)
		r = set_quota(t, cpu);
	if (r == 0 && cpu->cpus && cpu->cpus[0])
		r = resources_set(t, "cpu.cpus", CGROUP_CPUSET, "cpuset.cpus", "%s", cpu->cpus);
	if (r == 0 && cpu->mems && cpu->mems[0])
		r = resources_set(t, "cpu.mems", CGROUP_CPUSET, "cpuset.mems", "%s", cpu->mems);
	return r;
}

/* The rest. */

static int set_pids(const struct resources_target *t, const struct oci_resources *resources)
{
	char buffer[24];

	if (!resources->has_pids_limit || (t->fresh && resources->pids_limit <= 0))
		return 0;
	return resources_set(t, "pids.limit", CGROUP_PIDS, "pids.max", "%s",
			     resources_limit_text(resources->pids_limit > 0 ? resources->pids_limit
									    : -1,
						  buffer));
}

/* The limit of reserved pages beside that of used ones, where the kernel has it (5.7). */
static int set_hugepages(const struct resources_target *t, const struct oci_resources *resources)
{
	const char *used = "limit_in_bytes", *reserved = "rsvd.limit_in_bytes";
	char file[128];
	int r = 0;

	if (cgroup_version(t->cg, CGROUP_HUGETLB) == 2) {
		used = "max";
		reserved = "rsvd.max";
	}
	for (size_t i = 0; r == 0 && i < resources->n_hugepages; i++) {
		const struct oci_hugepage_limit *h = &resources->hugepages[i];
		unsigned long long bytes = h->limit_bytes;

		if (!h->page_size || strchr(h->page_size, '/') || strlen(h->page_size) > 32)
			return resources_name_key(t, "hugepageLimits",
						  error_set(t->err, EINVAL, "no such page size"));
		snprintf(file, sizeof(file), "hugetlb.%s.%s", h->page_size, used);
		r = resources_set(t, "hugepageLimits", CGROUP_HUGETLB, file, "%llu", bytes);
		snprintf(file, sizeof(file), "hugetlb.%s.%s", h->page_size, reserved);
		if (r == 0)
			resources_set(&(struct resources_target){t->cg, t->fresh, NULL}, "",
				      CGROUP_HUGETLB, file, "%llu", bytes);
	}
	return r;
}

static int set_network(const struct resources_target *t, const struct oci_resources *resources)
{
	int r = 0;

	if (resources->has_network_class && resources->network_class)
		r = resources_set(t, "network.classID", CGROUP_NET_CLS, "net_cls.classid", "%u",
				  resources->network_class);
	for (size_t i = 0; r == 0 && i < resources->n_network_priorities; i++)
		r = resources_set(t, "network.priorities", CGROUP_NET_PRIO, "net_prio.ifpriomap",
				  "%s %s", resources->network_priorities[i].key,
				  resources->network_priorities[i].value);
	return r;
}

/* The same file on v1 and v2: "mlx5_0 hca_handle=2 hca_object=2000". */
static int set_rdma(const struct resources_target *t, const struct oci_resources *resources)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < resources->n_rdma; i++) {
		const struct oci_rdma_limit *limit = &resources->rdma[i];
		char handles[32] = "", objects[32] = "";

		if (limit->has_handles)
			snprintf(handles, sizeof(handles), " hca_handle=%u", limit->handles);
		if (limit->has_objects)
			snprintf(objects, sizeof(objects), " hca_object=%u", limit->objects);
		r = resources_set(t, "rdma", CGROUP_RDMA, "rdma.max", "%s%s%s", limit->device,
				  handles, objects);
	}
	return r;
}

static enum cgroup_controller controller_of_file(const char *file)
{
	size_t length = strcspn(file, ".");

	for (int c = CGROUP_CORE + 1; c < CGROUP_CONTROLLERS; c++) {
		const char *name = cgroup_controller_name(c, 2);

		if (strlen(name) == length && !strncmp(name, file, length))
			return c;
	}
	return CGROUP_CORE;
}

static int set_unified(const struct resources_target *t, const struct oci_resources *resources)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < resources->n_unified; i++) {
		const struct oci_pair *pair = &resources->unified[i];
		_cleanup_free_ char *key = string_format("unified.%s", pair->key);
		enum cgroup_controller controller = controller_of_file(pair->key);

		if (!key)
			return error_oom(t->err);
		if (cgroup_version(t->cg, CGROUP_CORE) != 2 ||
		    cgroup_version(t->cg, CGROUP_CPU) == 1 ||
		    cgroup_version(t->cg, CGROUP_MEMORY) == 1)
			return resources_name_key(
				t, key,
				error_set(t->err, ENOTSUP,
					  "this host's controllers are on cgroup v1"));
		if (!strchr(pair->key, '.') || strchr(pair->key, '/'))
			return resources_name_key(
				t, key, error_set(t->err, EINVAL, "not the name of a cgroup file"));
		r = resources_name_key(
			t, key, cgroup_write(t->cg, controller, pair->key, pair->value, t->err));
	}
	return r;
}

static int set_all(const struct resources_target *t, const struct oci_resources *resources)
{
	static int (*const setters[])(const struct resources_target *,
				      const struct oci_resources *) = {
		resources_set_devices,
		resources_set_memory,
		set_cpu,
		set_pids,
		resources_set_block_io,
		set_hugepages,
		set_network,
		set_rdma,
		set_unified,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(setters); i++)
		r = setters[i](t, resources);
	return r;
}

int resources_apply(struct cgroup *cg, const struct oci_resources *resources, struct error *err)
{
	return set_all(&(struct resources_target){cg, true, err}, resources);
}

int resources_update(struct cgroup *cg, const struct oci_resources *resources, struct error *err)
{
	return set_all(&(struct resources_target){cg, false, err}, resources);
}
