/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A container's cgroup as a scope unit of systemd, which makes the group and removes it, and holds the
 * limits it knows. All limits are written to the group as well, where they are exact and complete.
 *
 *	scope_plan		nothing is made
 *	scope_record		into the record: enough for scope_stop
 *	(the first process)	waits until it is placed, having entered nothing
 *	scope_start		with it inside; then cgroup_adopt, cgroup_enter, limits
 *	...
 *	(cgroup_kill), scope_stop, cgroup_remove
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "oci/config.h"

struct cgroup;
struct cgroup_layout;
struct json_object;
struct scope;
struct systemd_properties;

/*
 * Names the unit by linux.cgroupsPath, and plans its groups. -EBUSY when there is such a unit. Both
 * *SCOPE and *CG are the caller's to free.
 */
int scope_plan(const char *id, const struct oci_config *config, const struct cgroup_layout *layout,
	       struct scope **scope, struct cgroup **cg, struct error *err);
void scope_free(struct scope *scope);

/* "systemd" in RECORD. */
void scope_record(const struct scope *scope, struct json_object *record);

/* Makes the unit with PID in it, the groups that are missing, and the limits. */
int scope_start(struct scope *scope, pid_t pid, const struct oci_config *config, struct cgroup *cg,
		struct error *err);

/* What RESOURCES has, to the unit of RECORD; nothing when that has none. */
int scope_update(struct json_object *record, const struct oci_resources *resources,
		 const struct cgroup *cg, struct error *err);

/* RECORD has a unit, and this program cannot speak with systemd (systemd_is_apart). */
bool scope_is_apart(struct json_object *record);

/* Stops and forgets the unit of RECORD, when there is one. */
int scope_stop(struct json_object *record, struct error *err);

/*
 * The properties of a unit that say what RESOURCES does, as far as systemd has such; FRESH as in
 * resources_apply, else only what is to change. OF_USER: the unit is one of a user's manager.
 */
void scope_add_resources(struct systemd_properties *p, const struct oci_resources *resources,
			 const struct cgroup *cg, bool fresh, bool of_user);
