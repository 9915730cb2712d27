/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which loads a calibration runs, in which order. Pure. */
#include <stdbool.h>
#include <stddef.h>

#include "calibrate/flow.h"
#include "calibrate/site.h"

/* What to calibrate, as bits; those of paths are 1 << enum site_path. */
#define SCHEDULE_DISK (1u << SITE_PATHS)
#define SCHEDULE_ALL ((1u << (SITE_PATHS + 1)) - 1)

struct schedule {
	struct flow_spec *loads;
	size_t n;
};

/*
 * The loads for WHAT; QUICK leaves out most. They come in an order in which neighbours differ, so that a
 * disturbance of some seconds does not hit one operation alone. -ENOMEM.
 */
int schedule_make(unsigned int what, bool quick, struct schedule *schedule);
void schedule_free(struct schedule *schedule);

#define SCHEDULE_COMPANIONS_MAX 6

/*
 * Loads to run beside SPEC, in other workspaces: on a host where nothing else goes on, every packet wakes up a
 * CPU that has gone to sleep and lost its caches, and costs up to twice what it costs on a host in use.
 * Fills COMPANIONS (of SCHEDULE_COMPANIONS_MAX) and returns how many; WANTED is one for each CPU.
 */
size_t schedule_companions(const struct flow_spec *spec, size_t wanted,
			   struct flow_spec *companions);

/* What a TCP segment carries besides its data: Ethernet, IPv4, TCP with timestamps. */
#define SCHEDULE_TCP_HEADER_BYTES 66

/* The size of a unit as an interface counts it; of a request as it is. */
double schedule_unit_bytes(const struct flow_spec *spec);

/* "bridge udp 64 bytes 20000/s" */
void schedule_describe(const struct flow_spec *spec, char *text, size_t size);
