// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/flow.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calibrate/flow_run.h"

#define READY_TIMEOUT_MS 3000

static const char *const kind_names[FLOW_KINDS] = {"udp",  "tcp",   "connect",
						   "read", "write", "spin"};

const char *flow_kind_name(enum flow_kind kind)
{
	return kind_names[kind];
}

static int wait_ready(const volatile struct flow_counts *counts, struct error *err)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < READY_TIMEOUT_MS && !counts->ready && !counts->failed; i++)
		nanosleep(&pause, NULL);
	if (counts->ready)
		return 0;
	return error_errno(err, counts->failed ? (int)counts->failed : ETIMEDOUT,
			   "a generated load did not start");
}

static int start_receiver(const struct site *site, const struct flow_spec *spec,
			  volatile struct flow_counts *counts, pid_t *pid, struct error *err)
{
	*pid = site_fork(site, spec->to, err);
	if (*pid == 0)
		flow_run_receiver(spec, site_address(site, spec->to, spec->path), counts);
	return *pid < 0 ? *pid : wait_ready(counts, err);
}

static int start_sender(const struct site *site, const struct flow_scratch *scratch,
			const struct flow_spec *spec, volatile struct flow_counts *counts,
			pid_t *pid, struct error *err)
{
	*pid = site_fork(site, spec->from, err);
	if (*pid < 0)
		return *pid;
	if (*pid > 0)
		return 0;
	if (flow_is_net(spec))
		flow_run_sender(spec, site_address(site, spec->to, spec->path), counts);
	if (spec->kind == FLOW_SPIN)
		flow_run_spin(spec, counts);
	flow_run_disk(spec, scratch, counts);
}

/*
 * Who asks for writeback is no part of what a workspace is charged: on a host in use it is a timer, some seconds
 * later. So it is somebody else, a program of the host.
 */
static int start_flusher(const struct site *site, const struct flow_scratch *scratch,
			 volatile struct flow_counts *counts, pid_t *pid, struct error *err)
{
	*pid = site_fork(site, SITE_J, err);
	if (*pid == 0)
		flow_run_flusher(scratch, counts);
	return *pid < 0 ? *pid : 0;
}

int flow_start(const struct site *site, const struct flow_scratch *scratch,
	       const struct flow_spec *spec, volatile struct flow_counts *counts, pid_t pids[2],
	       struct error *err)
{
	int r = 0;

	pids[0] = pids[1] = 0;
	if (flow_is_net(spec))
		r = start_receiver(site, spec, counts, &pids[0], err);
	if (spec->kind == FLOW_WRITE && spec->buffered && !spec->synced)
		r = start_flusher(site, scratch, counts, &pids[0], err);
	if (r == 0)
		r = start_sender(site, scratch, spec, counts, &pids[1], err);
	if (r < 0)
		flow_stop(pids);
	return r;
}

void flow_stop(pid_t pids[2])
{
	for (int i = 1; i >= 0; i--) {
		if (pids[i] <= 0)
			continue;
		kill(pids[i], SIGKILL);
		while (waitpid(pids[i], NULL, 0) < 0 && errno == EINTR)
			;
		pids[i] = 0;
	}
}
