// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources to the files of the group. For every controller the layout says whether it is
 * found on v1 or v2, so that on a hybrid some can be the one and some the other.
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
#include "kernel/cgroup_devices.h"
#include "oci/config.h"
#include "runtime/resources_convert.h"

#define DEFAULT_SHARES 1024
#define DEFAULT_PERIOD_US 100000

/* Where to write, and whom to tell. */
struct target {
	struct cgroup *cg;
	bool fresh; /* nothing has been set yet, and nobody is inside */
	struct error *err;
};

static int name_key(const struct target *t, const char *key, int r)
{
	if (r < 0 && t->err)
		error_prefix(t->err, "linux.resources.%s", key);
	return r;
}

/* KEY is below linux.resources: it begins the sentence. */
static int set(const struct target *t, const char *key, enum cgroup_controller controller,
	       const char *file, const char *format, ...) __attribute__((format(printf, 5, 6)));

static int set(const struct target *t, const char *key, enum cgroup_controller controller,
	       const char *file, const char *format, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		return name_key(t, key, error_set(t->err, EINVAL, "the value is too long"));
	return name_key(t, key, cgroup_write(t->cg, controller, file, text, t->err));
}

/* A key that only cgroup v1 has. */
static int refuse_on_v2(const struct target *t, const char *key)
{
	return name_key(t, key, error_set(t->err, ENOTSUP, "cgroup v2 has nothing like it"));
}

/* Limits as the files of v2 want them. */
static const char *limit_text(int64_t value, char buffer[static 24])
{
	if (value < 0)
		return "max";
	snprintf(buffer, 24, "%lld", (long long)value);
	return buffer;
}

/* CPU. */

static int set_shares(const struct target *t, const struct oci_cpu *cpu)
{
	/* The kernel refuses a weight for a group that runs when nothing else does. */
	if (!cpu->has_shares || !cpu->shares || (cpu->has_idle && cpu->idle == 1))
		return 0;
	if (t->fresh && cpu->shares == DEFAULT_SHARES)
		return 0;
	if (cgroup_version(t->cg, CGROUP_CPU) == 2)
		return set(t, "cpu.shares", CGROUP_CPU, "cpu.weight", "%llu",
			   (unsigned long long)resources_cpu_weight(cpu->shares));
	return set(t, "cpu.shares", CGROUP_CPU, "cpu.shares", "%llu",
		   (unsigned long long)cpu->shares);
}

static int set_quota_v2(const struct target *t, const struct oci_cpu *cpu, bool quota, bool period)
{
	_cleanup_free_ char *now = NULL;
	const char *key = quota ? "cpu.quota" : "cpu.period";
	char buffer[24];
	int r;

	if (quota && !period)
		return set(t, key, CGROUP_CPU, "cpu.max", "%s", limit_text(cpu->quota_us, buffer));
	if (quota)
		return set(t, key, CGROUP_CPU, "cpu.max", "%s %llu",
			   limit_text(cpu->quota_us, buffer), (unsigned long long)cpu->period_us);
	r = name_key(t, key, cgroup_read(t->cg, CGROUP_CPU, "cpu.max", &now, t->err));
	if (r < 0)
		return r;
	return set(t, key, CGROUP_CPU, "cpu.max", "%.*s %llu", (int)strcspn(now, " "), now,
		   (unsigned long long)cpu->period_us);
}

/*
 * A period shorter than before can be refused while the old quota stands, a quota above the
 * parent's share while the old period does: the second order is tried when the first fails.
 */
static int set_quota_v1(const struct target *t, const struct oci_cpu *cpu, bool quota, bool period)
{
	bool again = false;
	int r = 0;

	if (period) {
		r = set(t, "cpu.period", CGROUP_CPU, "cpu.cfs_period_us", "%llu",
			(unsigned long long)cpu->period_us);
		again = r == -EINVAL && quota;
	}
	if (quota && (r == 0 || again))
		r = set(t, "cpu.quota", CGROUP_CPU, "cpu.cfs_quota_us", "%lld",
			(long long)cpu->quota_us);
	if (r == 0 && again)
		r = set(t, "cpu.period", CGROUP_CPU, "cpu.cfs_period_us", "%llu",
			(unsigned long long)cpu->period_us);
	return r;
}

