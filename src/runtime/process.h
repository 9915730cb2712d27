/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "runtime/launch.h"

/*
 * Finds process.args[0] as execvp would, in the PATH of process.env and with the root that is in force:
 * sets l->path. The sentences hold what engines look for: "executable file not found in $PATH",
 * "no such file or directory", "permission denied".
 */
int process_find(struct launch *l, struct error *err);

/*
 * Closes every descriptor but 0 to 2, the preserved ones and those that lead back to who started us. To
 * be called before anything is looked up in the container's root as the container would.
 */
int process_close_foreign(struct launch *l, struct error *err);

/*
 * Becomes the user of l->process with exactly its groups, the capabilities of l->capabilities, its
 * umask, working directory and seccomp filter. There is no way back.
 */
int process_become(struct launch *l, struct error *err);

/* Replaces the process by the program. Returns only on failure, with a negative errno. */
int process_execute(struct launch *l, struct error *err);
