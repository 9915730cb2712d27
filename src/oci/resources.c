// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources (config-linux.md, "Control groups").
 *
 * Engines written in Go write a zero where they mean "not set" for many of these fields, and runc
 * and crun read it so; a zero of such a field is therefore read as absent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strings.h"
#include "oci/parse.h"

/* A number and its has_ flag, as they lie in the struct: a macro makes one reader for each. */
#define DEFINE_NON_ZERO(name, holder, type, value, has, read_number)                               \
	static int name(const struct oci_reader *r, const struct oci_node *at, void *into)         \
	{                                                                                          \
		struct holder *holder = into;                                                      \
		type number = 0;                                                                   \
		int ret = read_number(r, at, &number);                                             \
                                                                                                   \
		if (ret == 0) {                                                                    \
			holder->value = number;                                                    \
			holder->has = number != 0;                                                 \
		}                                                                                  \
		return ret;                                                                        \
	}

/* Bytes or microseconds, -1: unlimited. */
static int read_limit(const struct oci_reader *r, const struct oci_node *at, int64_t *value)
{
	return oci_read_integer(r, at, -1, INT64_MAX, value);
}

/* ---- cpu ---- */

static int read_positive_us(const struct oci_reader *r, const struct oci_node *at, uint64_t *us)
{
	/* the kernel counts the same time in nanoseconds, in 64 bits */
	return oci_read_unsigned(r, at, UINT64_MAX / 1000, us);
}

static int read_idle(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_integer(r, at, 0, 1, into);
}

DEFINE_NON_ZERO(read_shares, oci_cpu, uint64_t, shares, has_shares, oci_read_u64)
DEFINE_NON_ZERO(read_period, oci_cpu, uint64_t, period_us, has_period, read_positive_us)
DEFINE_NON_ZERO(read_quota, oci_cpu, int64_t, quota_us, has_quota, read_limit)
DEFINE_NON_ZERO(read_realtime_period, oci_cpu, uint64_t, realtime_period_us, has_realtime_period,
		read_positive_us)
DEFINE_NON_ZERO(read_realtime_runtime, oci_cpu, int64_t, realtime_runtime_us, has_realtime_runtime,
		read_limit)

static int read_burst(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return read_positive_us(r, at, into);
}

/* "0-3,7": the kernel checks which exist, here only the form is. */
static int read_list(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *list;
	int ret = oci_read_string_or_null(r, at, &list);

	if (ret < 0)
		return ret;
	if (list && strspn(list, "0123456789-,: \n") != strlen(list))
		return oci_fail(r, at, "'%s' is not a list such as 0-3,7", oci_quote(list).text);
	*(const char **)into = list;
	return 0;
}

static const struct oci_field cpu_fields[] = {
	OCI_FIELD_SELF("shares", read_shares),
	OCI_FIELD_SELF("quota", read_quota),
	OCI_FIELD_SELF("period", read_period),
	OCI_FIELD_HAS("burst", read_burst, oci_cpu, burst_us, has_burst),
	OCI_FIELD_SELF("realtimeRuntime", read_realtime_runtime),
	OCI_FIELD_SELF("realtimePeriod", read_realtime_period),
	OCI_FIELD("cpus", read_list, oci_cpu, cpus),
	OCI_FIELD("mems", read_list, oci_cpu, mems),
	OCI_FIELD_HAS("idle", read_idle, oci_cpu, idle, has_idle),
	{0},
};

static int read_cpu(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_object(r, at, cpu_fields, into);
}

/* ---- memory ---- */

DEFINE_NON_ZERO(read_memory_limit, oci_memory, int64_t, limit_bytes, has_limit, read_limit)
DEFINE_NON_ZERO(read_reservation, oci_memory, int64_t, reservation_bytes, has_reservation,
		read_limit)
DEFINE_NON_ZERO(read_swap, oci_memory, int64_t, swap_bytes, has_swap, read_limit)
DEFINE_NON_ZERO(read_kernel_tcp, oci_memory, int64_t, kernel_tcp_bytes, has_kernel_tcp, read_limit)

/* Linux 5.16 took this limit away, and runc and crun have left it out since. */
static int read_kernel(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_memory *memory = into;
	int64_t bytes;
	int ret = read_limit(r, at, &bytes);

	if (ret < 0 || bytes == 0)
		return ret;
	memory->kernel_bytes = bytes;
	memory->has_kernel = true;
	return bytes < 0 ? 0 : oci_warn(r, at, "left out, the kernel no longer has this limit");
}

/*
 * 0 to 100; the largest uint64 is what older dockers send for "not set" (-1 in an unsigned field).
 */
