/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The host and its profile, for the planner: what `plan` and admission start from. */
#include "base/error.h"
#include "plan/host.h"
#include "plan/lately.h"
#include "plan/profile.h"

/*
 * This host. A device that terms do not name is the disk of the file system that STATE_PATH is on, or of the
 * root file system where that is on no disk. *HOST is the caller's to plan_host_free.
 */
int plan_host_read(const char *state_path, struct plan_host **host, struct error *err);

/*
 * What is kept for the host's own programs where nobody says: a twentieth of the memory, 256 MiB at least
 * (of a host that has them).
 */
uint64_t plan_host_memory_kept(const struct plan_host *host);

struct plan_profile {
	struct profile *profile;
	char *from;	  /* "/var/lib/behalf/profile.json, calibrated 2026-01-31", for people */
	char *warning;	  /* why it may not hold here; NULL: it does */
	bool foreign;	  /* it is of another host, which was named all the same */
	bool passed_over; /* there is one at PROFILE_PATH that is not used; WARNING tells why */
	/* the host's base is what the ledger counted of it for so long, until so long ago; 0: it is the profile's */
	double base_s, base_age_s;
	uint64_t base_beyond_ncores; /* by so much that was more than the profile's worst case */
};
void plan_profile_clear(struct plan_profile *profile);

/* The file of the profile where nobody names one: what BEHALF_PROFILE names, or PROFILE_PATH. */
const char *plan_profile_path(void);

/* Whether a profile is in the file PATH that trusts itself; one that cannot be read does not. */
bool plan_profile_is_trusted(const char *path);

/*
 * The profile in the file NAMED, or in that of BEHALF_PROFILE, or in PROFILE_PATH, or the built-in one. One
 * that was named must be there and readable; it is used even when it does not hold here. At PROFILE_PATH
 * one that is foreign, does not trust itself or cannot be read is passed over.
 */
int plan_profile_load(const char *named, struct plan_profile *profile, struct error *err);

/*
 * Where the ledger counted the host lately (promises/marks.h), what is expected of the base is by that, on N_CPUS; else it
 * stays as it is. So it does for a profile that is of another host, for which this one's ledger says nothing.
 * PROMISED is of all that is promised now. Admission goes by the worst case, and has no use for it.
 */
void plan_profile_take_base(struct plan_profile *profile, uint32_t n_cpus,
			    const struct lately_promised *promised);
