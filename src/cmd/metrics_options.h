/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The command line of `behalf metrics`, and the page it gives. Both the verb and the program that serves
 * HTTP use these: the latter is a program of its own, since its library is a shared one that would
 * be loaded at every start of a container.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define METRICS_LISTEN "127.0.0.1:9725"
#define METRICS_SERVER "behalf-metrics"

struct metrics_options {
	bool once;
	bool openmetrics;      /* of what is printed by `once` */
	const char *textfile;  /* NULL: none */
	uint64_t interval_ns;  /* 0: write the text file once */
	const char *listen;    /* ADDRESS:PORT */
	const char *unix_path; /* NULL: none */
	size_t max_accounts;
	bool help;
};

/* -EINVAL with a sentence, or with none when getopt has told it. */
int metrics_options_parse(int argc, char **argv, struct metrics_options *options,
			  struct error *err);

/*
 * Reads the ledger and makes the page; PREVIOUS is the one before, or NULL. A ledger that is off is a
 * page that says so.
 */
int metrics_page(const struct metrics_options *options, bool openmetrics, const char *previous,
		 char **page, struct error *err);