static int read_swappiness(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_memory *memory = into;
	uint64_t n;
	int ret = oci_read_u64(r, at, &n);

	if (ret < 0)
		return ret;
	if (n == UINT64_MAX)
		return 0;
	if (n > 100)
		return oci_fail(r, at, "%" PRIu64 " is out of range (0 to 100)", n);
	memory->swappiness = n;
	memory->has_swappiness = true;
	return 0;
}

static const struct oci_field memory_fields[] = {
	OCI_FIELD_SELF("limit", read_memory_limit),
	OCI_FIELD_SELF("reservation", read_reservation),
	OCI_FIELD_SELF("swap", read_swap),
	OCI_FIELD_SELF("kernel", read_kernel),
	OCI_FIELD_SELF("kernelTCP", read_kernel_tcp),
	OCI_FIELD_SELF("swappiness", read_swappiness),
	OCI_FIELD("disableOOMKiller", oci_read_bool, oci_memory, disable_oom_killer),
	OCI_FIELD("useHierarchy", oci_read_bool, oci_memory, use_hierarchy),
	OCI_FIELD("checkBeforeUpdate", oci_read_bool, oci_memory, check_before_update),
	{0},
};

static int read_memory(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const struct oci_memory *memory = into;
	int ret = oci_read_object(r, at, memory_fields, into);

	if (ret < 0)
		return ret;
	if (memory->has_swap && memory->swap_bytes >= 0 && memory->has_limit &&
	    memory->swap_bytes < memory->limit_bytes)
		return oci_fail_member(r, at, "swap",
				       "%" PRId64 " (memory and swap together) is less than the "
				       "memory limit of %" PRId64,
				       memory->swap_bytes, memory->limit_bytes);
	return 0;
}

/* ---- pids ---- */

static int read_pids(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("limit", oci_read_i64, oci_resources, pids_limit, has_pids_limit),
		{0},
	};

	return oci_read_object(r, at, fields, into);
}

/* ---- devices ---- */

static int read_rule_type(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *type;
	int ret = oci_read_string(r, at, &type);

	if (ret < 0)
		return ret;
	if (*type && (strlen(type) != 1 || !strchr("acb", type[0])))
		return oci_fail(r, at, "unknown device type '%s'", oci_quote(type).text);
	*(char *)into = *type ? type[0] : 'a';
	return 0;
}

static int read_access(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *access;
	int ret = oci_read_string(r, at, &access);

	if (ret < 0)
		return ret;
	if (strspn(access, "rwm") != strlen(access))
		return oci_fail(r, at, "'%s' is not made of r, w and m", oci_quote(access).text);
	if (*access)
		*(const char **)into = access;
	return 0;
}

static int read_device_number(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_integer(r, at, -1, UINT32_MAX, into);
}

static int read_device_rule(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct seen {
		struct oci_device_rule rule;
		bool has_allow;
	} seen = {.rule = {.type = 'a', .major = -1, .minor = -1, .access = "rwm"}};
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("allow", oci_read_bool, seen, rule.allow, has_allow),
		OCI_FIELD("type", read_rule_type, seen, rule.type),
		OCI_FIELD("major", read_device_number, seen, rule.major),
		OCI_FIELD("minor", read_device_number, seen, rule.minor),
		OCI_FIELD("access", read_access, seen, rule.access),
		{0},
	};
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!seen.has_allow)
		return oci_fail_member(r, at, "allow", "missing");
	*(struct oci_device_rule *)into = seen.rule;
	return 0;
}

static int read_device_rules(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_resources *resources = into;

	return oci_read_array(r, at, sizeof(*resources->devices), read_device_rule,
			      &resources->devices, &resources->n_devices);
}

/* ---- block I/O ---- */

static int read_block_number(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_integer(r, at, 0, UINT32_MAX, into);
}

static int fail_block_missing(const struct oci_reader *r, const struct oci_node *at, bool has_major,
			      bool has_minor, const char *other)
{
	return oci_fail_member(r, at,
			       !has_major   ? "major"
			       : !has_minor ? "minor"
					    : other,
			       "missing");
}

static int read_block_limit(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct seen {
		struct oci_block_limit limit;
		bool has_major, has_minor, has_rate;
	} seen = {0};
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("major", read_block_number, seen, limit.major, has_major),
		OCI_FIELD_HAS("minor", read_block_number, seen, limit.minor, has_minor),
		OCI_FIELD_HAS("rate", oci_read_u64, seen, limit.rate, has_rate),
		{0},
	};
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!seen.has_major || !seen.has_minor || !seen.has_rate)
		return fail_block_missing(r, at, seen.has_major, seen.has_minor, "rate");
	*(struct oci_block_limit *)into = seen.limit;
	return 0;
}

