// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "cmd/cmd.h"
#include "cmd/matching.h"
#include "cmd/options.h"
#include "runtime/container.h"

static const struct option options[] = {
	{"all", no_argument, NULL, 'a'},
	{"regex", no_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* "9", "KILL", "SIGKILL", "SIGRTMIN+3"; "0" only asks whether there is somebody. -1 when it is none. */
static int parse_signal(const char *text)
{
	uint64_t number;

	if (string_to_u64(text, 10, &number) == 0)
		return number <= (uint64_t)SIGRTMAX ? (int)number : -1;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int n = 1; n < NSIG; n++) {
		const char *name = sigabbrev_np(n);

		if (name && strcasecmp(name, text) == 0)
			return n;
	}
	if (strncasecmp(text, "RTMIN", 5) != 0)
		return -1;
	if (!text[5])
		return SIGRTMIN;
	if (text[5] != '+' || string_to_u64(text + 6, 10, &number) < 0 ||
	    number > (uint64_t)(SIGRTMAX - SIGRTMIN))
		return -1;
	return SIGRTMIN + (int)number;
}

struct request {
	const char *root;
	int signal;
	bool all;
};

static int kill_one(const struct request *q, const char *id)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	struct error err = {0};

	if (container_load(q->root, id, &container, &err) == 0 &&
	    container_kill(container, q->signal, q->all, &err) == 0)
		return EXIT_SUCCESS;
	log_error("%s", err.text);
	return EXIT_FAILURE;
}

static int kill_matching(const struct request *q, const char *pattern)
{
	_cleanup_strv_ char **ids = NULL;
	struct error err = {0};
	int status = EXIT_SUCCESS;

	if (matching_ids(q->root, pattern, &ids, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	for (char **id = ids; id && *id; id++)
		if (kill_one(q, *id) != EXIT_SUCCESS)
			status = EXIT_FAILURE;
	return status;
}

int cmd_kill(const struct cmd_context *ctx, int argc, char **argv)
{
	struct request q = {.root = ctx->root, .signal = SIGTERM};
	bool regex = false;
	int opt;

	while ((opt = options_next(argc, argv, "arh", options)) != -1) {
		switch (opt) {
		case 'a':
			q.all = true;
			break;
		case 'r':
			regex = true;
			break;
		case 'h':
			puts("Usage: behalf kill [--all] [--regex] ID [SIGNAL]\n"
			     "Sends SIGNAL (name or number, default TERM) to the first process of a "
			     "container.\n"
			     "\n"
			     "  -a, --all     to all of its processes\n"
			     "  -r, --regex   ID is a regular expression: to each container that has it "
			     "in its id");
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
		q.signal = parse_signal(argv[optind + 1]);
	if (q.signal < 0) {
		log_error("kill: unknown signal '%s'", argv[optind + 1]);
		return EXIT_FAILURE;
	}
	return regex ? kill_matching(&q, argv[optind]) : kill_one(&q, argv[optind]);
}