static int set_burst(const struct target *t, const struct oci_cpu *cpu)
{
	return set(t, "cpu.burst", CGROUP_CPU,
		   cgroup_version(t->cg, CGROUP_CPU) == 2 ? "cpu.max.burst" : "cpu.cfs_burst_us",
		   "%llu", (unsigned long long)cpu->burst_us);
}

static int set_quota(const struct target *t, const struct oci_cpu *cpu)
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

static int set_realtime(const struct target *t, const struct oci_cpu *cpu)
{
	bool period = cpu->has_realtime_period && cpu->realtime_period_us;
	bool runtime = cpu->has_realtime_runtime && cpu->realtime_runtime_us;
	int r = 0;

	if ((period || runtime) && cgroup_version(t->cg, CGROUP_CPU) == 2)
		return refuse_on_v2(t, period ? "cpu.realtimePeriod" : "cpu.realtimeRuntime");
	if (period)
		r = set(t, "cpu.realtimePeriod", CGROUP_CPU, "cpu.rt_period_us", "%llu",
			(unsigned long long)cpu->realtime_period_us);
	if (r == 0 && runtime)
		r = set(t, "cpu.realtimeRuntime", CGROUP_CPU, "cpu.rt_runtime_us", "%lld",
			(long long)cpu->realtime_runtime_us);
	return r;
}

static int set_cpu(const struct target *t, const struct oci_resources *resources)
{
	const struct oci_cpu *cpu = &resources->cpu;
	int r = 0;

	if (cpu->has_idle && !(t->fresh && !cpu->idle))
		r = set(t, "cpu.idle", CGROUP_CPU, "cpu.idle", "%lld", (long long)cpu->idle);
	if (r == 0)
		r = set_shares(t, cpu);
	if (r == 0)
		r = set_realtime(t, cpu);
	if (r == 0)
		r = set_quota(t, cpu);
	if (r == 0 && cpu->cpus && cpu->cpus[0])
		r = set(t, "cpu.cpus", CGROUP_CPUSET, "cpuset.cpus", "%s", cpu->cpus);
	if (r == 0 && cpu->mems && cpu->mems[0])
		r = set(t, "cpu.mems", CGROUP_CPUSET, "cpuset.mems", "%s", cpu->mems);
	return r;
}

/* Memory. */

static int check_usage(const struct target *t, const struct oci_memory *memory)
{
	_cleanup_free_ char *text = NULL;
	uint64_t usage;
	int r;

	if (!memory->check_before_update || !memory->has_limit || memory->limit_bytes <= 0 ||
	    t->fresh)
		return 0;
	r = cgroup_read(t->cg, CGROUP_MEMORY,
			cgroup_version(t->cg, CGROUP_MEMORY) == 2 ? "memory.current"
								  : "memory.usage_in_bytes",
			&text, t->err);
	if (r == 0)
		r = string_to_u64(text, 10, &usage);
	if (r == 0 && usage > (uint64_t)memory->limit_bytes)
		r = error_set(t->err, EBUSY, "%llu bytes are in use, which is more than %lld",
			      (unsigned long long)usage, (long long)memory->limit_bytes);
	return name_key(t, "memory.limit", r);
}

static int set_memory_limit_v1(const struct target *t, int64_t bytes)
{
	return set(t, "memory.limit", CGROUP_MEMORY, "memory.limit_in_bytes", "%lld",
		   (long long)bytes);
}

static int set_swap_limit_v1(const struct target *t, int64_t bytes)
{
	return set(t, "memory.swap", CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "%lld",
		   (long long)bytes);
}

/* At every instant the limit of both has to be the larger one: growing starts with it. */
static int set_limits_v1(const struct target *t, const struct oci_memory *memory)
{
	int64_t limit = memory->has_limit ? memory->limit_bytes : 0;
	int64_t swap = memory->has_swap ? memory->swap_bytes : 0;
	bool swap_first = false;
	int r = 0;

	if (t->fresh) {
		limit = limit < 0 ? 0 : limit;
		swap = swap < 0 ? 0 : swap;
	} else if (limit == -1 && !swap) {
		/* Not there without accounting of swap; then nothing needs to be lifted. */
		cgroup_write(t->cg, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "-1", NULL);
	} else if (limit && swap) {
		swap_first = set_swap_limit_v1(t, swap) == 0;
	}
	if (limit)
		r = set_memory_limit_v1(t, limit);
	if (r == 0 && swap && !swap_first)
		r = set_swap_limit_v1(t, swap);
	return r;
}

