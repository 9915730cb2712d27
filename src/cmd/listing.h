/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The options that choose what a listing of accounts shows; `stat` and `top` have them alike. */
#include <getopt.h>

#include "base/error.h"
#include "view/rows.h"

#define LISTING_SHORT "ao:s:u:r"
#define LISTING_LONG                                                                               \
	{"all", no_argument, NULL, 'a'}, {"columns", required_argument, NULL, 'o'},                \
		{"sort", required_argument, NULL, 's'}, {"unit", required_argument, NULL, 'u'},    \
	{                                                                                          \
		"reverse", no_argument, NULL, 'r'                                                  \
	}

#define LISTING_HELP                                                                               \
	"  -a, --all              idle accounts too, one by one\n"                                 \
	"  -o, --columns LIST     headings with commas between them\n"                             \
	"  -s, --sort HEADING     order by this column (default CHARGE)\n"                         \
	"  -r, --reverse          the smallest first\n"                                            \
	"  -u, --unit UNIT        seconds, cpus or percent (of one CPU)\n"

/* Whether OPT, with optarg, is one of them; then 1, or a negative errno with a sentence. 0: it is not. */
int listing_option(int opt, struct view_choice *choice, struct error *err);
