/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Load with a known rate: a flow does one thing over and over, so many times a second, in workspaces of a
 * site. Senders wake up once a tick at most, at any moment of it, and then do all that is due, which is how
 * paced programs work; below 1000 a second each unit is a wake-up of its own.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "calibrate/site.h"

#define FLOW_TICK_NS 1000000u

enum flow_kind {
	FLOW_UDP,     /* a unit is a datagram of SIZE bytes of payload */
	FLOW_TCP,     /* a unit is a write of SIZE bytes on one connection */
	FLOW_CONNECT, /* a unit is a connection: made, one byte asked and answered, closed */
	FLOW_READ,    /* a unit is a request of SIZE bytes */
	FLOW_WRITE,
	FLOW_SPIN, /* a unit is FLOW_SPIN_UNIT_NS of computing */
	FLOW_KINDS
};

const char *flow_kind_name(enum flow_kind kind);

/* Datagrams carry headers of UDP, IPv4 and Ethernet: what an interface counts is this much more. */
#define FLOW_UDP_HEADER_BYTES 42

#define FLOW_SPIN_UNIT_NS 50000

struct flow_spec {
	enum flow_kind kind;
	enum site_path path;	      /* of network flows */
	enum site_workspace from, to; /* FROM alone for a disk's */
	uint32_t size_bytes;
	double rate;	 /* units/s */
	bool buffered;	 /* of a disk's: through the page cache */
	bool sequential; /* of a disk's: else at random places */
	bool synced; /* of buffered writes: by fdatasync; else the kernel's flusher writes them back */
};

/* What it has done so far. Shared with its processes, which count it up. */
struct flow_counts {
	uint64_t sent, sent_bytes;
	uint64_t received, received_bytes;
	uint64_t wakeups; /* of the sender */
	uint32_t port;
	uint32_t ready;	 /* the receiver listens */
	uint32_t failed; /* errno of a process that gave up */
};

/* The file that disk flows work on. */
struct flow_scratch {
	int direct, buffered; /* descriptors; -EBADF: there is none */
	uint64_t size_bytes;
};

/*
 * Starts a flow, and returns once its receiver listens. COUNTS must be shared memory of its own
 * cache lines, zeroed. *PIDS are at most two, 0 where there is none; flow_stop ends them.
 */
int flow_start(const struct site *site, const struct flow_scratch *scratch,
	       const struct flow_spec *spec, volatile struct flow_counts *counts, pid_t pids[2],
	       struct error *err);
void flow_stop(pid_t pids[2]);

/* Whether the flow uses the network. */
static inline bool flow_is_net(const struct flow_spec *spec)
{
	return spec->kind <= FLOW_CONNECT;
}