static int read_weight(const struct oci_reader *r, const struct oci_node *at, uint16_t *weight)
{
	uint64_t n;
	int ret = oci_read_unsigned(r, at, 1000, &n);

	if (ret < 0)
		return ret;
	if (n != 0 && n < 10)
		return oci_fail(r, at, "%" PRIu64 " is out of range (10 to 1000)", n);
	*weight = (uint16_t)n;
	return 0;
}

DEFINE_NON_ZERO(read_device_weight, oci_block_weight, uint16_t, weight, has_weight, read_weight)
DEFINE_NON_ZERO(read_device_leaf_weight, oci_block_weight, uint16_t, leaf_weight, has_leaf_weight,
		read_weight)
DEFINE_NON_ZERO(read_group_weight, oci_block_io, uint16_t, weight, has_weight, read_weight)
DEFINE_NON_ZERO(read_group_leaf_weight, oci_block_io, uint16_t, leaf_weight, has_leaf_weight,
		read_weight)

static int read_block_weight(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct seen {
		struct oci_block_weight weight;
		bool has_major, has_minor;
	} seen = {0};
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("major", read_block_number, seen, weight.major, has_major),
		OCI_FIELD_HAS("minor", read_block_number, seen, weight.minor, has_minor),
		OCI_FIELD("weight", read_device_weight, seen, weight),
		OCI_FIELD("leafWeight", read_device_leaf_weight, seen, weight),
		{0},
	};
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!seen.has_major || !seen.has_minor ||
	    (!seen.weight.has_weight && !seen.weight.has_leaf_weight))
		return fail_block_missing(r, at, seen.has_major, seen.has_minor, "weight");
	*(struct oci_block_weight *)into = seen.weight;
	return 0;
}

#define DEFINE_BLOCK_ARRAY(member, read_element)                                                   \
	static int read_##member(const struct oci_reader *r, const struct oci_node *at,            \
				 void *into)                                                       \
	{                                                                                          \
		struct oci_block_io *io = into;                                                    \
                                                                                                   \
		return oci_read_array(r, at, sizeof(*io->member), read_element, &io->member,       \
				      &io->n_##member);                                            \
	}

DEFINE_BLOCK_ARRAY(weights, read_block_weight)
DEFINE_BLOCK_ARRAY(read_bps, read_block_limit)
DEFINE_BLOCK_ARRAY(write_bps, read_block_limit)
DEFINE_BLOCK_ARRAY(read_iops, read_block_limit)
DEFINE_BLOCK_ARRAY(write_iops, read_block_limit)

static int read_block_io(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_SELF("weight", read_group_weight),
		OCI_FIELD_SELF("leafWeight", read_group_leaf_weight),
		OCI_FIELD_SELF("weightDevice", read_weights),
		OCI_FIELD_SELF("throttleReadBpsDevice", read_read_bps),
		OCI_FIELD_SELF("throttleWriteBpsDevice", read_write_bps),
		OCI_FIELD_SELF("throttleReadIOPSDevice", read_read_iops),
		OCI_FIELD_SELF("throttleWriteIOPSDevice", read_write_iops),
		{0},
	};

	return oci_read_object(r, at, fields, into);
}

/* ---- huge pages, network, unified ---- */

/* "<size><unit-prefix>B", such as 64KB, 2MB, 1GB */
static int read_page_size(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *size, *unit;
	int ret = oci_read_string(r, at, &size);

	if (ret < 0)
		return ret;
	unit = size + strspn(size, "0123456789");
	if (unit == size || size[0] == '0' || !*unit || !strchr("KMG", unit[0]) ||
	    strcmp(unit + 1, "B") != 0)
		return oci_fail(r, at, "'%s' is not a page size such as 2MB", oci_quote(size).text);
	*(const char **)into = size;
	return 0;
}

static int read_hugepage_limit(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct seen {
		struct oci_hugepage_limit limit;
		bool has_limit;
	} seen = {0};
	static const struct oci_field fields[] = {
		OCI_FIELD("pageSize", read_page_size, seen, limit.page_size),
		OCI_FIELD_HAS("limit", oci_read_u64, seen, limit.limit_bytes, has_limit),
		{0},
	};
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!seen.limit.page_size || !seen.has_limit)
		return oci_fail_member(r, at, seen.limit.page_size ? "limit" : "pageSize",
				       "missing");
	*(struct oci_hugepage_limit *)into = seen.limit;
	return 0;
}

