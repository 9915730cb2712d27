/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which operation of the profile a load tells of, and what it tells. Pure. */
#include "calibrate/fit.h"
#include "calibrate/measure.h"
#include "calibrate/shared.h"
#include "plan/profile.h"

/* Where a point is from: a load of a round, and which part of its host's cost is this side's. */
struct operation_origin {
	size_t round, load;
	double share;
};

/* The points of one operation, as they come in. */
struct operation_points {
	enum profile_kind kind;
	enum profile_mode mode;
	char target[PROFILE_TARGET_MAX];
	unsigned int part; /* SCHEDULE_* */
	uint32_t size_least_bytes, size_most_bytes;
	double units_most;
	struct fit_point *points;
	struct operation_origin *origins; /* of each point */
	size_t n;
};

/*
 * Of those that work for all, in each round: what the host is charged by its clocks and by RCU, what it is charged of
 * receiving, where a packet is nobody's, and nobody. The second is nothing in most rounds and a multiple of the first in some.
 */
enum operations_shared {
	OPERATIONS_HOST,
	OPERATIONS_HOST_NET,
	OPERATIONS_NOBODY,
	OPERATIONS_SHARED
};

/*
 * What the host does for loads (ends of interrupts, ticks, and what RCU frees, which keeps the tick alive) it does once a
 * tick at most, however many connections or packets there are: as measured with 250 ticks a second.
 */
#define OPERATIONS_HOST_GAP_NS 4e6

/* What is of no load. */
struct operations_others {
	double threads_ns; /* the kernel's own threads, and the work items in them that are the host's */
	double rcu_ns;	    /* of these threads, RCU's */
	double programs_ns; /* programs that are nobody's, for which the host works, too */
	double connection_wakeups; /* of all its loads, as often as the host has to do something for them */
	double cached_bytes; /* read through the page cache, whose pages give way to others; per second */
};

struct operations {
	struct operation_points *all;
	size_t n;
	struct shared_round *rounds[OPERATIONS_SHARED];
	struct operations_others *others; /* in each round */
	size_t n_rounds;
};

/* The charge of a workspace by the parts of a profile; those of the host and of nobody are left at 0. */
void operations_parts(const struct measure_charge *charge, double parts[static PROFILE_PARTS]);

/* A measurement: some loads at once, no two of which share a workspace. */
struct operations_sample {
	const struct flow_spec *specs;
	size_t n; /* at most SHARED_LOADS_MAX */
	const struct measure_figures *figures;
	const char *disk; /* the target of disk operations */
};

/*
 * Adds what SAMPLE tells of one or two operations for each load. What the host and nobody were charged is for all loads
 * together until operations_fit. Returns 0 or -ENOMEM.
 */
int operations_add(struct operations *operations, const struct operations_sample *sample);

/*
 * The load that SPEC, as FLOW says it went, is for one side's operation; what a forecast
 * from the profile wants.
 */
struct fit_point operations_load(const struct flow_spec *spec, const struct measure_flow *flow);

/*
 * Whether WORKSPACE, an end of SPEC, is one: neither a process of the host at one end of a path between it and a workspace
 * nor who is outside.
 */
bool operations_is_workspace(const struct flow_spec *spec, enum site_workspace workspace);

/* The operation SPEC is for the sending side, or with RECEIVES for the other. */
enum profile_kind operations_kind(const struct flow_spec *spec, bool receives);
enum profile_mode operations_mode(const struct flow_spec *spec);

/* TO becomes the operation that POINTS are of, with what is known before any fit. */
void operations_prepare(const struct operation_points *points, uint32_t cpus,
			struct profile_operation *to);

/*
 * Fits those of WHAT, bits SCHEDULE_*, into PROFILE; those with too few points are left out. What the host and nobody
 * are charged for a connection is shared in halves between its two sides. What the host is charged with any load, and of
 * all CPUs, becomes the profile's base: at rest a host has less to do, or more, than what it has besides its loads.
 * What the kernel's own threads take is base: they have a clock of their own, some run for milliseconds every few
 * seconds, and which rounds these are tells nothing of the loads in them; but for what one of them does for connections,
 * whose memory RCU frees, which is told by all rounds together. What the host does for programs of its own
 * that disturbed a round is told apart, and is in neither.
 * Once only.
 */
int operations_fit(struct operations *operations, unsigned int what, struct profile *profile);

void operations_free(struct operations *operations);
