/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which loads a calibration runs, and which of them together. Pure.
 *
 * A round is up to four loads at once, one for each lane, that share no workspace: what a workspace is charged
 * is of one load, but measured on a host where other things go on, as a plan wants it. Alone on a host, every
 * packet wakes up a CPU that has gone to sleep and lost its caches, and costs up to twice as much. A load meets
 * other loads in every pass, many or few, so the spread of what it costs is that of the company it may have.
 */
#include <stdbool.h>
#include <stddef.h>

#include "calibrate/flow.h"
#include "calibrate/site.h"

/* What to calibrate, as bits; those of paths are 1 << enum site_path. */
#define SCHEDULE_DISK (1u << SITE_PATHS)
#define SCHEDULE_ALL ((1u << (SITE_PATHS + 1)) - 1)

#define SCHEDULE_LANES 4

struct schedule_round {
	struct flow_spec specs[SCHEDULE_LANES];
	size_t n;
};

struct schedule {
	struct schedule_round *rounds;
	size_t n;
};

/* Where one end of a path is no workspace, the other is loaded as sender (FORTH) and as receiver (BACK). */
enum schedule_way { SCHEDULE_FORTH, SCHEDULE_BACK, SCHEDULE_WAYS };
enum schedule_protocol { SCHEDULE_UDP, SCHEDULE_TCP, SCHEDULE_PROTOCOLS };

/* What of the paths nothing comes through, because of a firewall say. */
struct schedule_silence {
	bool silent[SITE_PATHS][SCHEDULE_WAYS][SCHEDULE_PROTOCOLS];
};

/*
 * The rounds for WHAT, but for loads that SILENCE names; QUICK leaves out most. Where too little is asked for to keep
 * a host awake, there are other loads in them besides: SCHEDULE_COMPANY. -ENOMEM.
 */
int schedule_make(unsigned int what, bool quick, const struct schedule_silence *silence,
		  struct schedule *schedule);
void schedule_free(struct schedule *schedule);

/* Paths that rounds may use whatever is asked for. */
#define SCHEDULE_COMPANY (1u << SITE_BRIDGE | 1u << SITE_HOST)

bool schedule_has_way(enum site_path path, enum schedule_way way);

/* A small load on PATH, to see whether anything arrives. */
struct flow_spec schedule_probe(enum site_path path, enum schedule_way way,
				enum schedule_protocol protocol);

/* The bit of what SPEC calibrates. */
unsigned int schedule_part(const struct flow_spec *spec);

/* What a TCP segment carries besides its data: Ethernet, IPv4, TCP with timestamps. */
#define SCHEDULE_TCP_HEADER_BYTES 66

/* The size of a unit as an interface counts it; of a request as it is. */
double schedule_unit_bytes(const struct flow_spec *spec);

/* "bridge udp 64 bytes 20000/s" */
void schedule_describe(const struct flow_spec *spec, char *text, size_t size);
