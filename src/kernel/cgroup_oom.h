/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Being told when a group runs out of memory. */
#include <stdint.h>

#include "base/error.h"
#include "kernel/cgroup.h"

struct cgroup_oom {
	int fd;		 /* to be polled for reading; -EBADF: not watched */
	int control;	 /* v1: memory.oom_control; v2: memory.events */
	int version;	 /* of the memory controller */
	uint64_t killed; /* v2: processes killed so far */
};

#define CGROUP_OOM_NONE                                                                            \
	{                                                                                          \
		.fd = -EBADF, .control = -EBADF                                                    \
	}

/*
 * v1: an eventfd on memory.oom_control (memory.rst, "OOM Control"); v2: inotify on memory.events, of
 * which oom_kill counts (cgroup-v2.rst). -ENODEV without a memory controller.
 */
int cgroup_oom_watch(struct cgroup *cg, struct cgroup_oom *watch, struct error *err);

/* Once the descriptor is readable: how often memory ran out since, 0 when it was something else. */
uint64_t cgroup_oom_take(struct cgroup_oom *watch);

/* How many processes of the group were ever killed for want of memory; 0 when nobody can tell. */
uint64_t cgroup_oom_killed(struct cgroup *cg);

void cleanup_cgroup_oom(struct cgroup_oom *watch);
