/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A file of workspaces with their terms, in YAML or JSON, behalf-workspaces(5). Pure: text in, structs out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/cpus.h"
#include "plan/terms.h"

#define WORKSPACES_FILE_MAX_BYTES (16u << 20)
/* Of one entry's count; and of all that a file has entries. */
#define WORKSPACES_COUNT_MAX 100000

struct workspace {
	char *name;
	unsigned int line; /* of the file, from 1 */
	uint32_t count;	   /* so many of the same */
	struct terms terms;
	bool has_cpus;
	struct cpus cpus; /* that it may run on, when not all */
};

struct workspaces {
	struct workspace *list;
	size_t n;
};

/*
 * NAME is for the sentence: "web.yaml:7: workspaces[0].net.egress.reserve '1x': a rate in bits is wanted".
 * *WORKSPACES is the caller's to workspaces_clear. -EINVAL, or -ERANGE for a number.
 */
int workspaces_parse(const char *name, const char *text, size_t size, struct workspaces *workspaces,
		     struct error *err);

void workspaces_clear(struct workspaces *workspaces);
