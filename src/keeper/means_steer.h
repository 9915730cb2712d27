/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "keeper/writer.h"
#include "plan/cpus.h"

/*
 * The means for where receive work is done: RPS of the host's ends of a workspace's links (rps_cpus of their
 * receive queues; Documentation/networking/scaling.rst). What the workspace sends is received there.
 */

/*
 * Takes the CPUs of AVOID out of the masks of the workspace NAME, whose control group is at DIRECTORY. What a
 * mask has nothing left of is received where it is sent. *CHANGED: something was written, here the book
 * included. A workspace without a network of its own, or without links, has nothing to change.
 */
int means_steer(struct writer *writer, const char *name, const char *directory,
		const struct cpus *avoid, bool *changed, struct error *err);
