/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What one unit of I/O costs in CPU on a host: the profile, as `behalf calibrate` measures it and
 * behalf-profile(5) documents its file. Pure: text in, numbers out.
 *
 * An operation is what a workspace does to have one kind of I/O: it sends UDP over bridge and veth, or
 * reads a disk directly. Its cost is kept apart by whom the ledger posts it to (design: who the owner is):
 *
 *	PROFILE_OWN           the workspace's threads, in the system calls of sending, receiving, reading
 *	PROFILE_NET_RX...     the workspace, as behalf, by class
 *	PROFILE_HOST          the host, whatever class: threads and kernel work that are nobody's
 *	PROFILE_UNATTRIBUTED  nobody
 *
 * What the other side of a connection is charged is not here: it is the other operation (receive), of
 * the other workspace. Between containers the sender pays up to the hand-over of the veth pair, so
 * PROFILE_NET_RX of a sender over the bridge holds the bridging.
 *
 * The cost of one part, in CPU-nanoseconds per second, of N packets (or requests), B bytes and C
 * connections per second:
 *
 *	unit_ns * N + byte_ns * B + connection_ns * C + wakeup_ns * W(N) + connection_wakeup_ns * W(C)
 *		+ asleep_ns * S * W(N) + crowded_ns * (1 - S) * W(N)
 *	W(x) = min(x, 1e9 / gap_ns); of what the host is charged, min(x, 1e9 / host_gap_ns), and
 *		for connections of that W(C) = min(X, 1e9 / host_gap_ns) * C / X
 *	S = 1 / (1 + R / awake_per_s)
 *
 * and, of what the workspace is charged, all of that times 1 + busy_share * min(U, busy_most).
 *
 * W is how often something has to be woken: once for each packet or connection when they are rare, and
 * never more often than once in gap_ns, since what comes in between is done in one go. X is the
 * connections of the whole host, for all of which it does once what has to be done. S is the share of
 * wake-ups that find a CPU asleep, which on a virtual machine takes a trip to the hypervisor: the less, the more
 * wake-ups R there are on the whole host. The others find one that somebody else has just used, and its caches full of
 * what he left: who is woken by a packet pays for that up to twice what it costs him alone. U is which
 * part of all CPUs is in use, by anybody: workspaces, the host's kernel and its programs. The more, the
 * more often who receives is on another CPU than who sends, and is woken by an interrupt for each packet,
 * which interrupts somebody. Without all that it is a plane through the origin. All coefficients are at
 * least 0, so with the same S more I/O never costs less, and two flows apart never less than both in one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* One that has the same keys, but figures that mean something else, is another format. */
#define PROFILE_FORMAT 2
/* Where calibrate leaves it and everything else looks for it; BEHALF_PROFILE names another file. */
#define PROFILE_PATH "/var/lib/behalf/profile.json"

/* That the host forwards what is sent and received is a matter of the target: "forward", "uplink". */
enum profile_kind {
	PROFILE_SEND,	 /* egress of the workspace */
	PROFILE_RECEIVE, /* ingress */
	PROFILE_READ,
	PROFILE_WRITE,
	PROFILE_KINDS
};

/* How: a protocol for the network's kinds, a way for the disk's. */
enum profile_mode {
	PROFILE_UDP,
	PROFILE_TCP,
	PROFILE_DIRECT, /* O_DIRECT */
	PROFILE_BUFFERED, /* through the page cache: read ahead; written back by the kernel's flusher */
	PROFILE_RANDOM, /* the same, at places that nothing can read ahead; only PROFILE_READ */
	PROFILE_SYNCED, /* the same, written back by fsync; only PROFILE_WRITE */
	PROFILE_MODES
};

enum profile_part {
	PROFILE_OWN,
	PROFILE_NET_RX,
	PROFILE_NET_TX,
	PROFILE_BLOCK,
	PROFILE_TIMER,
	PROFILE_WORK,
	PROFILE_WRITEBACK,
	PROFILE_IRQ,
	PROFILE_REST, /* tasklet, sched, rcu */
	PROFILE_HOST,
	PROFILE_UNATTRIBUTED,
	PROFILE_PARTS,
	PROFILE_WORKSPACE_PARTS = PROFILE_HOST /* those that the workspace is charged */
};

/* Who is charged, for figures that are about sums. */
enum profile_payer {
	PROFILE_PAYER_WORKSPACE, /* own and behalf together */
	PROFILE_PAYER_HOST,
	PROFILE_PAYER_UNATTRIBUTED,
	PROFILE_PAYERS
};

struct profile_cost {
	double unit_ns; /* per packet or request */
	double byte_ns;
	double connection_ns;
	double wakeup_ns;
	double connection_wakeup_ns;
	double asleep_ns;
	double crowded_ns;
};

/* How good the fit is, over the points that were measured, of one payer's sum. */
struct profile_fit {
	double upper; /* at least 1: times this, the forecast is above `quantile` of the points */
	double r2;
	double residual_mean;  /* of |measured - forecast| / measured */
	double residual_worst; /* of the same */
};

/* One measurement: the load, and the CPU-nanoseconds per second that it cost. */
struct profile_point {
	double units, bytes, connections; /* per second */
	double cost_ns[PROFILE_PAYERS];
};

#define PROFILE_TARGET_MAX 64

