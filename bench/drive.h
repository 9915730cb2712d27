/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Workspaces as a user has them: each is begun by `behalf spawn` with its terms, so it is weighed, limited and kept as
 * spawn does it, by the keeper beside it. In each runs drive_load, which does what the flows say.
 */
#include <stddef.h>

#include "base/error.h"
#include "calibrate/flow.h"
#include "plan/terms.h"

#define DRIVE_FLOWS_MAX 12
#define DRIVE_WORKSPACES_MAX 3

struct drive_plan {
	struct terms terms[DRIVE_WORKSPACES_MAX];
	size_t n_workspaces;
	/* of a flow: FROM and TO are numbers of workspaces; PATH is spawn's own */
	struct flow_spec flows[DRIVE_FLOWS_MAX];
	size_t n_flows;
};

struct drive_figures {
	struct {
		double sent, received; /* units/s */
	} flows[DRIVE_FLOWS_MAX];
	double foreign; /* CPUs that others of this host used meanwhile */
};

struct drive;

/* BEHALF is the program, SCRATCH a directory on the disk that is promised. */
int drive_open(const char *behalf, const char *scratch, const volatile int *stop,
	       struct drive **drive, struct error *err);
void drive_close(struct drive *drive);

/* -EINTR with nothing said: *STOP was set. */
int drive_run(struct drive *drive, const struct drive_plan *plan, struct drive_figures *figures,
	      struct error *err);

/* What runs in workspace NUMBER; returns an exit status. */
int drive_load(const char *number);
