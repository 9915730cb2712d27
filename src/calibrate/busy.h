/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * By how much dearer I/O is the more of a host's CPUs are in use: busy_share of plan/profile.h. Pure.
 *
 * How busy each round's host was is not what was measured then, of which every load that happened to cost
 * much has a part, but what is fitted to its loads: that is what a plan knows of it, too.
 */
#include <stdint.h>

#include "calibrate/operations.h"

/*
 * Sets how busy the host is at each point of OPERATIONS, by its workspaces and by HOSTS: what the host and
 * its programs had in use in each round, in ns/s. Finds SHARES, one for all operations of a kind: that by
 * which the points are nearest to what is fitted to them. Where that is hardly nearer than without, it
 * is 0. Returns 0 or -ENOMEM.
 */
int busy_find(struct operations *operations, uint32_t cpus, const double *hosts,
	      double shares[static PROFILE_KINDS]);
