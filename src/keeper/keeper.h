/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The loop: every period it reads what workspaces are charged, lets the controller decide, and writes what
 * has changed. keeper.c tells the order of things.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "keeper/ask.h"

enum keeper_kind {
	KEEPER_SERVICE, /* `behalf keeper`: takes over from one that runs beside a workspace */
	KEEPER_BESIDE,	/* beside a workspace of `spawn`: waits until no other runs */
};

#define KEEPER_HOST_CORES 0.05

struct keeper_options {
	enum keeper_kind kind;
	uint64_t period_ns; /* 0: CONTROL_PERIOD_NS */
	bool dry_run;	    /* print what would be written; no lock, no socket, no book */
	bool once;	    /* a second of rounds, then end and leave things as they are */
	bool restore;	    /* put back what a killed keeper has left, and end */
	bool json;	    /* events, and what a dry run prints, as lines of JSON */
	double host_reserve; /* cores for the kernel's own workers; 0: KEEPER_HOST_CORES a CPU; below 0: none */
	int burst_us; /* of a disk's work at once, on a reserved CPU; 0: BURST_MOST_US; below 0: any */
	const char *uplink; /* "eth0=1gbit"; NULL: what BEHALF_UPLINK says, or the default route */
	const char *socket; /* for status; NULL: KEEPER_SOCKET in the keeper's directory */
};

/*
 * Runs until SIGTERM, SIGINT or SIGHUP, and puts back what was found; or until SIGUSR1, and leaves things to
 * the next. Blocks those signals. -EBUSY with a sentence when another keeper runs.
 */
int keeper_run(const struct keeper_options *options, struct error *err);

/*
 * Starts one in a child that ends with the calling process. Returns its pid, or a negative errno. The child has none of the
 * caller's descriptors but standard error.
 */
int keeper_run_beside(struct error *err);
