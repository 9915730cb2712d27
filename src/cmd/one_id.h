/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/options.h"

/*
 * The command line of the verbs that take --help and one container id. Returns -1 with *ID to go on, or
 * the exit status.
 */
static inline int one_id_parse(int argc, char **argv, const char *what, const char **id)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int opt;

	while ((opt = options_next(argc, argv, "h", options)) != -1) {
		if (opt != 'h')
			return EXIT_FAILURE;
		printf("Usage: behalf %s ID\n%s\n", argv[0], what);
		return EXIT_SUCCESS;
	}
	if (optind != argc - 1) {
		log_error("%s: exactly one container id is needed", argv[0]);
		return EXIT_FAILURE;
	}
	*id = argv[optind];
	return -1;
}
