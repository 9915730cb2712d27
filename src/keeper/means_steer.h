/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "keeper/writer.h"
#include "plan/cpus.h"

/*
 * The means for where work is done that is in the way: the receive steering of the host's links, ends of pairs among
 * them (rps_cpus of their receive queues; Documentation/networking/scaling.rst): a packet is received where the link it
 * comes from is steered to, whoever it is for. And the interrupts of devices (smp_affinity;
 * Documentation/core-api/irq/irq-affinity.rst), but for those whose place is the kernel's, as of the queues of many disks.
 *
 * Whoever runs a container may have steered its own links as well, what it sends to itself by lo among them: of those in
 * whose way that is found, by a sysfs of each of their namespaces.
 *
 * Tried and not done, beside a program on CPU 1 to which the only interrupt of a disk comes: that requests complete
 * where they were made (rq_affinity 2) - the interrupt stays where it is, sends another one, and comes three times as often,
 * since completions are no longer taken many at once (means_burst.h is what is done about them); and that work queues keep off (workqueue/cpumask), which changed nothing.
 */

/*
 * Takes the CPUs of AVOID out of the masks of links, and of interrupts that come there now. What a mask of a link has
 * nothing left of is received where it is sent; an interrupt of which nothing is left may go to all other CPUs.
 * *CHANGED: something was written, here the book included.
 */
int means_steer(struct writer *writer, const struct cpus *avoid, bool *changed, struct error *err);

#define STEER_MEANS "steer"
#define STEER_INSIDE_MEANS "steer-inside"

/*
 * Where FOUND is now: the queue of a link that was renamed is in another directory, of the same inode. The caller's to
 * free; NULL: where it was, or it is gone.
 */
char *means_steer_find(const struct found *found);

/*
 * The same of the links in the network namespaces of the processes in DIRECTORY, the group of workspace NAME, its lo among
 * them. In the book of the group: the namespace's inode, and WHAT, which begins with it: "4026532178/lo/rx-0".
 */
int means_steer_inside(struct writer *writer, const char *name, const char *directory,
		       const struct cpus *avoid, bool *changed, struct error *err);
/* One entry of the book. For writer.c. */
int means_steer_undo_inside(const struct found *found, struct error *err);
