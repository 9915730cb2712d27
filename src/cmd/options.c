// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* WORD is "--name=value" of an option that takes none: getopt tells the letter of such a one. */
static bool has_surplus_value(const char *word, const struct option *longs)
{
	if (strncmp(word, "--", 2) != 0 || !strchr(word, '='))
		return false;
	while (longs->name && (longs->val != optopt || longs->has_arg != no_argument))
		longs++;
	return longs->name;
}

/* Of letters that stand together getopt tells the one, and not where they stand. */
static void tell_unknown(char **argv, const struct option *longs)
{
	const char letter[] = {'-', (char)optopt, '\0'};
	const char *word = argv[optind - 1];
	bool is_long = !optopt || has_surplus_value(word, longs);

	log_error("%s: %s: no such option, see behalf %s --help", argv[0], is_long ? word : letter,
		  argv[0]);
}

/* As crun has them, beside --help. */
static bool asks_for_help(const char *word)
{
	return strcmp(word, "-?") == 0 || strcmp(word, "--usage") == 0;
}

int options_next(int argc, char **argv, const char *shorts, const struct option *longs)
{
	bool in_order = shorts[0] == '+';
	char quiet[64];
	int opt;

	/* ':': a value that is missing is told from an option that there is not */
	snprintf(quiet, sizeof(quiet), "%s:%s", in_order ? "+" : "", shorts + in_order);
	opterr = 0;
	opt = getopt_long(argc, argv, quiet, longs, NULL);
	if (opt == ':') {
		log_error("%s: %s: a value is missing", argv[0], argv[optind - 1]);
		return '?';
	}
	if (opt == '?' && asks_for_help(argv[optind - 1]))
		return 'h';
	if (opt == '?')
		tell_unknown(argv, longs);
	return opt;
}
