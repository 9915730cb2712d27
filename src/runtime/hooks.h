/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hooks (config.md, "POSIX-platform Hooks"; runtime.md, "Lifecycle"): programs the configuration wants
 * run at certain points, each with the state of the container on its standard input.
 *
 *	prestart, createRuntime   in create, once all mounts are made and before the root changes
 *	createContainer           then, by the first process: the host's program, the container's namespaces
 *	startContainer            in start, by the first process with the rights of the program to come
 *	poststart                 in start, after the program was executed
 *	poststop                  in delete, after everything is gone
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "oci/config.h"

struct container;
struct json_object;

struct hooks {
	const char *name; /* of the list, for sentences */
	const struct oci_hook *hooks;
	size_t n;
	const char *stdout_path,
		*stderr_path; /* what they say is appended to; NULL: kept for ERR */
};

/*
 * Runs HOOKS in order, in the namespaces of the caller. STATE is what they read, with its status (and
 * pid, where not 0) set to what is given. The first that fails, by its exit status, a signal or its
 * timeout, ends it: "hooks.prestart[0]: '/x' failed: exit status 1: " and what it said.
 */
int hooks_run(const struct hooks *hooks, struct json_object *state, const char *status, pid_t pid,
	      struct error *err);

/* prestart and createRuntime, by the parent. */
int hooks_run_in_create(const struct container *container, const struct oci_hooks *hooks,
			struct error *err);

/* Whether the parent has any to run before the root changes. */
static inline bool hooks_wanted_in_create(const struct oci_hooks *hooks)
{
	return hooks->n_prestart || hooks->n_create_runtime;
}

/* Notes in the record what start and delete will need; nothing when there is nothing. */
void hooks_record(struct json_object *record, const struct oci_config *config);

/* poststart, as recorded. */
int hooks_run_after_start(const struct container *container, struct error *err);

/* poststop, as recorded: all of them; one that fails is a warning in the log. */
void hooks_run_after_delete(const struct container *container);
