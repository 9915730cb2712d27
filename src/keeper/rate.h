/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How a promised rate (bits/s, bytes/s, requests/s) is kept, by a counter that is looked at about twice a second.
 * Pure. What is said is of the last two seconds.
 */
#include <stdbool.h>
#include <stdint.h>

#include "keeper/control.h"

#define RATE_LOOKS 5

struct rate_truth {
	struct control_truth truth; /* CONTROL_NO_TERM, once it was looked at without one */
	uint64_t counts[RATE_LOOKS], at_ns[RATE_LOOKS];
	bool wants[RATE_LOOKS];
	unsigned int looks; /* so far, of which the last RATE_LOOKS are kept */
};

/*
 * One look at NOW_NS: COUNT so far. WANTS: it would have had more now. A reserve is broken when it wanted more
 * all the time and had less than 0.95 of it, a limit when more than 1.05 of it was had. PROMISED 0: no such term,
 * and what was known is forgotten. A count that is less than before begins anew.
 */
void rate_reserve(struct rate_truth *rate, double promised, uint64_t count, bool wants,
		  uint64_t now_ns);
void rate_limit(struct rate_truth *rate, double promised, uint64_t count, uint64_t now_ns);
