/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What this host is to the ledger, and what each thing means for its figures. */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum ledger_grade {
	LEDGER_GOOD,	/* as it should be */
	LEDGER_NOTE,	/* changes what a figure means */
	LEDGER_LOSS,	/* something is not measured here, or less exactly */
	LEDGER_HINDERS, /* there is no ledger here */
};

struct ledger_finding {
	enum ledger_grade grade;
	const char *subject; /* "interrupt time" */
	char value[64];	     /* as it was found */
	const char *meaning; /* for the figures, one sentence */
};

#define LEDGER_FINDINGS_MAX 16

/* Looks at the running kernel; fills FINDINGS, at most LEDGER_FINDINGS_MAX, and returns how many. */
size_t ledger_doctor_look(struct ledger_finding *findings);

/* "good", "note", "loss", "hinders" */
const char *ledger_grade_name(enum ledger_grade grade);
