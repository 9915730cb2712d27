// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf record: snapshots of the ledger into a file, until told to stop. */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strings.h"
#include "cmd/interval.h"
#include "cmd/options.h"
#include "cmd/sample.h"
#include "view/record.h"

#define DEFAULT_INTERVAL_NS 2000000000ull

struct record_options {
	uint64_t interval_ns;
	uint64_t count; /* 0: until a signal */
	bool force;
	const char *path;
};

static void print_help(void)
{
	printf("Usage: behalf record [OPTIONS] FILE\n"
	       "Writes what the ledger says to FILE (- is standard output) again and again, until a\n"
	       "signal ends it. `behalf replay` shows it.\n"
	       "\n"
	       "  -i, --interval SECONDS  how often (default 2)\n"
	       "  -n, --count COUNT      end after so many\n"
	       "  -f, --force            replace a file that is there\n"
	       "  -h, --help             print this text\n");
}

static int parse_options(int argc, char **argv, struct record_options *options, struct error *err)
{
	static const struct option longs[] = {
		{"interval", required_argument, NULL, 'i'},
		{"count", required_argument, NULL, 'n'},
		{"force", no_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, r = 0;

	while ((opt = options_next(argc, argv, "i:n:fh", longs)) != -1) {
		switch (opt) {
		case 'i':
			r = interval_parse("--interval", optarg, &options->interval_ns, err);
			break;
		case 'n':
			if (string_to_u64(optarg, 10, &options->count) < 0 || !options->count)
				r = error_set(err, EINVAL, "--count '%s': a number above 0",
					      optarg);
			break;
		case 'f':
			options->force = true;
			break;
		case 'h':
			print_help();
			exit(EXIT_SUCCESS);
		default:
			exit(EXIT_FAILURE);
		}
		if (r < 0)
			return r;
	}
	if (argc - optind != 1)
		return error_set(err, EINVAL, "record: one FILE is to be named");
	options->path = argv[optind];
	return 0;
}

static int open_file(const struct record_options *options, FILE **file, struct error *err)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (options->force ? O_TRUNC : O_EXCL);
	int fd = strcmp(options->path, "-") == 0 ? dup(STDOUT_FILENO)
						 : open(options->path, flags, 0644);

	if (fd < 0 && errno == EEXIST)
		return error_set(err, EEXIST, "'%s' is there already, --force replaces it",
				 options->path);
	*file = fd < 0 ? NULL : fdopen(fd, "w");
	return *file ? 0 : error_errno(err, errno, "open '%s'", options->path);
}

static int add(FILE *file, struct error *err)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = NULL;
	uint64_t realtime_ns = 0;
	int r = sample_read(&snapshot, &realtime_ns, err);

	return r < 0 ? r : view_record_add(file, snapshot, realtime_ns, err);
}

/* Waits until AT_NS or one of the signals; returns whether it was a signal. */
static bool wait_until(uint64_t at_ns, const sigset_t *ending)
{
	for (;;) {
		const uint64_t now_ns = clock_monotonic_ns();
		const uint64_t left_ns = at_ns > now_ns ? at_ns - now_ns : 0;
		const struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000u),
					      .tv_nsec = (long)(left_ns % 1000000000u)};

		if (sigtimedwait(ending, NULL, &left) > 0)
			return true;
		if (errno == EAGAIN)
			return false;
	}
}

static int record(const struct record_options *options, struct error *err)
{
	_cleanup_fclose_ FILE *file = NULL;
	uint64_t due_ns = clock_monotonic_ns();
	sigset_t ending;
	int r;

	/* a line that is begun is finished */
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	r = open_file(options, &file, err);
	if (r == 0)
		r = view_record_begin(file, err);
	for (uint64_t n = 1; r == 0; n++) {
		r = add(file, err);
		due_ns += options->interval_ns;
		if (n == options->count || (r == 0 && wait_until(due_ns, &ending)))
			break;
	}
	return r;
}

int cmd_record(const struct cmd_context *ctx, int argc, char **argv)
{
	struct record_options options = {.interval_ns = DEFAULT_INTERVAL_NS};
	struct error err = {0};

	if (parse_options(argc, argv, &options, &err) < 0 || record(&options, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
