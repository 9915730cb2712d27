/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"

#define INTERVAL_MIN_S 0.01
#define INTERVAL_MAX_S 86400.0

/* TEXT is a time in seconds, fractions allowed; OPTION is for the sentence. -EINVAL. */
static inline int interval_parse(const char *option, const char *text, uint64_t *ns,
				 struct error *err)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !isfinite(seconds) || seconds < INTERVAL_MIN_S ||
	    seconds > INTERVAL_MAX_S)
		return error_set(err, EINVAL, "%s '%s': seconds, from %g to %.0f", option, text,
				 INTERVAL_MIN_S, INTERVAL_MAX_S);
	*ns = (uint64_t)(seconds * 1e9);
	return 0;
}
