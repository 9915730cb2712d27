/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "runtime/launch.h"

/*
 * The first process of a container, from clone to exec. Never returns: it becomes the program, or
 * reports what failed (SYNC_ERROR on l->sync, later on the connection of `start`) and exits with 1.
 */
void init_main(struct launch *l) __attribute__((noreturn));

/* The process that exec adds, in the namespaces it has entered already. */
void init_exec_main(struct launch *l) __attribute__((noreturn));
