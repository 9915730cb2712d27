// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf stat: the books once, or over an interval. */
#include "cmd/cmd.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "cmd/interval.h"
#include "cmd/keeper_views.h"
#include "cmd/listing.h"
#include "cmd/options.h"
#include "cmd/sample.h"
#include "ledger/snapshot.h"
#include "view/json.h"
#include "view/statement.h"
#include "view/text.h"

#define WATCH_NS 1000000000ull

/* Of --watch: a promise is broken. */
enum { STATUS_BROKEN = 3 };

struct stat_options {
	bool json;
	bool explain;
	bool watch;
	uint64_t interval_ns; /* 0: since the ledger was switched on */
	const char *pattern;  /* of the one account; NULL: all */
	struct view_choice choice;
};

static void print_help(void)
{
	printf("Usage: behalf stat [OPTIONS] [ID]\n"
	       "Shows who spent CPU time, in own threads and in kernel work elsewhere on their\n"
	       "behalf, since the ledger was switched on. ID is the name of an account, the\n"
	       "beginning of one, or the path of a cgroup.\n"
	       "\n"
	       "  -i, --interval SECONDS  over the next SECONDS instead\n"
	       "  -J, --json             one object, times in nanoseconds\n"
	       "  -e, --explain          in sentences\n" LISTING_HELP
	       "  -w, --watch            whether terms are kept, as the keeper sees it, until one is\n"
	       "                         broken: exit status 3\n"
	       "  -h, --help             print this text\n"
	       "\n"
	       "Columns:\n");
	view_text_fields(stdout);
}

static int parse_options(int argc, char **argv, struct stat_options *options, struct error *err)
{
	static const struct option longs[] = {
		{"interval", required_argument, NULL, 'i'},
		{"json", no_argument, NULL, 'J'},
		{"explain", no_argument, NULL, 'e'},
		{"watch", no_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},
		LISTING_LONG,
		{0},
	};
	int opt, r;

	while ((opt = options_next(argc, argv, "i:Jewh" LISTING_SHORT, longs)) != -1) {
		r = 0;
		switch (opt) {
		case 'i':
			r = interval_parse("--interval", optarg, &options->interval_ns, err);
			break;
		case 'J':
			options->json = true;
			break;
		case 'e':
			options->explain = true;
			break;
		case 'w':
			options->watch = true;
			break;
		case 'h':
			print_help();
			exit(EXIT_SUCCESS);
		default:
			r = listing_option(opt, &options->choice, err);
			if (r == 0)
				exit(EXIT_FAILURE);
		}
		if (r < 0)
			return r;
	}
	if (options->json && options->explain)
		return error_set(err, EINVAL, "stat: --json and --explain exclude each other");
	if (argc - optind > 1)
		return error_set(err, EINVAL, "stat: at most one account can be named");
	options->pattern = argv[optind];
	return 0;
}

static int print_json(const struct ledger_snapshot *snapshot, const struct ledger_account *only,
		      struct error *err)
{
	_cleanup_json_ struct json_object *object = NULL;
	int r = view_json(snapshot, only, &object, err);

	if (r < 0)
		return r;
	if (puts(json_text(object, true)) == EOF || fflush(stdout) == EOF)
		return error_errno(err, errno, "the figures could not be written");
	return 0;
}

static int show(const struct stat_options *options, struct error *err)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = NULL;
	const struct ledger_account *only = NULL;
	int r;

	r = sample_take(options->interval_ns, &snapshot, err);
	if (r < 0)
		return r;
	if (options->pattern) {
		r = view_find_account(snapshot, options->pattern, &only, err);
		if (r < 0)
			return r;
	}
	if (options->json)
		return print_json(snapshot, only, err);
	if (options->explain)
		return view_statement(stdout, snapshot, only, err);
	if (only)
		return view_text_account(stdout, snapshot, only, &options->choice, err);
	return view_text_listing(stdout, snapshot, &options->choice, err);
}

static int watch(const struct stat_options *options, struct error *err)
{
	uint64_t interval_ns = options->interval_ns ? options->interval_ns : WATCH_NS;

	return keeper_watch(options->pattern, interval_ns, options->json, err);
}

int cmd_stat(const struct cmd_context *ctx, int argc, char **argv)
{
	struct stat_options options = {0};
	struct error err = {0};
	int r;

	/* names are checked for what prints in the user's locale */
	setlocale(LC_CTYPE, "");
	view_choice_default(&options.choice, VIEW_SECONDS);
	/* the ids of containers are long, and their beginnings tell them apart */
	options.choice.name_width = isatty(STDOUT_FILENO) ? 32 : 0;
	r = parse_options(argc, argv, &options, &err);
	if (r == 0)
		r = options.watch ? watch(&options, &err) : show(&options, &err);
	if (r < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return r > 0 ? STATUS_BROKEN : EXIT_SUCCESS;
}
