// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "cmd/cmd.h"
#include "runtime/container.h"

static const struct option options[] = {
	{"all", no_argument, NULL, 'a'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* "9", "KILL", "SIGKILL", "SIGRTMIN+3"; 0 when it is none. */
static int parse_signal(const char *text)
{
	uint64_t number;

	if (string_to_u64(text, 10, &number) == 0)
		return number > 0 && number <= (uint64_t)SIGRTMAX ? (int)number : 0;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int n = 1; n < NSIG; n++) {
		const char *name = sigabbrev_np(n);

		if (name && strcasecmp(name, text) == 0)
			return n;
	}
	if (strncasecmp(text, "RTMIN", 5) != 0)
		return 0;
	if (!text[5])
		return SIGRTMIN;
	if (text[5] != '+' || string_to_u64(text + 6, 10, &number) < 0 ||
	    number > (uint64_t)(SIGRTMAX - SIGRTMIN))
		return 0;
	return SIGRTMIN + (int)number;
}

int cmd_kill(const struct cmd_context *ctx, int argc, char **argv)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	struct error err = {0};
	bool all = false;
	int opt, number = SIGTERM;

	while ((opt = getopt_long(argc, argv, "ah", options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			all = true;
			break;
		case 'h':
			puts("Usage: behalf kill [--all] ID [SIGNAL]\n"
			     "Sends SIGNAL (name or number, default TERM) to the first process of a "
			     "container.\n"
			     "\n"
			     "  -a, --all   to all of its processes");
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind >= argc || argc - optind > 2) {
		log_error("kill: a container id and at most one signal are needed");
		return EXIT_FAILURE;
	}
	if (argc - optind == 2)
		number = parse_signal(argv[optind + 1]);
	if (!number) {
		log_error("kill: unknown signal '%s'", argv[optind + 1]);
		return EXIT_FAILURE;
	}
	if (container_load(ctx->root, argv[optind], &container, &err) < 0 ||
	    container_kill(container, number, all, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
