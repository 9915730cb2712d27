// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cmd/cmd.h"
#include "runtime/container.h"

static const struct option options[] = {
	{"resources", required_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void print_help(void)
{
	puts("Usage: behalf update --resources FILE ID\n"
	     "Changes the limits of a container that is not stopped.\n"
	     "\n"
	     "  -r, --resources FILE   what is to change, as JSON (config-linux.md, \"Control groups\");\n"
	     "                         -: from standard input");
}

static int read_resources(const char *path, struct oci_config **holder, struct error *err)
{
	bool from_stdin = strcmp(path, "-") == 0;
	const char *name = from_stdin ? "standard input" : path;
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (from_stdin)
		r = fd_read_all(STDIN_FILENO, name, OCI_CONFIG_MAX_BYTES, &text, &size, err);
	else
		r = file_read_at(AT_FDCWD, path, OCI_CONFIG_MAX_BYTES, &text, &size, err);
	return r < 0 ? r : oci_resources_parse(name, text, size, holder, err);
}

static int update(const struct cmd_context *ctx, const char *id, const char *path,
		  struct error *err)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_(cleanup_oci_config) struct oci_config *holder = NULL;
	int r = container_load(ctx->root, id, &container, err);

	if (r == 0)
		r = read_resources(path, &holder, err);
	return r < 0 ? r : container_update(container, &holder->resources, err);
}

int cmd_update(const struct cmd_context *ctx, int argc, char **argv)
{
	const char *path = NULL;
	struct error err = {0};
	int opt;

	while ((opt = getopt_long(argc, argv, "r:h", options, NULL)) != -1) {
		switch (opt) {
		case 'r':
			path = optarg;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (!path || optind != argc - 1) {
		log_error("update: --resources and exactly one container id are needed, see behalf "
			  "update --help");
		return EXIT_FAILURE;
	}
	if (update(ctx, argv[optind], path, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
