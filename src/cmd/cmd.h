/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/log.h"

/* What the options before the verb said. The log is open by the time a verb runs. */
struct cmd_context {
	const char *root;     /* where the state of containers is kept, absolute */
	const char *log_path; /* NULL: standard error */
	enum log_format log_format;
	bool debug;
	bool no_cgroup;	     /* --cgroup-manager disabled */
	bool systemd_cgroup; /* --systemd-cgroup */
	char **argv;	     /* all of main's, for self_protect */
	int verb;	     /* where in argv the verb is */
};

/*
 * A verb is one function in a file of its name. argv[0] is the verb; options_next() can start at once.
 * It prints what went wrong (log_error) and returns the exit status of the program.
 */
#define VERB(verb, args, summary)                                                                  \
	int cmd_##verb(const struct cmd_context *ctx, int argc, char **argv);
#include "cmd/verbs.h"
#undef VERB
