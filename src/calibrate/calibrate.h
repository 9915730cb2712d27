/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Measures a host's profile: loads of its own, the ledger's figures, and a fit. */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "calibrate/check.h"
#include "plan/profile.h"

struct site_devices;
struct operations_sample;

struct calibrate_progress {
	size_t done, total; /* measurements */
	double left_s;
	const char *what; /* the one that begins now, for people; NULL: all are done */
};

struct calibrate_options {
	bool quick;
	unsigned int what;		    /* SCHEDULE_* of calibrate/schedule.h */
	const char *scratch;		    /* directory of the scratch file */
	const struct site_devices *devices; /* of the host's that are handed over; NULL: none */
	bool force;			    /* trust it although the host was busy */
	const volatile int *stop;	    /* set by a signal handler: give up, -EINTR */
	void (*progress)(const struct calibrate_progress *progress, void *data); /* may be NULL */
	/* each round that is fitted, when all are measured; may be NULL */
	void (*measured)(const struct operations_sample *round, void *data);
	void *data;
};

/*
 * The caller's mount namespace may be left for a new one (calibrate/private_ledger.h). *LEFT_OUT, a vector of
 * sentences, tells what this host has no path or disk for. Everything that was made is gone when it
 * returns, whatever it returns. On success *PROFILE and *LEFT_OUT are the caller's.
 */
int calibrate(const struct calibrate_options *options, struct profile **profile, char ***left_out,
	      struct error *err);

/*
 * Some rounds of it again, in a few seconds, beside what PROFILE says of them (calibrate/check.h); as long as those were that
 * it is of. *BUSY, when others disturbed so much of it that it tells little, has a sentence of the caller's to free, else NULL.
 * *LEFT_OUT as above.
 */
int calibrate_check(const struct calibrate_options *options, const struct profile *profile,
		    struct check *check, char **busy, char ***left_out, struct error *err);
