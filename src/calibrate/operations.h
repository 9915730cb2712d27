/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which operation of the profile a load tells of, and what it tells. Pure. */
#include "calibrate/fit.h"
#include "calibrate/measure.h"
#include "plan/profile.h"

/* The points of one operation, as they come in. */
struct operation_points {
	enum profile_kind kind;
	enum profile_mode mode;
	char target[PROFILE_TARGET_MAX];
	uint32_t size_least_bytes, size_most_bytes;
	double units_most;
	struct fit_point *points;
	size_t n;
};

struct operations {
	struct operation_points *all;
	size_t n;
};

/* The host's charge, and what was nobody's, with nothing going on: ns/s of all CPUs. */
struct operations_base {
	double host, unattributed;
};

/* The charge of a workspace by the parts of a profile; those of the host and of nobody are left at 0. */
void operations_parts(const struct measure_charge *charge, double parts[static PROFILE_PARTS]);

/* A measurement of one load, which is the first flow of FIGURES. */
struct operations_sample {
	const struct flow_spec *spec;
	const struct measure_figures *figures;
	const struct operations_base *base; /* the host without that load */
	const char *disk;		    /* the target of disk operations */
};

/*
 * Adds what SAMPLE tells of one or two operations. What the host and nobody were charged beyond the base is
 * shared in halves between the two sides of a connection. Returns 0 or -ENOMEM.
 */
int operations_add(struct operations *operations, const struct operations_sample *sample);

/*
 * The load that SPEC, as FLOW says it went, is for one side's operation; what a forecast
 * from the profile wants.
 */
struct fit_point operations_load(const struct flow_spec *spec, const struct measure_flow *flow);

/* The operation SPEC is for the sending side, or with RECEIVES for the other. */
enum profile_kind operations_kind(const struct flow_spec *spec, bool receives);
enum profile_mode operations_mode(const struct flow_spec *spec);

/* Fits them all into PROFILE; those with too few points are left out. */
int operations_fit(const struct operations *operations, struct profile *profile);

void operations_free(struct operations *operations);