static int set_memory_v1(const struct target *t, const struct oci_memory *memory)
{
	int r;

	r = set_limits_v1(t, memory);
	if (r == 0 && memory->has_reservation && memory->reservation_bytes &&
	    !(t->fresh && memory->reservation_bytes < 0))
		r = set(t, "memory.reservation", CGROUP_MEMORY, "memory.soft_limit_in_bytes",
			"%lld", (long long)memory->reservation_bytes);
	if (r == 0 && memory->has_kernel_tcp && memory->kernel_tcp_bytes > 0)
		r = set(t, "memory.kernelTCP", CGROUP_MEMORY, "memory.kmem.tcp.limit_in_bytes",
			"%lld", (long long)memory->kernel_tcp_bytes);
	if (r == 0 && memory->has_swappiness)
		r = set(t, "memory.swappiness", CGROUP_MEMORY, "memory.swappiness", "%llu",
			(unsigned long long)memory->swappiness);
	if (r == 0 && memory->disable_oom_killer)
		r = set(t, "memory.disableOOMKiller", CGROUP_MEMORY, "memory.oom_control", "1");
	return r;
}

static int set_memory_v2(const struct target *t, const struct oci_memory *memory)
{
	int64_t limit = memory->has_limit ? memory->limit_bytes : 0;
	int64_t swap = 0;
	char buffer[24];
	int r;

	r = resources_swap_bytes(memory->has_swap ? memory->swap_bytes : 0, limit, &swap, t->err);
	if (r < 0)
		return name_key(t, "memory.swap", r);
	/* Twice the same number is no swap at all, and that has to be said. */
	if (memory->has_swap && limit > 0 && memory->swap_bytes == limit)
		r = set(t, "memory.swap", CGROUP_MEMORY, "memory.swap.max", "0");
	else if (swap && !(t->fresh && swap < 0))
		r = set(t, "memory.swap", CGROUP_MEMORY, "memory.swap.max", "%s",
			limit_text(swap, buffer));
	if (r == 0 && limit && !(t->fresh && limit < 0))
		r = set(t, "memory.limit", CGROUP_MEMORY, "memory.max", "%s",
			limit_text(limit, buffer));
	if (r == 0 && memory->has_reservation && memory->reservation_bytes &&
	    !(t->fresh && memory->reservation_bytes < 0))
		r = set(t, "memory.reservation", CGROUP_MEMORY, "memory.low", "%s",
			limit_text(memory->reservation_bytes, buffer));
	if (r == 0 && memory->has_swappiness)
		r = refuse_on_v2(t, "memory.swappiness");
	if (r == 0 && memory->disable_oom_killer)
		r = refuse_on_v2(t, "memory.disableOOMKiller");
	return r;
}

/* memory.kernel is skipped: kernels since 5.16 have no such limit (and runc skips it, too). */
static int set_memory(const struct target *t, const struct oci_resources *resources)
{
	const struct oci_memory *memory = &resources->memory;
	int r;

	r = check_usage(t, memory);
	if (r < 0)
		return r;
	return cgroup_version(t->cg, CGROUP_MEMORY) == 2 ? set_memory_v2(t, memory)
							 : set_memory_v1(t, memory);
}

/* Block I/O. */

/* A weight is in either of two files, by I/O scheduler; PREFIX is "" or "MAJOR:MINOR ". */
static int set_weight(const struct target *t, const char *key, const char *prefix, uint16_t weight)
{
	bool device = prefix[0];
	int r;

	if (cgroup_version(t->cg, CGROUP_IO) == 2) {
		r = set(t, key, CGROUP_IO, "io.bfq.weight", "%s%u", prefix, weight);
		return r != -ENOENT ? r
				    : set(t, key, CGROUP_IO, "io.weight", "%s%llu", prefix,
					  (unsigned long long)resources_io_weight(weight));
	}
	r = set(t, key, CGROUP_IO, device ? "blkio.weight_device" : "blkio.weight", "%s%u", prefix,
		weight);
	return r != -ENOENT ? r
			    : set(t, key, CGROUP_IO,
				  device ? "blkio.bfq.weight_device" : "blkio.bfq.weight", "%s%u",
				  prefix, weight);
}

