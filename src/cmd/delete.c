// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "cmd/apart.h"
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

/* There may be more to delete than this one, so it is left to a process of its own. */
static int delete_apart(const struct cmd_context *ctx, const char *id, bool force)
{
	char *args[] = {(char *)"delete", (char *)(force ? "--force" : "--"),
			force ? (char *)"--" : (char *)id, force ? (char *)id : NULL, NULL};
	struct error err = {0};
	int status;

	if (apart_run_full(ctx, args, &status, &err) == 0)
		return status;
	log_error("delete: %s", err.text);
	return EXIT_FAILURE;
}

static int delete_one(const struct cmd_context *ctx, const char *id, bool force)
{
	struct error err = {0};
	int r = container_delete(ctx->root, id, force, &err);

	if (r == 0)
		return EXIT_SUCCESS;
	if (r == -ENOEXEC)
		return delete_apart(ctx, id, force);
	log_error("%s", err.text);
	return EXIT_FAILURE;
}

static int delete_matching(const struct cmd_context *ctx, const char *pattern, bool force)
{
	_cleanup_strv_ char **ids = NULL;
	struct error err = {0};
	int status = EXIT_SUCCESS;

	if (matching_ids(ctx->root, pattern, &ids, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	for (char **id = ids; id && *id; id++)
		if (delete_one(ctx, *id, force) != EXIT_SUCCESS)
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
		if ((regex ? delete_matching : delete_one)(ctx, argv[optind], force) !=
		    EXIT_SUCCESS)
			status = EXIT_FAILURE;
	return status;
}
