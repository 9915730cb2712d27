// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.resources.memory. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/cgroup.h"
#include "oci/config.h"
#include "runtime/resources_convert.h"
#include "runtime/resources_internal.h"

static int check_usage(const struct resources_target *t, const struct oci_memory *memory)
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
	return resources_name_key(t, "memory.limit", r);
}

static int set_memory_limit_v1(const struct resources_target *t, int64_t bytes)
{
	return resources_set(t, "memory.limit", CGROUP_MEMORY, "memory.limit_in_bytes", "%lld",
			     (long long)bytes);
}

static int set_swap_limit_v1(const struct resources_target *t, int64_t bytes)
{
	return resources_set(t, "memory.swap", CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "%lld",
			     (long long)bytes);
}

/* At every instant the limit of both has to be the larger one: growing starts with it. */
static int set_limits_v1(const struct resources_target *t, const struct oci_memory *memory)
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

static int set_memory_v1(const struct resources_target *t, const struct oci_memory *memory)
{
	int r;

	r = set_limits_v1(t, memory);
	if (r == 0 && memory->has_reservation && memory->reservation_bytes &&
	    !(t->fresh && memory->reservation_bytes < 0))
		r = resources_set(t, "memory.reservation", CGROUP_MEMORY,
				  "memory.soft_limit_in_bytes", "%lld",
				  (long long)memory->reservation_bytes);
	if (r == 0 && memory->has_kernel_tcp && memory->kernel_tcp_bytes > 0)
		r = resources_set(t, "memory.kernelTCP", CGROUP_MEMORY,
				  "memory.kmem.tcp.limit_in_bytes", "%lld",
				  (long long)memory->kernel_tcp_bytes);
	if (r == 0 && memory->has_swappiness)
		r = resources_set(t, "memory.swappiness", CGROUP_MEMORY, "memory.swappiness",
				  "%llu", (unsigned long long)memory->swappiness);
	if (r == 0 && memory->disable_oom_killer)
		r = resources_set(t, "memory.disableOOMKiller", CGROUP_MEMORY, "memory.oom_control",
				  "1");
	return r;
}

static int set_memory_v2(const struct resources_target *t, const struct oci_memory *memory)
{
	int64_t limit = memory->has_limit ? memory->limit_bytes : 0;
	int64_t swap = 0;
	char buffer[24];
	int r;

	r = resources_swap_bytes(memory->has_swap ? memory->swap_bytes : 0, limit, &swap, t->err);
	if (r < 0)
		return resources_name_key(t, "memory.swap", r);
	/* Twice the same number is no swap at all, and that has to be said. */
	if (memory->has_swap && limit > 0 && memory->swap_bytes == limit)
		r = resources_set(t, "memory.swap", CGROUP_MEMORY, "memory.swap.max", "0");
	else if (swap && !(t->fresh && swap < 0))
		r = resources_set(t, "memory.swap", CGROUP_MEMORY, "memory.swap.max", "%s",
				  resources_limit_text(swap, buffer));
	if (r == 0 && limit && !(t->fresh && limit < 0))
		r = resources_set(t, "memory.limit", CGROUP_MEMORY, "memory.max", "%s",
				  resources_limit_text(limit, buffer));
	if (r == 0 && memory->has_reservation && memory->reservation_bytes &&
	    !(t->fresh && memory->reservation_bytes < 0))
		r = resources_set(t, "memory.reservation", CGROUP_MEMORY, "memory.low", "%s",
				  resources_limit_text(memory->reservation_bytes, buffer));
	if (r == 0 && memory->has_swappiness)
		r = resources_refuse_on_v2(t, "memory.swappiness");
	if (r == 0 && memory->disable_oom_killer)
		r = resources_refuse_on_v2(t, "memory.disableOOMKiller");
	return r;
}

/* memory.kernel is skipped: kernels since 5.16 have no such limit (and runc skips it, too). */
int resources_set_memory(const struct resources_target *t, const struct oci_resources *resources)
{
	const struct oci_memory *memory = &resources->memory;
	int r;

	r = check_usage(t, memory);
	if (r < 0)
		return r;
	return cgroup_version(t->cg, CGROUP_MEMORY) == 2 ? set_memory_v2(t, memory)
							 : set_memory_v1(t, memory);
}