static int set_leaf_weight(const struct target *t, const char *key, const char *prefix,
			   uint16_t weight)
{
	if (cgroup_version(t->cg, CGROUP_IO) == 2)
		return refuse_on_v2(t, key);
	return set(t, key, CGROUP_IO, prefix[0] ? "blkio.leaf_weight_device" : "blkio.leaf_weight",
		   "%s%u", prefix, weight);
}

static int set_device_weights(const struct target *t, const struct oci_block_io *io)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < io->n_weights; i++) {
		const struct oci_block_weight *w = &io->weights[i];
		char prefix[48];

		snprintf(prefix, sizeof(prefix), "%lld:%lld ", (long long)w->major,
			 (long long)w->minor);
		if (w->has_weight && w->weight)
			r = set_weight(t, "blockIO.weightDevice", prefix, w->weight);
		if (r == 0 && w->has_leaf_weight && w->leaf_weight)
			r = set_leaf_weight(t, "blockIO.weightDevice", prefix, w->leaf_weight);
	}
	return r;
}

static int set_throttles(const struct target *t, const char *key, const char *v1, const char *v2,
			 const struct oci_block_limit *limits, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct oci_block_limit *l = &limits[i];
		unsigned long long rate = l->rate;

		if (cgroup_version(t->cg, CGROUP_IO) != 2)
			r = set(t, key, CGROUP_IO, v1, "%lld:%lld %llu", (long long)l->major,
				(long long)l->minor, rate);
		else if (rate)
			r = set(t, key, CGROUP_IO, "io.max", "%lld:%lld %s=%llu",
				(long long)l->major, (long long)l->minor, v2, rate);
		else
			r = set(t, key, CGROUP_IO, "io.max", "%lld:%lld %s=max",
				(long long)l->major, (long long)l->minor, v2);
	}
	return r;
}

static int set_block_io(const struct target *t, const struct oci_resources *resources)
{
	const struct oci_block_io *io = &resources->block_io;
	int r = 0;

	if (io->has_weight && io->weight)
		r = set_weight(t, "blockIO.weight", "", io->weight);
	if (r == 0 && io->has_leaf_weight && io->leaf_weight)
		r = set_leaf_weight(t, "blockIO.leafWeight", "", io->leaf_weight);
	if (r == 0)
		r = set_device_weights(t, io);
	if (r == 0)
		r = set_throttles(t, "blockIO.throttleReadBpsDevice",
				  "blkio.throttle.read_bps_device", "rbps", io->read_bps,
				  io->n_read_bps);
	if (r == 0)
		r = set_throttles(t, "blockIO.throttleWriteBpsDevice",
				  "blkio.throttle.write_bps_device", "wbps", io->write_bps,
				  io->n_write_bps);
	if (r == 0)
		r = set_throttles(t, "blockIO.throttleReadIOPSDevice",
				  "blkio.throttle.read_iops_device", "riops", io->read_iops,
				  io->n_read_iops);
	if (r == 0)
		r = set_throttles(t, "blockIO.throttleWriteIOPSDevice",
				  "blkio.throttle.write_iops_device", "wiops", io->write_iops,
				  io->n_write_iops);
	return r;
}

/* The rest. */

static int set_pids(const struct target *t, const struct oci_resources *resources)
{
	char buffer[24];

	if (!resources->has_pids_limit || (t->fresh && resources->pids_limit <= 0))
		return 0;
	return set(t, "pids.limit", CGROUP_PIDS, "pids.max", "%s",
		   limit_text(resources->pids_limit > 0 ? resources->pids_limit : -1, buffer));
}

/* The limit of reserved pages beside that of used ones, where the kernel has it (5.7). */
static int set_hugepages(const struct target *t, const struct oci_resources *resources)
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
			return name_key(t, "hugepageLimits",
					error_set(t->err, EINVAL, "no such page size"));
		snprintf(file, sizeof(file), "hugetlb.%s.%s", h->page_size, used);
		r = set(t, "hugepageLimits", CGROUP_HUGETLB, file, "%llu", bytes);
		snprintf(file, sizeof(file), "hugetlb.%s.%s", h->page_size, reserved);
		if (r == 0)
			set(&(struct target){t->cg, t->fresh, NULL}, "", CGROUP_HUGETLB, file,
			    "%llu", bytes);
	}
	return r;
}