static int read_hugepage_limits(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_resources *resources = into;

	return oci_read_array(r, at, sizeof(*resources->hugepages), read_hugepage_limit,
			      &resources->hugepages, &resources->n_hugepages);
}

static int read_network_priority(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct seen {
		const char *name;
		uint32_t priority;
		bool has_priority;
	} seen = {0};
	static const struct oci_field fields[] = {
		OCI_FIELD("name", oci_read_string_or_null, seen, name),
		OCI_FIELD_HAS("priority", oci_read_u32, seen, priority, has_priority),
		{0},
	};
	struct oci_pair *pair = into;
	char number[16];
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!seen.name || !seen.has_priority)
		return oci_fail_member(r, at, seen.name ? "priority" : "name", "missing");
	snprintf(number, sizeof(number), "%u", seen.priority);
	pair->key = seen.name;
	pair->value = oci_config_strdup(r->config, number);
	return pair->value ? 0 : error_oom(r->err);
}

static int read_priorities(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_resources *resources = into;

	return oci_read_array(r, at, sizeof(*resources->network_priorities), read_network_priority,
			      &resources->network_priorities, &resources->n_network_priorities);
}

DEFINE_NON_ZERO(read_class, oci_resources, uint32_t, network_class, has_network_class, oci_read_u32)

static int read_network(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_SELF("classID", read_class),
		OCI_FIELD_SELF("priorities", read_priorities),
		{0},
	};

	return oci_read_object(r, at, fields, into);
}

/* The kernel reads an int; there is no limit without a number (kernel/cgroup/rdma.c). */
static int read_rdma_number(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t n;
	int ret = oci_read_unsigned(r, at, INT32_MAX, &n);

	if (ret == 0)
		*(uint32_t *)into = (uint32_t)n;
	return ret;
}

static int read_rdma_limit(const struct oci_reader *r, const struct oci_node *at,
			   struct oci_rdma_limit *limit)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("hcaHandles", read_rdma_number, oci_rdma_limit, handles, has_handles),
		OCI_FIELD_HAS("hcaObjects", read_rdma_number, oci_rdma_limit, objects, has_objects),
		{0},
	};
	int ret = oci_read_object(r, at, fields, limit);

	if (ret < 0)
		return ret;
	if (!at->key[0] || strpbrk(at->key, " \t\n"))
		return oci_fail(r, at, "can be no device's name");
	if (!limit->has_handles && !limit->has_objects)
		return oci_fail_member(r, at, "hcaHandles", "missing, and hcaObjects is, too");
	limit->device = at->key;
	return 0;
}

static int read_rdma(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field none[] = {{0}};
	struct oci_resources *resources = into;
	int ret = oci_read_object(r, at, none, NULL);

	if (ret < 0)
		return ret;
	resources->rdma = oci_config_allocate(r->config,
					      (size_t)json_object_object_length(at->value) + 1,
					      sizeof(*resources->rdma));
	if (!resources->rdma)
		return error_oom(r->err);
	json_object_object_foreach(at->value, key, value) {
		const struct oci_node member = {.parent = at, .key = key, .value = value};

		ret = read_rdma_limit(r, &member, &resources->rdma[resources->n_rdma]);
		if (ret < 0)
			return ret;
		resources->n_rdma++;
	}
	return 0;
}

/* A file of the container's own group: "memory.high", never a way out of it. */
static int check_unified(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const struct oci_pair *pair = into;

	if (!pair->key[0] || pair->key[0] == '.' || strchr(pair->key, '/'))
		return oci_fail(r, at, "not the name of a file of a control group");
	if (string_starts_with(pair->key, "cgroup."))
		return oci_fail(r, at, "belongs to the runtime, not to the configuration");
	return 0;
}

static int read_unified(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_resources *resources = into;

	return oci_read_pairs(r, at, check_unified, &resources->unified, &resources->n_unified);
}

static const struct oci_field resources_fields[] = {
	OCI_FIELD("cpu", read_cpu, oci_resources, cpu),
	OCI_FIELD("memory", read_memory, oci_resources, memory),
	OCI_FIELD_SELF("pids", read_pids),
	OCI_FIELD_SELF("devices", read_device_rules),
	OCI_FIELD("blockIO", read_block_io, oci_resources, block_io),
	OCI_FIELD_SELF("hugepageLimits", read_hugepage_limits),
	OCI_FIELD_SELF("network", read_network),
	OCI_FIELD_SELF("unified", read_unified),
	OCI_FIELD_SELF("rdma", read_rdma),
	{0},
};

int oci_read_resources(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_object(r, at, resources_fields, into);
}
