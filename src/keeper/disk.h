/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reserves of disks, and how reserves and limits of disks are kept. Limits themselves are set once (standing.h);
 * what a reserve takes from others (disk_control.h) is set over them, in the same files.
 */
#include <stdint.h>

#include "keeper/roster.h"
#include "keeper/writer.h"

enum disk_term { DISK_RESERVE, DISK_RESERVE_IOPS, DISK_LIMIT, DISK_TERMS };

struct disk_entry;

/* All zero at first. */
struct disks {
	struct disk_entry *entries;
	size_t n;
	unsigned int generation; /* of the roster it was made from */
	uint64_t due_ns;
	bool failed; /* told */
};

/* The part of the keeper's round that is about disks; four times a second it does something. */
void disks_round(struct disks *disks, struct writer *writer, const struct roster *roster,
		 uint64_t now_ns);
/* Whether it will do something at NOW_NS, for which it is good to know who has requests under way. */
bool disks_are_due(const struct disks *disks, uint64_t now_ns);
/* What was set stays. */
void disks_clear(struct disks *disks);

/*
 * How the terms of the workspace in DIRECTORY (of the cpu controller) are kept: of those of several disks the one that is
 * kept worst. In bytes or requests per second; NULL: it has none.
 */
const struct control_truth *disks_truth(const struct disks *disks, const char *directory,
					enum terms_access access, enum disk_term term);
