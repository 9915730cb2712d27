/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which loads get through. A firewall, or two devices that are not connected, would cost more than a path: a load that
 * is refused ends the calibration, and one that is dropped looks as if receiving cost nothing.
 */
#include <stdbool.h>

#include "base/error.h"
#include "calibrate/measure.h"
#include "calibrate/schedule.h"
#include "calibrate/site.h"

struct reach_wish {
	unsigned int what; /* SCHEDULE_*; of others nothing is said */
	bool real_devices; /* that of SITE_DEVICE is no stand-in, and may take its time */
	const volatile int *stop;
};

/*
 * Tries each way of each path of WISH and of SCHEDULE_COMPANY that SITE has, by UDP and TCP, and notes in SILENCE what
 * does not get through. Where nothing does SITE misses the path (site_path_missing); where some does, a
 * sentence joins LEFT_OUT. -EINTR, with nothing said, when it was stopped; -ENOMEM.
 */
int reach_find(struct measure *measure, struct site *site, const struct reach_wish *wish,
	       struct schedule_silence *silence, char ***left_out);
