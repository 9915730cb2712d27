/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of ours that users do not call themselves. A container is started by programs that begin
 * and end within a millisecond, each of which pays for all it is linked with: so the accounts, the
 * planner and the keeper are in behalf-full, which has all verbs, and the runtime's program executes it
 * when it is called for one of those (`behalf` itself mostly knows before, src/launcher). So does it for a
 * container whose cgroup is systemd's: a static program cannot load libsystemd.
 */
#pragma once

#include "base/error.h"
#include "cmd/cmd.h"

#define APART_FULL "behalf-full"

/*
 * Becomes PROGRAM, which is beside this one, as in a build directory, where it would be from here in a
 * directory that all of behalf was put below, or in libexec. Returns only when it cannot, a negative errno:
 * -ENOENT is for the caller to explain.
 */
int apart_execute(const char *program, char **argv, struct error *err);

/*
 * Calls behalf-full with the options that we were called with, and ARGS, the verb first, and waits for it.
 * *STATUS is its exit status.
 */
int apart_run_full(const struct cmd_context *ctx, char *const *args, int *status,
		   struct error *err);

/* A verb of behalf-full. */
int apart_execute_full(const struct cmd_context *ctx, int argc, char **argv);
