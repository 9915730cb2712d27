/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the kernel tells of a control group and a disk (cgroup-v2.rst, blkio-controller.rst of v1, psi.rst). */
#include <stdbool.h>
#include <stdint.h>

#include "plan/terms.h"

struct disk_counts {
	uint64_t bytes[TERMS_ACCESSES], requests[TERMS_ACCESSES];
};

/*
 * What the group DIRECTORY of the io controller, and those below it, had done on DISK ("8:0") so far. Nothing yet is all
 * zero. -ENOENT: the group is gone.
 */
int disk_counts_read(const char *directory, int version, const char *disk,
		     struct disk_counts *counts);

/* Of the page cache of a group of the memory controller, what is to be written, or is just being written. */
uint64_t disk_counts_dirty_bytes(const char *directory, int version);

/* How long some thread of the group has waited for I/O, by io.pressure. -ENOENT: that is not there. */
int disk_counts_waited_ns(const char *directory, uint64_t *ns);

/* Whether a thread of a process in the group waits for a disk just now; some of them are looked at. */
bool disk_counts_anybody_waits(const char *directory);
