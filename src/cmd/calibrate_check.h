/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What `calibrate --check` prints. */
#include <stdbool.h>

#include "calibrate/check.h"

struct check_report {
	const struct check *check;
	const char *from;     /* the profile, for people */
	const char *not_used; /* why nothing goes by it, whatever it says; NULL: it is used */
	const char *busy;     /* why nothing can be told; NULL: it can */
	char **left_out;      /* sentences, NULL: none */
};

bool check_report_holds(const struct check_report *report);
void check_report_print(const struct check_report *report, bool json);
