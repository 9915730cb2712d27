/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * linux.intelRdt (config-linux.md, "IntelRdt"): the container's group in the resctrl file system.
 *
 *	intel_rdt_record	finds the groups, and writes into the record which will be made
 *	intel_rdt_make		makes them, with their shares
 *	intel_rdt_add		the first process, and each of exec
 *	...
 *	intel_rdt_remove	what the record says we made, once nobody is in it
 *
 * Without a closID the group has the container's id and is the container's alone. A class that was
 * there is used as it is, and stays; one that we made stays while others are in it.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "oci/config.h"

struct json_object;

/* ROOT is where proc/self/mountinfo and the mount point are looked up; negative: on this host. */
int intel_rdt_record(int root, struct json_object *record, const char *id,
		     const struct oci_config *config, struct error *err);

int intel_rdt_make(struct json_object *record, const struct oci_intel_rdt *rdt, struct error *err);

/* Nothing to do, and 0, when the RECORD has no group; so below. */
int intel_rdt_add(struct json_object *record, pid_t task, struct error *err);

/* FIRST is the container's first process, which may not be waited for yet. */
int intel_rdt_remove(struct json_object *record, pid_t first, struct error *err);

/* New shares for a living container: either may be NULL. -ENOTSUP when it has no group. */
int intel_rdt_update(struct json_object *record, const char *l3_cache_schema,
		     const char *mem_bw_schema, struct error *err);
