// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "cmd/cmd.h"
#include "cmd/matching.h"
#include "cmd/options.h"
#include "runtime/container.h"

static const struct option options[] = {
	{"force", no_argument, NULL, 'f'},
	{"regex", no_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int delete_one(const char *root, const char *id, bool force)
{
	struct error err = {0};

	if (container_delete(root, id, force, &err) == 0)
		return EXIT_SUCCESS;
	log_error("%s", err.text);
	return EXIT_FAILURE;
}

static int delete_matching(const char *root, const char *pattern, bool force)
{
	_cleanup_strv_ char **ids = NULL;
	struct error err = {0};
	int status = EXIT_SUCCESS;

	if (matching_ids(root, pattern, &ids, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	for (char **id = ids; id && *id; id++)
		if (delete_one(root, *id, force) != EXIT_SUCCESS)
			status = EXIT_FAILURE;
	return status;
}

int cmd_delete(const struct cmd_context *ctx, int argc, char **argv)
{
	int opt, status = EXIT_SUCCESS;
	bool force = false, regex = false;

	while ((opt = options_next(argc, argv, "frh", options)) != -1) {
		switch (opt) {
		case 'f':
			force = true;
			break;
		case 'r':
			regex = true;
			break;
		case 'h':
			puts("Usage: behalf delete [--force] [--regex] ID...\n"
			     "Removes containers that are stopped, or were never started.\n"
			     "\n"
			     "  -f, --force   kill them first, and clear what an interrupted create "
			     "left\n"
			     "  -r, --regex   ID is a regular expression: each container that has it in "
			     "its id");
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind == argc) {
		log_error("delete: a container id is needed");
		return EXIT_FAILURE;
	}
	for (; optind < argc; optind++)
		if ((regex ? delete_matching : delete_one)(ctx->root, argv[optind], force) !=
		    EXIT_SUCCESS)
			status = EXIT_FAILURE;
	return status;
}
