/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The terms of a workspace: what it is promised. Pure: text in, numbers out. One table (term_kinds) is the
 * grammar of flags (--net-egress-reserve 200mbit), annotations (io.behalf.net.egress.reserve) and
 * workspaces files (net: {egress: {reserve: 200mbit}}). Whether this host has a means to keep a term is
 * not asked here.
 *
 * A struct terms is a value: it owns nothing. 0 means "not promised", or "not said", in every field.
 * A CPU share of one core is counted in thousandths ("mcores"), so that sums are exact. Network rates are in
 * bits/s, counted as the kernel counts them at the interface (with the Ethernet header); disk rates in bytes/s.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/units.h"

/* What holds where nobody says. */
#define TERMS_SHARE 100
#define TERMS_PACKET_BYTES 1514	    /* a full frame of an MTU of 1500 */
#define TERMS_PACKET_WORST_BYTES 60 /* the smallest frame: an 18-byte datagram of UDP */
#define TERMS_REQUEST_BYTES 65536

struct terms_cpu {
	uint32_t reserve_mcores; /* always there */
	uint32_t limit_mcores;	 /* never more: of the charge, not of the kernel's figure */
	uint32_t share;		 /* how idle CPU is split; 1..10000, 100 when nobody says */
};

struct terms_memory {
	uint64_t reserve_bytes, limit_bytes;
};

enum terms_direction {
	TERMS_EGRESS,
	TERMS_INGRESS,
	TERMS_DIRECTIONS
}; /* as seen by the workspace */

struct terms_net {
	uint64_t reserve_bps, limit_bps; /* bits/s */
	uint32_t share;
	uint32_t packet_bytes; /* expected size; 0: TERMS_PACKET_BYTES */
	uint32_t
		packet_worst_bytes; /* the smallest that is promised; 0: TERMS_PACKET_WORST_BYTES */
	uint32_t connections;	    /* new ones per second */
};

enum terms_access { TERMS_READ, TERMS_WRITE, TERMS_ACCESSES };

struct terms_disk_flow {
	uint64_t reserve_bytes, limit_bytes; /* bytes/s */
	uint32_t reserve_iops, limit_iops;
	uint32_t share;
	uint32_t request_bytes; /* expected size; 0: TERMS_REQUEST_BYTES */
	bool buffered;		/* through the page cache; else O_DIRECT */
};

#define TERMS_DISKS_MAX 8
#define TERMS_DEVICE_MAX 64
#define TERMS_PATH_MAX 16

struct terms_disk {
	char device[TERMS_DEVICE_MAX]; /* "/dev/vda", "8:0"; "" the disk of the state directory */
	struct terms_disk_flow flow[TERMS_ACCESSES];
};

/* What becomes of packets that arrive for a workspace in debt. */
enum terms_gate {
	TERMS_GATE_NONE, /* "debt": they are received, and the debt is collected from its threads */
	TERMS_GATE_DROP, /* "drop": dropped early, at the host's side of its link */
	TERMS_GATE_THREADED, /* "threaded": received by NAPI threads in the workspace's cgroup */
};

struct terms {
	struct terms_cpu cpu;
	struct terms_memory memory;
	uint64_t pids_limit;
	struct terms_net net[TERMS_DIRECTIONS];
	struct terms_disk disks[TERMS_DISKS_MAX];
	unsigned int n_disks;
	char path[TERMS_PATH_MAX]; /* "bridge", "macvlan", "host", "device", "none"; "" not said */
	enum terms_gate gate;
};

/* How the value of a term is read, beside the quantities of units.h. */
enum term_value {
	TERM_QUANTITY,
	TERM_SHARE,
	TERM_SWITCH, /* "true", "false" */
	TERM_PATH,
	TERM_GATE,
};

/* A term by its name in flags ("cpu-limit"). */
struct term_kind {
	const char *name;
	const char *value; /* what its value is called in help: "CORES"; NULL: it may be left out */
	const char *annotation; /* "io.behalf.cpu.limit" */
	const char *meaning;	/* one line for people */
	enum term_value type;
	enum unit unit;	 /* of a TERM_QUANTITY */
	bool per_device; /* its value is [DEVICE:]VALUE[,...] */
	/* Where it is in struct terms, or per device in struct terms_disk. */
	size_t offset, size;
};

/* All terms, in the order help shows them; the last has no name. */
extern const struct term_kind term_kinds[];

/*
 * The term of a name, in which "." and "-" are the same: "cpu-limit", "net.egress.packet-size"; or of an
 * annotation. NULL: there is none.
 */
const struct term_kind *terms_find(const char *name);
const struct term_kind *terms_find_annotation(const char *key);

/*
 * Sets a term from what a person wrote; "none" takes it back, NULL is "true". WHERE begins the sentence of
 * a failure: "--cpu-limit", "web.yaml:3: workspaces[0].cpu.limit". TERMS are untouched then.
 */
int terms_set(struct terms *terms, const struct term_kind *kind, const char *where,
	      const char *value, struct error *err);

/* The same for one device; "": the one that needs no name. */
int terms_set_on(struct terms *terms, const struct term_kind *kind, const char *where,
		 const char *device, const char *value, struct error *err);

/* Terms that contradict each other are -EINVAL. */
int terms_check(const struct terms *terms, struct error *err);

/* The value of a term, as terms_set reads it; the caller's to free. NULL: not set, or out of memory. */
char *terms_format(const struct terms *terms, const struct term_kind *kind);

/* Whether the term is set. */
bool terms_has(const struct terms *terms, const struct term_kind *kind);
/* Whether anything is promised, or bounded, or said at all. */
bool terms_any(const struct terms *terms);
/* Whether anything of them is about the network, but for how it is connected. */
bool terms_have_network(const struct terms *terms);
/* What TERMS promise of a disk, or NULL; a device is the same only by name. */
const struct terms_disk *terms_disk_of(const struct terms *terms, const char *device);

/* The period over which a CPU limit holds, as runc's and Kubernetes' (sched-bwc.rst). */
#define TERMS_CPU_PERIOD_US 100000

/* What may be used in a period of TERMS_CPU_PERIOD_US. */
int64_t terms_cpu_quota_us(uint32_t limit_mcores);

/*
 * The weight that keeps a reserve, as v1's cpu.shares. A task outside of any group, and a group that
 * nobody weighted, counts 1024. A reserve counts 64 times that for each core, so that one of 0.1
 * core still outweighs five such neighbours. The kernel's highest is 262144: from four cores on all
 * reserves weigh the same.
 */
uint64_t terms_cpu_shares(uint32_t reserve_mcores);

/*
 * The same as v2's cpu.weight: 2500 for each core, against 100, at most 10000. Not what runtimes make
 * of shares: their conversion is a curve, and weights that are not in proportion to the reserves
 * break the larger of two that fill a CPU.
 */
uint64_t terms_cpu_weight(uint32_t reserve_mcores);
