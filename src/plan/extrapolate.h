/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From promised I/O to CPU: coefficient times rate. CPU is counted in ncores, billionths of a core, which
 * is what a nanosecond of CPU in each second is. Every figure is rounded up to a whole one before anything
 * is added, so sums do not depend on their order; and the worst case, by which is admitted, is monotone: more
 * I/O, or smaller packets, never need less. Of what is expected that does not hold to the last: what others wake up
 * makes a wake-up cheaper, or dearer (S of profile.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/profile.h"
#include "plan/terms.h"

#define NCORES_PER_CORE UINT64_C(1000000000)
#define NCORES_PER_MCORE UINT64_C(1000000)

/* I/O, per second. */
struct extrapolate_load {
	double units; /* packets, or requests */
	double bytes;
	double connections;
	double company; /* wakeups of the whole host: R of profile.h; 0: not known, or the worst case */
	double busy;		/* U of profile.h; the same */
	double all_connections; /* of the whole host: X of profile.h; the same */
};

/* Of one operation: what the profile says at LOAD, on average. */
uint64_t extrapolate_part(const struct profile_operation *operation, enum profile_part part,
			  const struct extrapolate_load *load);
/*
 * The same in the worst case: times the upper quantile of who pays it, or, where that is more, as it costs with nobody
 * else on the host, or on one that never sleeps. The second returns by what the cost is multiplied, and makes LOAD what
 * it is a cost of.
 */
uint64_t extrapolate_upper_part(const struct profile_operation *operation, enum profile_part part,
				const struct extrapolate_load *load);
double extrapolate_worst(const struct profile_operation *operation, enum profile_part part,
			 struct extrapolate_load *load);
/* All parts of a payer; the second times the upper quantile. */
uint64_t extrapolate_expected(const struct profile_operation *operation, enum profile_payer payer,
			      const struct extrapolate_load *load);
uint64_t extrapolate_upper(const struct profile_operation *operation, enum profile_payer payer,
			   const struct extrapolate_load *load);
enum profile_payer extrapolate_payer_of(enum profile_part part);
/* What of PROFILE_HOST is in the kernel's own threads. */
uint64_t extrapolate_threads(const struct profile_operation *operation,
			     const struct extrapolate_load *load);
/* Wakeups per second for so many packets, requests or connections: W of profile.h. */
double extrapolate_wakeups(const struct profile_operation *operation, double per_s);
/* The same as PART is charged for packets and requests, and for connections. */
double extrapolate_part_wakeups(const struct profile_operation *operation, enum profile_part part,
				double per_s);
double extrapolate_connection_wakeups(const struct profile_operation *operation,
				      enum profile_part part, const struct extrapolate_load *load);
/* Those of them that find a CPU asleep, and those that find one that others have just used. */
double extrapolate_sleepers(const struct profile_operation *operation,
			    const struct extrapolate_load *load);
double extrapolate_crowded(const struct profile_operation *operation,
			   const struct extrapolate_load *load);
/* By what all of PART is multiplied, as CPUs are in use: at least 1. */
double extrapolate_busy(const struct profile_operation *operation, enum profile_part part,
			const struct extrapolate_load *load);

/* What terms leave open. */
enum extrapolate_protocol {
	EXTRAPOLATE_ANY, /* expected: UDP; worst: the dearer of both */
	EXTRAPOLATE_UDP,
	EXTRAPOLATE_TCP,
};

/* What the page cache does for I/O that goes through it. */
enum extrapolate_cache {
	EXTRAPOLATE_CACHE_ANY,	   /* expected: all it can; worst: whichever is dearer */
	EXTRAPOLATE_CACHE_HELPS,   /* it is read ahead, and written back in the background */
	EXTRAPOLATE_CACHE_HINDERS, /* it is read at random places, and writes are synced */
};

struct extrapolate_assumptions {
	enum extrapolate_protocol protocol;
	const char *path; /* of workspaces whose terms do not say; NULL: "bridge" */
	/*
	 * The other end of what is on a bridge: "bridge", "local", "forward" or "uplink", see profile.h. NULL: any
	 * of them; expected: "uplink" where that was measured, else "bridge"; worst: the dearest.
	 */
	const char *peer;
	enum extrapolate_cache cache;
	const char *(*disk_target)(const void *host, const char *device); /* "/dev/vda" to "8:0" */
	const void *host;						  /* its argument */
	double company;		/* expected wakeups per second of the whole host, 0: not known */
	double busy;		/* which part of its CPUs is expected to be in use, 0: not known */
	double all_connections; /* expected per second of the whole host, 0: not known */
};

/* A promise of I/O with what prices it. */
struct extrapolate_flow {
	enum profile_kind kind;
	unsigned int disk; /* index in terms.disks */
	struct extrapolate_load expected_load, worst_load;
	const struct profile_operation *expected; /* owned by the profile, or built in */
	const struct profile_operation *worst[PROFILE_PAYERS]; /* the dearest for each */
	uint64_t worst_ncores[PROFILE_PAYERS];
	uint64_t all_ncores; /* of the operation that is the dearest for all payers together */
	bool borrowed;	     /* the profile has no such operation: built in */
	bool outside;	     /* the sizes were not measured */
	bool stand_in;	     /* measured on a virtual device: stand_in of profile.h */
};

#define EXTRAPOLATE_FLOWS_MAX (TERMS_DIRECTIONS + TERMS_ACCESSES * TERMS_DISKS_MAX)

/* At most EXTRAPOLATE_FLOWS_MAX; returns how many. */
size_t extrapolate_flows(const struct terms *terms, const struct profile *profile,
			 const struct extrapolate_assumptions *assumptions,
			 struct extrapolate_flow *flows);

/* What one workspace needs, in ncores. */
struct extrapolate_need {
	uint64_t reserve; /* for its own computing: cpu.reserve */
	/* for its I/O, by part; those of the host and of nobody are not the workspace's */
	uint64_t expected[PROFILE_PARTS], worst[PROFILE_PARTS];
	/* the same of all payers together: no more than the sum, as a flow has one other end at a time */
	uint64_t io_worst;
	/* what it is charged in all: reserve and I/O, never more than its cpu.limit */
	uint64_t charge_expected, charge_worst;
	/* what the host has to have for it; at worst, beside charge_worst */
	uint64_t host_expected, host_worst;
	uint64_t host_threads; /* of host_expected, in the kernel's own threads */
	/* the least of host_worst: where charge_worst is of another end of its flows */
	uint64_t host_least;
	bool limited;			  /* the limit is below what the promises cost */
	bool borrowed, outside, stand_in; /* one of the flows is */
};

/* Expected wakeups per second, by what they are for. */
struct extrapolate_company {
	uint64_t sent, received, requests;
	uint64_t connections_out, connections_in; /* themselves */
};

/* Adds those of COUNT workspaces. Whole numbers, so their order changes nothing. */
void extrapolate_add_company(const struct terms *terms, uint32_t count,
			     const struct profile *profile,
			     const struct extrapolate_assumptions *assumptions,
			     struct extrapolate_company *company);

struct extrapolate_need extrapolate_workspace(const struct terms *terms,
					      const struct profile *profile,
					      const struct extrapolate_assumptions *assumptions);

/*
 * What the kernel does on its behalf in the worst case, of charge_worst: where the limit leaves less than its I/O
 * costs, the reserve is whole, and of what is left own threads and kernel have what they have of all I/O.
 */
uint64_t extrapolate_behalf_worst(const struct extrapolate_need *need);

/* Sums and products that stop at UINT64_MAX. */
uint64_t ncores_add(uint64_t a, uint64_t b);
uint64_t ncores_times(uint64_t a, uint64_t n);
