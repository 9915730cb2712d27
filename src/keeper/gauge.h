/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the kernel itself says of a control group: read often, so the files stay open. */
#include <stdint.h>

#include "base/error.h"
#include "kernel/cgroup.h"

struct gauge {
	int usage;    /* cpuacct.usage or cpu.stat; negative: not there */
	int pressure; /* cpu.pressure, or -EBADF */
	int procs;    /* the group's directory, for when there is no pressure; or -EBADF */
	/* the files of its quota, as the means names them; negative: they are opened each time */
	const char *quota_file, *period_file; /* NULL: there is no such one */
	int quota, period;
	int version;
};

#define GAUGE_CLOSED                                                                               \
	{                                                                                          \
		.usage = -EBADF, .pressure = -EBADF, .procs = -EBADF, .quota = -EBADF,             \
		.period = -EBADF                                                                   \
	}

/* Opens what there is; -ENOENT when the group is gone. */
int gauge_open(const struct cgroup *cgroup, struct gauge *gauge, struct error *err);
void gauge_close(struct gauge *gauge);

/* Its quota is to be read from now on, from what has those names now; PERIOD_FILE may be NULL. May be called again. */
void gauge_watch_quota(struct gauge *gauge, const char *quota_file, const char *period_file);

#define GAUGE_TEXT_BYTES 64

/*
 * What those files hold, "" of one that there is not. 0 or a negative errno: -ENODEV when what was opened is gone, and
 * -ENOENT when there is no such file.
 */
int gauge_read_quota(const struct gauge *gauge, char quota[static GAUGE_TEXT_BYTES],
		     char period[static GAUGE_TEXT_BYTES]);

/*
 * CPU time that the kernel bills to the group. 0 or a negative errno: -ENODEV when the group is gone, -EBADF when it is
 * in no hierarchy of v1 that has cpuacct.
 */
int gauge_billed_ns(const struct gauge *gauge, uint64_t *ns);

/*
 * Time in which a thread of the group was ready and had no CPU: "some" of cpu.pressure (psi.rst), or,
 * where the group has no such file, the sum over its threads (at most GAUGE_THREADS of them).
 */
int gauge_waited_ns(const struct gauge *gauge, uint64_t *ns);

#define GAUGE_THREADS 64
