/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where the requests of disks complete. A driver with a queue for each CPU, or each few, lets the kernel place the
 * interrupts of these (Documentation/core-api/irq/irq-affinity.rst: managed), and nobody can move them. Such a one that
 * stands for several CPUs comes to one of them, with what was asked for on the others, too.
 */
#include <stddef.h>

#include "base/error.h"
#include "plan/cpus.h"

struct disk_interrupts {
	char name[64];	  /* as in /sys/block */
	struct cpus cpus; /* to which requests of other CPUs come, wherever one would have them */
};

/*
 * The disks that have such interrupts, the caller's to free. ROOT is open on the directory that has proc and sys. Left out
 * are disks that are none of a device with interrupts of its own, and those of which device-mapper makes requests
 * itself (multipath): they may be larger than the disk is told to take, and would be refused.
 */
int disk_interrupts_find(int root, struct disk_interrupts **disks, size_t *n, struct error *err);