struct profile_operation {
	enum profile_kind kind;
	enum profile_mode mode;
	/*
	 * "bridge", "macvlan", "host", "device"; "local", "forward" and "uplink", which are a bridge too, where
	 * the other end is a process of the host, or a container in another network to which the host routes, or outside,
	 * where the host's uplink leads; or a disk as "8:0" (its major and minor number)
	 */
	char target[PROFILE_TARGET_MAX];
	struct profile_cost cost[PROFILE_PARTS];
	double gap_ns, host_gap_ns; /* see above */
	double awake_per_s;	    /* the same; 0: S is asleep_share */
	double asleep_share; /* S on average while it was measured: for the worst case, and where R is not known */
	/*
	 * By what share of U more it costs, see above; U on average while it was measured, for the worst
	 * case and where it is not known; and at most, beyond which it is not extrapolated. 0: it makes
	 * no difference, or nobody has looked.
	 */
	double busy_share, busy, busy_most;
	/* of the host's connection_wakeup_ns and byte_ns what the kernel's own threads take: a ledger counts it with the base's */
	double connection_threads_ns, byte_threads_ns;
	struct profile_fit fit[PROFILE_PAYERS];
	/* Packet or request sizes that were measured; forecasts outside are told to be so. */
	uint32_t size_least_bytes, size_most_bytes;
	double units_most; /* the highest rate that was reached, per second */
	/* of "device": a virtual one stood in for it, without what a driver and its interrupts cost */
	bool stand_in;
	struct profile_point *points;
	size_t n_points;
};

/* What a disk can do, each of it alone; 0: not measured. By enum terms_access: read, write. */
struct profile_disk {
	char target[PROFILE_TARGET_MAX]; /* "8:0" */
	char name[PROFILE_TARGET_MAX];	 /* "/dev/sda", for people */
	uint64_t bytes_per_s[2];
	uint64_t requests_per_s[2]; /* of 4 KiB */
};

/* The host's own work, which is there whatever anybody does. */
struct profile_base {
	double host_cpu_ns;    /* per second and CPU: ticks, RCU, balancing, kernel threads */
	double threads_cpu_ns; /* of that the kernel's own threads, which go by clocks of their own */
	double host_cpu_upper_ns; /* the same, `quantile` of the time at most */
	double workspace_ns;	  /* per second and workspace: what an idle one costs the host */
	double programs_share; /* of what the host's own programs take, what its kernel does beside */
};

struct profile_host {
	char name[65];	 /* host name */
	char kernel[65]; /* release, as uname -r */
	char cpu_model[128];
	uint32_t cpus;
};

enum profile_source { PROFILE_BUILT_IN, PROFILE_CALIBRATED };

struct profile {
	enum profile_source source;
	struct profile_host host; /* where it was measured; empty when built in */
	char version[32];	  /* of behalf */
	int64_t created_s;	  /* since the epoch; 0 when built in */
	double took_s;
	bool quick;
	bool trusted;	 /* nothing else was busy meanwhile */
	char *distrust;	 /* why not; NULL when trusted */
	double quantile; /* what `upper` stands for: 0.95 */
	struct profile_base base;
	struct profile_operation *operations;
	size_t n_operations;
	struct profile_disk *disks;
	size_t n_disks;
};

/* An empty profile; NULL when memory is out. */
struct profile *profile_new(void);
void profile_free(struct profile *profile);
void cleanup_profile(struct profile **profile);

/* Adds a zeroed one and returns it (until the next is added); NULL when memory is out. */
struct profile_operation *profile_add_operation(struct profile *profile);
struct profile_disk *profile_add_disk(struct profile *profile);
/* Returns 0 or -ENOMEM. */
int profile_add_point(struct profile_operation *operation, const struct profile_point *point);

/*
 * The conservative profile of hosts that were never calibrated: dearer than what was measured on any
 * machine it was tried on, and without any disk's rates.
 */
struct profile *profile_built_in(void);
/* An operation of it: any path, and any disk. NULL for a kind and a mode that do not belong together. */
const struct profile_operation *profile_built_in_find(enum profile_kind kind,
						      enum profile_mode mode, const char *target);

/* NAME is for the sentence, which has the key too: "profile.json: operations[3].cost.own: ...". */
int profile_parse(const char *name, const char *text, size_t size, struct profile **profile,
		  struct error *err);
/* The file's text, the caller's to free; NULL when memory is out. */
char *profile_format(const struct profile *profile);

/*
 * The operation for TARGET; where a calibrated profile has none, the built-in one, and *BORROWED (may be
 * NULL) is set. Never NULL for a kind and a mode that belong together.
 */
const struct profile_operation *profile_find(const struct profile *profile, enum profile_kind kind,
					     enum profile_mode mode, const char *target,
					     bool *borrowed);
const struct profile_disk *profile_find_disk(const struct profile *profile, const char *target);

/* Whether what was measured holds on this host and now. The first that applies. */
enum profile_standing {
	PROFILE_FITS,
	PROFILE_IS_BUILT_IN,
	PROFILE_FOREIGN,   /* another kernel release, CPU model or number of CPUs */
	PROFILE_UNTRUSTED, /* the host was busy while it was measured */
	PROFILE_STALE,	   /* older than PROFILE_AGE_MAX_S, or from the future */
};

#define PROFILE_AGE_MAX_S (INT64_C(90) * 24 * 3600)

/* WHY (of SIZE bytes, may be 0) gets a sentence without a full stop, "" where it fits. */
enum profile_standing profile_check(const struct profile *profile, const struct profile_host *here,
				    int64_t now_s, char *why, size_t size);

/* Whether a kind of I/O can be had that way. */
bool profile_belongs(enum profile_kind kind, enum profile_mode mode);

/* "send", "udp", "net_rx"; what the file, the tables and the sentences call them. */
const char *profile_kind_name(enum profile_kind kind);
const char *profile_mode_name(enum profile_mode mode);
const char *profile_part_name(enum profile_part part);
const char *profile_payer_name(enum profile_payer payer);
