/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * "What if": a change of the host, of the workspaces, or of what is assumed, as KEY=VALUE:
 *
 *	NAME.TERM          a term of a workspace (of all, where NAME is "*"): web.net.egress.reserve=400mbit
 *	NAME.path          web.path=macvlan
 *	NAME.count         web.count=20; 0 takes it away
 *	NAME.cpus          web.cpus=2-3
 *	cpus               of the host: 8 (so many), or 0-7
 *	memory             of the host: 64GiB
 *	uplink             what its link carries: 10gbit
 *	disk.NAME.read     what a disk can do: disk./dev/sda.read=200MB/s, disk.8:0.write-iops=20k
 *	host.cpu           for the host's own programs: 0.5
 *	host.memory        1GiB
 *	protocol           udp, tcp or any
 *	peer               who is at the other end of a bridge: workspace, host, network, outside or any
 *	cache              what it does for buffered I/O: helps, hinders or any
 */
#include "plan/plan.h"

/* What can be changed; the request is made of it. */
struct plan_scenario {
	struct plan_host *host;
	struct plan_workspace *workspaces;
	size_t n_workspaces;
	enum extrapolate_protocol protocol;
	const char *peer;
	enum extrapolate_cache cache;
	uint64_t host_ncores, host_memory_bytes;
};

/* -EINVAL or -ENODEV with a sentence that begins with CHANGE; the scenario is of no use then. */
int plan_what_if(struct plan_scenario *scenario, const char *change, struct error *err);

struct plan_request plan_request_of(const struct plan_scenario *scenario,
				    const struct profile *profile);
