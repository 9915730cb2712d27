/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether a host was quiet enough for what was measured to be believed. Pure. */
#include <stdbool.h>
#include <stddef.h>

#include "calibrate/measure.h"

struct trust {
	unsigned int cpus;
	size_t n, disturbed;
	double foreign, stolen; /* sums over the measurements, ns/s */
};

/* CPU time of others during FIGURES, ns/s: of other accounts, and of the host's own programs. */
double trust_foreign(const struct measure_figures *figures);

/* What all loads were charged together, ns/s. */
double trust_loads(const struct measure_figures *figures);

/* Whether a measurement should rather be made again. */
bool trust_is_disturbed(const struct measure_figures *figures);

/* Takes the measurement that was kept in the end into account. */
void trust_add(struct trust *trust, const struct measure_figures *figures);

/* Why not, as a sentence without a full stop, in WHY of SIZE bytes; false: it can be trusted. */
bool trust_is_lost(const struct trust *trust, char *why, size_t size);
