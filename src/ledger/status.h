/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What is on, and what it lacks. */
struct ledger_status {
	bool on;
	uint64_t since_realtime_ns; /* CLOCK_REALTIME when it was switched on */
	uint64_t since_ns;	    /* CLOCK_MONOTONIC */
	unsigned int cpus;	    /* possible */
	unsigned int accounts;	    /* open now */
	unsigned int accounts_max;
	bool unified;		 /* cgroup v2 is accounted, else the v1 hierarchy with cpu */
	bool irq_time;		 /* the kernel bills interrupt time apart by itself */
	uint64_t hooks_attached; /* bits, by index in ledger_hooks */
	uint32_t left_out;	 /* parts that it was told to do without */
	size_t n_attached;
	size_t n_wanted; /* of all hooks, those that mean something here */
	uint64_t recursion_misses;
	uint32_t layout;	  /* of its books: WIRE_VERSION */
	unsigned int upgrades;	  /* how often it was taken over by another behalf */
	uint64_t approximated_ns; /* CPU time of those moments, which went to who ran then */
};

/* Reads it. A ledger that is off is no error: status->on is false. */
int ledger_status_read(struct ledger_status *status, struct error *err);
