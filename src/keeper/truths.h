/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* All terms of a workspace that the keeper has an eye on, and how each is kept. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keeper/disk.h"
#include "keeper/network.h"
#include "keeper/roster.h"

/* Those of CPU first, which are known in every round. */
enum truth_kind {
	TRUTH_CPU_RESERVE,
	TRUTH_CPU_LIMIT,
	TRUTHS_CPU, /* so many are of CPU */
	TRUTH_EGRESS_RESERVE = TRUTHS_CPU,
	TRUTH_EGRESS_LIMIT,
	TRUTH_INGRESS_RESERVE,
	TRUTH_INGRESS_LIMIT,
	TRUTH_READ_RESERVE,
	TRUTH_READ_RESERVE_IOPS,
	TRUTH_READ_LIMIT,
	TRUTH_WRITE_RESERVE,
	TRUTH_WRITE_RESERVE_IOPS,
	TRUTH_WRITE_LIMIT,
	TRUTHS
};

/* Where they are; NETWORK and DISKS may be NULL. */
struct truth_sources {
	const struct roster *roster;
	const struct network *network;
	const struct disks *disks;
};

/* "cpu.reserve" */
const char *truth_name(enum truth_kind kind);
/* What it is counted in: "CPU", "bit/s", "B/s". */
const char *truth_unit(enum truth_kind kind);

/* Of the workspace at I of the roster; NULL: it has no such term. */
const struct control_truth *truth_of(const struct truth_sources *sources, size_t i,
				     enum truth_kind kind);

/* Who is to blame, in words; NULL: nobody. */
const char *truth_culprit(const struct roster *roster, int by);
