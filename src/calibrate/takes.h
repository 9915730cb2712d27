/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What was measured of one load at several moments. What disturbs a measurement (another guest of the same
 * machine, say) need not show in any figure but the cost, so two that agree are wanted, or three.
 */
#include <stdbool.h>
#include <stddef.h>

#include "calibrate/measure.h"

#define TAKES_MAX 3

struct takes {
	struct measure_figures figures[TAKES_MAX];
	size_t n;
};

/* Drops those that others of this host disturbed, as long as one is left. HOST_OWN: see trust.h. */
void takes_drop_disturbed(struct takes *takes, double host_own);

/*
 * Whether there are two at least, and the first two say the same of the charges of WORKSPACES, bits 1 << enum
 * site_workspace.
 */
bool takes_agree(const struct takes *takes, unsigned int workspaces);
