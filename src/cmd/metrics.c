// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf metrics: the books for a monitoring system: once, as a text file, or over HTTP. */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strings.h"
#include "cmd/apart.h"
#include "cmd/metrics_options.h"
#include "cmd/sample.h"
#include "view/metrics.h"

/* A text file larger than this is not one of ours. */
#define TEXTFILE_MAX (64u << 20)

static void print_help(void)
{
	printf("Usage: behalf metrics [--once | --textfile FILE | --listen ADDRESS:PORT | --unix PATH]\n"
	       "Gives the books of the ledger to a monitoring system, as counters of seconds for\n"
	       "each account and class of work. Without an option they are served over HTTP at\n"
	       "http://" METRICS_LISTEN "/metrics, or at the sockets that systemd hands over.\n"
	       "\n"
	       "  --once                 print them to standard output\n"
	       "  --format FORMAT        of --once: openmetrics (default) or prometheus\n"
	       "  --textfile FILE        replace FILE, for node_exporter's textfile collector\n"
	       "  -i, --interval SECONDS with --textfile: again and again\n"
	       "  --listen ADDRESS:PORT  serve them there instead\n"
	       "  --unix PATH            serve them at a Unix socket\n"
	       "  --accounts N           at most so many accounts, the rest is \"other\" (%d)\n"
	       "  -h, --help             print this text\n",
	       VIEW_METRICS_ACCOUNTS);
}

static int print_once(const struct metrics_options *options, struct error *err)
{
	_cleanup_free_ char *page = NULL;
	int r = metrics_page(options, options->openmetrics, NULL, &page, err);

	if (r < 0)
		return r;
	if (fputs(page, stdout) == EOF || fflush(stdout) == EOF)
		return error_errno(err, errno, "the metrics could not be written");
	return 0;
}

static int write_textfile(const struct metrics_options *options, struct error *err)
{
	_cleanup_free_ char *page = NULL, *previous = NULL;
	int r = file_read_at(AT_FDCWD, options->textfile, TEXTFILE_MAX, &previous, NULL, err);

	if (r < 0 && r != -ENOENT)
		return r;
	r = metrics_page(options, false, previous, &page, err);
	if (r < 0)
		return r;
	return file_replace_at(AT_FDCWD, options->textfile, page, 0644, false, err);
}

static int write_textfiles(const struct metrics_options *options, struct error *err)
{
	uint64_t due_ns = clock_monotonic_ns();
	int r;

	while ((r = write_textfile(options, err)) == 0 && options->interval_ns) {
		due_ns += options->interval_ns;
		sample_sleep_until(due_ns);
	}
	return r;
}

/* Becomes the server; returns only when it cannot. */
static int serve(char **argv, struct error *err)
{
	int r;

	argv[0] = (char *)METRICS_SERVER;
	r = apart_execute(METRICS_SERVER, argv, err);
	if (r == -ENOENT)
		return error_set(err, ENOENT,
				 "'" BEHALF_LIBEXEC "/" METRICS_SERVER "' is not installed: "
				 "built without libmicrohttpd; --once and --textfile do without");
	return r;
}

int cmd_metrics(const struct cmd_context *ctx, int argc, char **argv)
{
	struct metrics_options options;
	struct error err = {0};
	int r = metrics_options_parse(argc, argv, &options, &err);

	if (r == 0 && options.help) {
		print_help();
		return EXIT_SUCCESS;
	}
	if (r == 0)
		r = options.once       ? print_once(&options, &err)
		    : options.textfile ? write_textfiles(&options, &err)
				       : serve(argv, &err);
	if (r < 0) {
		if (err.text[0])
			log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
