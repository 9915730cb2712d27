// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf who: a sentence for each heavy payer. */
#include "cmd/cmd.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cmd/interval.h"
#include "cmd/options.h"
#include "cmd/sample.h"
#include "ledger/snapshot.h"
#include "view/rows.h"
#include "view/who.h"

#define DEFAULT_INTERVAL_NS 2000000000ull

struct who_options {
	uint64_t interval_ns;
	const char *pattern; /* of the one account; NULL: all heavy ones */
};

static void print_help(void)
{
	printf("Usage: behalf who [OPTIONS] [ID]\n"
	       "Says in a sentence for each account that spends at least a hundredth of a CPU how\n"
	       "much of that is kernel work elsewhere, what for, on which CPU and in whose time.\n"
	       "\n"
	       "  -i, --interval SECONDS  look so long (default 2)\n"
	       "  -h, --help             print this text\n");
}

static int parse_options(int argc, char **argv, struct who_options *options, struct error *err)
{
	static const struct option longs[] = {
		{"interval", required_argument, NULL, 'i'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, r;

	while ((opt = options_next(argc, argv, "i:h", longs)) != -1) {
		switch (opt) {
		case 'i':
			r = interval_parse("--interval", optarg, &options->interval_ns, err);
			if (r < 0)
				return r;
			break;
		case 'h':
			print_help();
			exit(EXIT_SUCCESS);
		default:
			exit(EXIT_FAILURE);
		}
	}
	if (argc - optind > 1)
		return error_set(err, EINVAL, "who: at most one account can be named");
	options->pattern = argv[optind];
	return 0;
}

static int show(const struct who_options *options, struct error *err)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = NULL;
	const struct ledger_account *only = NULL;
	int r = sample_take(options->interval_ns, &snapshot, err);

	if (r == 0 && options->pattern)
		r = view_find_account(snapshot, options->pattern, &only, err);
	return r < 0 ? r : view_who(stdout, snapshot, only, err);
}

int cmd_who(const struct cmd_context *ctx, int argc, char **argv)
{
	struct who_options options = {.interval_ns = DEFAULT_INTERVAL_NS};
	struct error err = {0};

	setlocale(LC_CTYPE, "");
	if (parse_options(argc, argv, &options, &err) < 0 || show(&options, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