static int set_network(const struct target *t, const struct oci_resources *resources)
{
	int r = 0;

	if (resources->has_network_class && resources->network_class)
		r = set(t, "network.classID", CGROUP_NET_CLS, "net_cls.classid", "%u",
			resources->network_class);
	for (size_t i = 0; r == 0 && i < resources->n_network_priorities; i++)
		r = set(t, "network.priorities", CGROUP_NET_PRIO, "net_prio.ifpriomap", "%s %s",
			resources->network_priorities[i].key,
			resources->network_priorities[i].value);
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

static int set_unified(const struct target *t, const struct oci_resources *resources)
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
			return name_key(t, key,
					error_set(t->err, ENOTSUP,
						  "this host's controllers are on cgroup v1"));
		if (!strchr(pair->key, '.') || strchr(pair->key, '/'))
			return name_key(t, key,
					error_set(t->err, EINVAL, "not the name of a cgroup file"));
		r = name_key(t, key,
			     cgroup_write(t->cg, controller, pair->key, pair->value, t->err));
	}
	return r;
}

/* Devices. */

#define DEVICE_ALL (CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE | CGROUP_DEVICE_MKNOD)

/* What every container may use, whatever its configuration says: as in runc and crun. */
static const struct cgroup_device_rule default_devices[] = {
	{true, 'c', -1, -1, CGROUP_DEVICE_MKNOD},
	{true, 'b', -1, -1, CGROUP_DEVICE_MKNOD},
	{true, 'c', 1, 3, DEVICE_ALL},	  /* null */
	{true, 'c', 1, 5, DEVICE_ALL},	  /* zero */
	{true, 'c', 1, 7, DEVICE_ALL},	  /* full */
	{true, 'c', 1, 8, DEVICE_ALL},	  /* random */
	{true, 'c', 1, 9, DEVICE_ALL},	  /* urandom */
	{true, 'c', 5, 0, DEVICE_ALL},	  /* tty */
	{true, 'c', 5, 1, DEVICE_ALL},	  /* console */
	{true, 'c', 5, 2, DEVICE_ALL},	  /* ptmx */
	{true, 'c', 136, -1, DEVICE_ALL}, /* pts */
};

static unsigned int parse_access(const char *access)
{
	unsigned int mask = 0;

	for (; access && *access; access++)
		mask |= *access == 'r'	 ? CGROUP_DEVICE_READ
			: *access == 'w' ? CGROUP_DEVICE_WRITE
			: *access == 'm' ? CGROUP_DEVICE_MKNOD
					 : 0;
	return mask ? mask : DEVICE_ALL;
}

struct cgroup_device_rule *resources_device_rules(const struct oci_resources *resources, size_t *n)
{
	struct cgroup_device_rule *rules;

	*n = resources->n_devices + ARRAY_SIZE(default_devices);
	rules = calloc(*n, sizeof(*rules));
	if (!rules)
		return NULL;
	for (size_t i = 0; i < resources->n_devices; i++) {
		const struct oci_device_rule *rule = &resources->devices[i];

		rules[i] = (struct cgroup_device_rule){rule->allow, rule->type ? rule->type : 'a',
						       rule->major, rule->minor,
						       parse_access(rule->access)};
	}
	memcpy(rules + resources->n_devices, default_devices, sizeof(default_devices));
	return rules;
}

static int set_devices(const struct target *t, const struct oci_resources *resources)
{
	_cleanup_free_ struct cgroup_device_rule *rules = NULL;
	size_t n = resources->n_devices, n_rules;
	int r;

	if (!n && !t->fresh)
		return 0;
	rules = resources_device_rules(resources, &n_rules);
	if (!rules)
		return error_oom(t->err);
	r = cgroup_devices_set(t->cg, rules, n_rules, t->err);
	/* Nothing was asked for, and nothing can be done. */
	if (r == -ENODEV && !n)
		return 0;
	return name_key(t, "devices", r);
}

static int set_all(const struct target *t, const struct oci_resources *resources)
{
	static int (*const setters[])(const struct target *, const struct oci_resources *) = {
		set_devices,  set_memory,    set_cpu,	  set_pids,
		set_block_io, set_hugepages, set_network, set_unified,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(setters); i++)
		r = setters[i](t, resources);
	return r;
}

int resources_apply(struct cgroup *cg, const struct oci_resources *resources, struct error *err)
{
	return set_all(&(struct target){cg, true, err}, resources);
}

int resources_update(struct cgroup *cg, const struct oci_resources *resources, struct error *err)
{
	return set_all(&(struct target){cg, false, err}, resources);
}
