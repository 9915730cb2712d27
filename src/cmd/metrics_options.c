// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/metrics_options.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "cmd/interval.h"
#include "cmd/keeper_views.h"
#include "cmd/options.h"
#include "ledger/snapshot.h"
#include "view/metrics.h"

#define END_MARK "# EOF\n"

enum { OPT_ONCE = 256, OPT_TEXTFILE, OPT_LISTEN, OPT_UNIX, OPT_FORMAT, OPT_ACCOUNTS };

static int parse_format(const char *text, bool *openmetrics, struct error *err)
{
	*openmetrics = strcmp(text, "openmetrics") == 0;
	if (*openmetrics || strcmp(text, "prometheus") == 0)
		return 0;
	return error_set(err, EINVAL, "--format '%s': openmetrics or prometheus", text);
}

static int parse_accounts(const char *text, size_t *max, struct error *err)
{
	uint64_t n;

	if (string_to_u64(text, 10, &n) < 0 || n > 100000)
		return error_set(err, EINVAL, "--accounts '%s': a number up to 100000", text);
	*max = (size_t)n;
	return 0;
}

static int check(const struct metrics_options *options, int left, struct error *err)
{
	const int ways = options->once + (options->textfile != NULL) + (options->listen != NULL) +
			 (options->unix_path != NULL);

	if (left > 0)
		return error_set(err, EINVAL, "metrics: takes no arguments");
	if (ways > 1)
		return error_set(err, EINVAL,
				 "metrics: one of --once, --textfile, --listen and --unix");
	if (options->interval_ns && !options->textfile)
		return error_set(err, EINVAL, "metrics: --interval is for --textfile");
	return 0;
}

int metrics_options_parse(int argc, char **argv, struct metrics_options *options, struct error *err)
{
	static const struct option longs[] = {
		{"once", no_argument, NULL, OPT_ONCE},
		{"textfile", required_argument, NULL, OPT_TEXTFILE},
		{"interval", required_argument, NULL, 'i'},
		{"listen", required_argument, NULL, OPT_LISTEN},
		{"unix", required_argument, NULL, OPT_UNIX},
		{"format", required_argument, NULL, OPT_FORMAT},
		{"accounts", required_argument, NULL, OPT_ACCOUNTS},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, r = 0;

	*options = (struct metrics_options){
		.openmetrics = true,
		.max_accounts = VIEW_METRICS_ACCOUNTS,
	};
	while (r == 0 && (opt = options_next(argc, argv, "i:h", longs)) != -1) {
		switch (opt) {
		case OPT_ONCE:
			options->once = true;
			break;
		case OPT_TEXTFILE:
			options->textfile = optarg;
			break;
		case 'i':
			r = interval_parse("--interval", optarg, &options->interval_ns, err);
			break;
		case OPT_LISTEN:
			options->listen = optarg;
			break;
		case OPT_UNIX:
			options->unix_path = optarg;
			break;
		case OPT_FORMAT:
			r = parse_format(optarg, &options->openmetrics, err);
			break;
		case OPT_ACCOUNTS:
			r = parse_accounts(optarg, &options->max_accounts, err);
			break;
		case 'h':
			options->help = true;
			return 0;
		default:
			return -EINVAL;
		}
	}
	return r < 0 ? r : check(options, argc - optind, err);
}

/* What the keeper says, before the end mark if there is one. */
static int add_terms(char **page, struct error *err)
{
	_cleanup_free_ char *terms = keeper_metrics(), *books = *page;
	size_t length = strlen(books);
	bool ends = string_ends_with(books, END_MARK);

	*page = NULL;
	if (terms)
		*page = string_format("%.*s%s%s", (int)(length - (ends ? strlen(END_MARK) : 0)),
				      books, terms, ends ? END_MARK : "");
	return *page ? 0 : error_oom(err);
}

int metrics_page(const struct metrics_options *options, bool openmetrics, const char *previous,
		 char **page, struct error *err)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *snapshot = NULL;
	const struct view_metrics_choice choice = {
		.openmetrics = openmetrics,
		.max_accounts = options->max_accounts,
		.previous = previous,
	};
	struct error reading = {0};
	int r = ledger_snapshot_read(&snapshot, &reading);

	if (r < 0 && r != -ENOENT) {
		if (err)
			*err = reading;
		return r;
	}
	r = view_metrics(snapshot, &choice, page, err);
	return r < 0 ? r : add_terms(page, err);
}
