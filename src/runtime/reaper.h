/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "runtime/launch.h"

/* Value of a queued signal (sigqueue(3)) that the init below hands on to a whole process group. */
#define REAPER_WHOLE_GROUP 0x62656861

/*
 * Splits the container's first process in two, as the last thing before its program is executed: a
 * child, in which this returns 0 and which becomes the program, and the first process, which stays
 * behind as the init of the container and never returns.
 */
int reaper_split(struct launch *l, struct error *err);
