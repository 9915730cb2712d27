/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the processes of a flow do, until they are killed. */
#include "calibrate/flow.h"

#define _noreturn_ __attribute__((noreturn))

/* Listens at ADDRESS on a port the kernel picks, says so in COUNTS, and takes what comes. */
_noreturn_ void flow_run_receiver(const struct flow_spec *spec, uint32_t address,
				  volatile struct flow_counts *counts);
/* Sends to the receiver at ADDRESS. */
_noreturn_ void flow_run_sender(const struct flow_spec *spec, uint32_t address,
				volatile struct flow_counts *counts);
_noreturn_ void flow_run_disk(const struct flow_spec *spec, const struct flow_scratch *scratch,
			      volatile struct flow_counts *counts);
/* Has the flusher write back what is dirty, often enough that every measurement has its part of it. */
_noreturn_ void flow_run_flusher(const struct flow_scratch *scratch,
				 volatile struct flow_counts *counts);
_noreturn_ void flow_run_spin(const struct flow_spec *spec, volatile struct flow_counts *counts);

/* Gives up, and tells why. */
_noreturn_ void flow_run_fail(volatile struct flow_counts *counts, int error);

/* Keeps a rate. */
struct flow_pace {
	double rate;
	uint64_t started_ns, tick_ns;
	uint64_t tick;		 /* the last one */
	uint64_t due, done;	 /* units */
	unsigned int late_ticks; /* what is later than that is dropped */
	bool scattered;		 /* at any moment of a tick, else at its beginning */
};

void flow_pace_start(struct flow_pace *pace, double rate);
/* Waits for the next moment at which something is due, and returns how many units are. */
uint64_t flow_pace_wait(struct flow_pace *pace, volatile struct flow_counts *counts);
