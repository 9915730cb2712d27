/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the keeper tells of itself and of how terms are kept, as JSON. */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "keeper/burst_round.h"
#include "keeper/truths.h"

struct json_object;

struct keeper_figures {
	bool service;
	bool ledger_on;
	uint64_t period_ns, rounds, writes, now_ns;
	bool host_starved;	    /* at the last look */
	struct json_object *events; /* an array; kept by the caller */
	struct truth_sources sources;
	const struct burst_round *bursts;
	const struct writer *writer;
};

/* The whole, the caller's to put. */
struct json_object *keeper_status(const struct keeper_figures *figures);

/*
 * A listening socket at PATH, for root alone. What is left of an earlier one there is removed. Returns the
 * descriptor.
 */
int keeper_listen(const char *path, struct error *err);

/* Hands STATUS to whoever has connected; never waits for them. */
void keeper_answer(int listening, struct json_object *status);
