/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Flows that run together for a while, and what the ledger says of it. */
#include <stddef.h>

#include "base/error.h"
#include "bpf/wire.h"
#include "calibrate/flow.h"
#include "calibrate/site.h"

#define MEASURE_FLOWS_MAX 12

/* CPU time per second of wall time, in ns/s. */
struct measure_charge {
	double own;
	double behalf[WIRE_CLASSES];
};

double measure_behalf(const struct measure_charge *charge);
double measure_charge(const struct measure_charge *charge);

/* What a flow did per second: as it was, not as it was asked for. */
struct measure_flow {
	double sent, sent_bytes, received, received_bytes, wakeups;
};

/* Doubles and nothing else: the median of several is taken figure by figure. */
struct measure_figures {
	double wall_s;
	struct measure_flow flows[MEASURE_FLOWS_MAX];
	struct measure_charge workspaces[SITE_WORKSPACES];
	struct measure_charge host; /* own: of kernel threads alone */
	double rcu;		    /* of these, of RCU's */
	double programs;	    /* own time of programs outside of all workspaces, ns/s */
	double unattributed;	    /* ns/s */
	double others;		    /* charge of all other accounts, ns/s */
	double idle;		    /* ns/s */
	double stolen;		    /* by the hypervisor, of /proc/stat, ns/s */
	double books;		    /* sum / (CPUs x wall) */
};

struct measure_plan {
	const struct flow_spec *specs;
	size_t n_specs;
	unsigned int settle_ms;
	unsigned int window_ms; /* of each measurement */
	unsigned int windows;	/* the median of so many counts, at most MEASURE_WINDOWS_MAX */
};

#define MEASURE_WINDOWS_MAX 9

/* Figure by figure, of at most MEASURE_WINDOWS_MAX; of two it is the mean. */
void measure_median(const struct measure_figures *all, size_t n, struct measure_figures *median);

struct measure;

/* Site and scratch are borrowed. */
int measure_open(const struct site *site, const struct flow_scratch *scratch,
		 struct measure **measure, struct error *err);
void measure_close(struct measure *measure);

/*
 * Runs the flows of PLAN and measures. What the calling process itself takes meanwhile, to read the books, is
 * in no figure. *STOP, which a signal handler may set, ends it early: -EINTR with
 * nothing said. FIGURES are filled on success.
 */
int measure_run(struct measure *measure, const struct measure_plan *plan, const volatile int *stop,
		struct measure_figures *figures, struct error *err);
