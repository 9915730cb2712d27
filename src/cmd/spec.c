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
#include "oci/config.h"

static const struct option options[] = {
	{"bundle", required_argument, NULL, 'b'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int write_spec(const char *bundle, struct error *err)
{
	_cleanup_close_ int dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -EBADF;
	const char *text = oci_spec_default();
	int r;

	if (dir < 0)
		return error_errno(err, errno, "open '%s'", bundle);
	fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0 && errno == EEXIST)
		return error_set(
			err, EEXIST,
			"'%s/config.json' exists already, remove it to have it written anew",
			bundle);
	if (fd < 0)
		return error_errno(err, errno, "create '%s/config.json'", bundle);
	r = fd_write_all(fd, text, strlen(text));
	if (r < 0) {
		unlinkat(dir, "config.json", 0);
		return error_errno(err, r, "write '%s/config.json'", bundle);
	}
	return 0;
}

int cmd_spec(const struct cmd_context *ctx, int argc, char **argv)
{
	const char *bundle = ".";
	struct error err = {0};
	int opt;

	(void)ctx;
	while ((opt = getopt_long(argc, argv, "b:h", options, NULL)) != -1) {
		switch (opt) {
		case 'b':
			bundle = optarg;
			break;
		case 'h':
			puts("Usage: behalf spec [--bundle DIR]\n"
			     "Writes config.json, a configuration to begin with, which runs a shell in the\n"
			     "root file system DIR/rootfs.\n"
			     "\n"
			     "  -b, --bundle DIR   where to write it (default: the working directory)");
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind < argc) {
		log_error("spec: unexpected argument '%s'", argv[optind]);
		return EXIT_FAILURE;
	}
	if (write_spec(bundle, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
