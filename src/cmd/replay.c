// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf replay: top, stat and who of a record. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/options.h"
#include "cmd/sample.h"
#include "view/record.h"

static const struct {
	const char *name;
	int (*run)(const struct cmd_context *ctx, int argc, char **argv);
} views[] = {
	{"top", cmd_top},
	{"stat", cmd_stat},
	{"who", cmd_who},
};

static void print_help(void)
{
	printf("Usage: behalf replay FILE top|stat|who [ARGUMENTS]\n"
	       "Shows what `behalf record` wrote to FILE (- is standard input) as these verbs show\n"
	       "the ledger, with their arguments. An interval is the last part of the record.\n"
	       "\n"
	       "  -h, --help             print this text\n");
}

static int replay(const struct cmd_context *ctx, int argc, char **argv)
{
	struct view_recording *recording = NULL;
	struct error err = {0};
	size_t view = 0;
	int status;

	while (view < ARRAY_SIZE(views) && strcmp(views[view].name, argv[1]) != 0)
		view++;
	if (view == ARRAY_SIZE(views)) {
		log_error("replay: '%s': top, stat or who", argv[1]);
		return EXIT_FAILURE;
	}
	if (view_recording_open(argv[0], &recording, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	sample_from(recording);
	optind = 0;
	status = views[view].run(ctx, argc - 1, argv + 1);
	sample_from(NULL);
	view_recording_free(recording);
	return status;
}

int cmd_replay(const struct cmd_context *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int opt;

	while ((opt = options_next(argc, argv, "+h", longs)) != -1) {
		if (opt != 'h')
			return EXIT_FAILURE;
		print_help();
		return EXIT_SUCCESS;
	}
	if (argc - optind < 2) {
		log_error("replay: FILE and one of top, stat and who are missing");
		return EXIT_FAILURE;
	}
	return replay(ctx, argc - optind, argv + optind);
}
