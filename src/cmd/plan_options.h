/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum plan_output {
	PLAN_OUTPUT_TEXT,
	PLAN_OUTPUT_JSON,
	PLAN_OUTPUT_HTML,
	PLAN_OUTPUT_KUBERNETES,
	PLAN_OUTPUT_SLURM,
};

struct plan_options {
	const char *file; /* NULL: none; "-" is standard input */
	bool running;	  /* what is promised on this host, too */
	bool explain;
	enum plan_output output;
	unsigned int kubernetes; /* of enum view_plan_kubernetes */
	const char *profile;
	const char *max; /* name of a workspace */
	char **what_if;
};

void plan_options_clear(struct plan_options *options);
/* Prints help and exits where that is asked. */
int plan_options_parse(int argc, char **argv, struct plan_options *options, struct error *err);
