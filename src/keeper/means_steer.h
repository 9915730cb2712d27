/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "keeper/writer.h"
#include "plan/cpus.h"

/*
 * The means for where receive work is done: the receive steering of the host's links, ends of pairs among them
 * (rps_cpus of their receive queues; Documentation/networking/scaling.rst). A packet is received where the link it
 * comes from is steered to, whoever it is for.
 *
 * That requests to disks complete where they were made (rq_affinity 2) was tried, and is not done: the interrupt stays
 * where it is, and sends another one.
 */

/*
 * Takes the CPUs of AVOID out of the masks of links. What a mask has nothing left of is received where it is
 * sent. *CHANGED: something was written, here the book included.
 */
int means_steer(struct writer *writer, const struct cpus *avoid, bool *changed, struct error *err);
