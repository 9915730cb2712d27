// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "runtime/container.h"

static const struct option options[] = {
	{"force", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

int cmd_delete(const struct cmd_context *ctx, int argc, char **argv)
{
	int opt, status = EXIT_SUCCESS;
	bool force = false;

	while ((opt = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			force = true;
			break;
		case 'h':
			puts("Usage: behalf delete [--force] ID...\n"
			     "Removes containers that are stopped, or were never started.\n"
			     "\n"
			     "  -f, --force   kill them first, and clear what an interrupted create left");
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind == argc) {
		log_error("delete: a container id is needed");
		return EXIT_FAILURE;
	}
	for (; optind < argc; optind++) {
		struct error err = {0};

		if (container_delete(ctx->root, argv[optind], force, &err) < 0) {
			log_error("%s", err.text);
			status = EXIT_FAILURE;
		}
	}
	return status;
}
