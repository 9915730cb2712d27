/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the running keeper says of each term, read from its status. */
#include <stdbool.h>

#include "base/error.h"

struct json_object;

struct kept_term {
	const char *workspace, *cgroup; /* "" when it was not said; the name is the register's */
	const char *called;		/* for people */
	const char *term;		/* "cpu.reserve" */
	const char *unit;		/* "CPU", "bit/s", "B/s", "1/s" */
	bool known;			/* else the ledger is off: it may be kept or not */
	bool broken;
	const char *by; /* who is to blame, NULL: nobody */
	double promised, got, ratio;
	double for_s;	    /* in this state */
	double violation_s; /* broken altogether */
};

/* The status of the keeper that runs, the caller's to put. -ENOENT with a sentence when none does. */
int kept_terms_ask(struct json_object **status, struct error *err);

/* Calls TAKE with each term of each workspace. Its strings are STATUS's. -EPROTO: of another version. */
typedef void kept_terms_take(void *data, const struct kept_term *term);
int kept_terms_each(struct json_object *status, kept_terms_take *take, void *data,
		    struct error *err);

/* Whether one of the names of its workspace begins with NAME. */
bool kept_term_is_of(const struct kept_term *term, const char *name);

/* Whether it keeps terms of somebody whose name begins with NAME; nothing may be known of them yet. */
bool kept_terms_has(struct json_object *status, const char *name);

/* An amount in UNIT: "0.494", "29.8Mbit/s". */
struct kept_amount {
	char text[32];
};
struct kept_amount kept_amount(double value, const char *unit);
