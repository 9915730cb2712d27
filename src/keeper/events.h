/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is news: a term that breaks, one that is kept again, and what is done to all of the host for one. */
#include <stdbool.h>

#include "keeper/truths.h"

struct json_object;

struct events {
	struct json_object *last; /* an array of the last ones */
	bool json;		  /* print them, as lines of JSON, */
	bool log;		  /* or as warnings */
};

/* -ENOMEM. Clear it in any case. */
int events_open(struct events *events);
void events_clear(struct events *events);

/* A new one, with its time; and one that is complete, which in words is SENTENCE. It is taken over. */
struct json_object *events_new(void);
void events_add(struct events *events, struct json_object *event, const char *sentence);

/* Tells what has changed of the first KINDS truths of the workspace at I of the roster since it was asked last. */
void events_tell(struct events *events, const struct truth_sources *sources, size_t i,
		 enum truth_kind kinds);
