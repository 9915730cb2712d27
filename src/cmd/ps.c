// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "runtime/container.h"

static const struct option options[] = {
	{"format", required_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void print_help(void)
{
	puts("Usage: behalf ps [--format table|json] ID\n"
	     "Lists the processes of a container by their numbers on the host.\n"
	     "\n"
	     "  -f, --format FORMAT   table (default), or json: an array of numbers");
}

static int print_pids(const pid_t *pids, size_t n, bool json, struct error *err)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();

	if (!json)
		puts("PID");
	for (size_t i = 0; i < n; i++) {
		if (json)
			json_object_array_add(array, json_object_new_int(pids[i]));
		else
			printf("%d\n", pids[i]);
	}
	if (json)
		puts(json_text(array, false));
	return fflush(stdout) == 0 ? 0 : error_errno(err, errno, "write to standard output");
}

static int ps(const struct cmd_context *ctx, const char *id, bool json, struct error *err)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int r = container_load(ctx->root, id, &container, err);

	if (r == 0)
		r = container_processes(container, &pids, &n, err);
	return r < 0 ? r : print_pids(pids, n, json, err);
}

int cmd_ps(const struct cmd_context *ctx, int argc, char **argv)
{
	struct error err = {0};
	bool json = false;
	int opt;

	while ((opt = options_next(argc, argv, "f:h", options)) != -1) {
		switch (opt) {
		case 'f':
			json = strcmp(optarg, "json") == 0;
			if (!json && strcmp(optarg, "table") != 0) {
				log_error("--format '%s': table or json", optarg);
				return EXIT_FAILURE;
			}
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind != argc - 1) {
		log_error("ps: exactly one container id is needed");
		return EXIT_FAILURE;
	}
	if (ps(ctx, argv[optind], json, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
