// SPDX-License-Identifier: GPL-2.0-or-later
/* process.scheduler, ioPriority and execCPUAffinity (config.md, "Linux Process"). */
#include <string.h>

#include "base/cleanup.h"
#include "oci/parse.h"

/* The kernel's numbers are its ABI: include/uapi/linux/sched.h, linux/ioprio.h. */
static const struct oci_name policies[] = {
	{"SCHED_OTHER", 0}, {"SCHED_FIFO", 1},	   {"SCHED_RR", 2}, {"SCHED_BATCH", 3},
	{"SCHED_IDLE", 5},  {"SCHED_DEADLINE", 6}, {NULL, 0},
};

static const struct oci_name scheduler_flags[] = {
	{"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
	{"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
	{"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}, {NULL, 0},
};

static const struct oci_name io_classes[] = {
	{"IOPRIO_CLASS_RT", 1},
	{"IOPRIO_CLASS_BE", 2},
	{"IOPRIO_CLASS_IDLE", 3},
	{NULL, 0},
};

#define POLICY_FIFO 1
#define POLICY_RR 2
#define POLICY_DEADLINE 6

static int read_policy(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_name(r, at, policies, "scheduling policy", into);
}

static int read_flags(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_name_set(r, at, scheduler_flags, "scheduler flag", into);
}

static int read_nice(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	int64_t nice;
	int ret = oci_read_integer(r, at, -20, 19, &nice);

	if (ret == 0)
		*(int32_t *)into = (int32_t)nice;
	return ret;
}

static int read_priority(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t priority;
	int ret = oci_read_unsigned(r, at, 99, &priority);

	if (ret == 0)
		*(uint32_t *)into = (uint32_t)priority;
	return ret;
}

static int check_policy(const struct oci_reader *r, const struct oci_node *at,
			const struct oci_scheduler *s)
{
	bool realtime = s->policy == POLICY_FIFO || s->policy == POLICY_RR;

	if (realtime && s->priority == 0)
		return oci_fail_member(r, at, "priority",
				       "a real-time policy needs one of 1 to 99");
	if (!realtime && s->priority != 0)
		return oci_fail_member(r, at, "priority",
				       "only SCHED_FIFO and SCHED_RR have priorities");
	if (s->policy != POLICY_DEADLINE && (s->runtime_ns || s->deadline_ns || s->period_ns))
		return oci_fail_member(r, at,
				       s->runtime_ns	? "runtime"
				       : s->deadline_ns ? "deadline"
							: "period",
				       "only SCHED_DEADLINE has it");
	return 0;
}

int oci_read_scheduler(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("policy", read_policy, oci_scheduler, policy, has_policy),
		OCI_FIELD("nice", read_nice, oci_scheduler, nice),
		OCI_FIELD("priority", read_priority, oci_scheduler, priority),
		OCI_FIELD("flags", read_flags, oci_scheduler, flags),
		OCI_FIELD("runtime", oci_read_u64, oci_scheduler, runtime_ns),
		OCI_FIELD("deadline", oci_read_u64, oci_scheduler, deadline_ns),
		OCI_FIELD("period", oci_read_u64, oci_scheduler, period_ns),
		{0},
	};
	struct oci_scheduler *s = oci_config_allocate(r->config, 1, sizeof(*s));
	int ret;

	if (!s)
		return error_oom(r->err);
	ret = oci_read_object(r, at, fields, s);
	if (ret < 0)
		return ret;
	if (!s->has_policy)
		return oci_fail_member(r, at, "policy", "missing");
	ret = check_policy(r, at, s);
	if (ret == 0)
		*(struct oci_scheduler **)into = s;
	return ret;
}

static int read_io_class(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_name(r, at, io_classes, "I/O priority class", into);
}

static int read_io_level(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t level;
	int ret = oci_read_unsigned(r, at, 7, &level);

	if (ret == 0)
		*(uint32_t *)into = (uint32_t)level;
	return ret;
}

int oci_read_io_priority(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("class", read_io_class, oci_io_priority, class),
		OCI_FIELD("priority", read_io_level, oci_io_priority, level),
		{0},
	};
	struct oci_io_priority priority = {0};
	int ret = oci_read_object(r, at, fields, &priority);

	if (ret < 0)
		return ret;
	if (!priority.class)
		return oci_fail_member(r, at, "class", "missing");
	*(struct oci_io_priority *)into = priority;
	return 0;
}

static int read_cpus(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_number_set(r, at, OCI_CPUS_MAX, into);
}

int oci_read_exec_affinity(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("initial", read_cpus, oci_exec_affinity, initial),
		OCI_FIELD("final", read_cpus, oci_exec_affinity, final),
		{0},
	};

	return oci_read_object(r, at, fields, into);
}
