/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Attending a process in the foreground, as `run`, `exec` and `spawn` do: signals are handed on, a
 * terminal is relayed, the end is waited for.
 */
#include <sys/types.h>

#include "base/error.h"

/*
 * Blocks the signals that will be handed on, so that none is lost between here and attend_child.
 * Call it before the child is made (the first stage of a container unblocks everything again).
 */
int attend_prepare(struct error *err);

/*
 * Attends PID, a child of the caller, with its PIDFD until it ends. *CONSOLE_MASTER is the master of
 * its terminal, relayed to standard input and output with the local terminal in raw mode, or
 * negative; it is taken over. *EXIT_STATUS is its exit status, 128 + n when signal n ended it.
 * Returns 0, or a negative errno with the child still unreaped.
 */
int attend_child(pid_t pid, int pidfd, int *console_master, int *exit_status, struct error *err);
