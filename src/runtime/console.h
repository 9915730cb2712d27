/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "runtime/launch.h"

/*
 * Makes a pseudo terminal in the container's own devpts, sends its master to the parent
 * (SYNC_CONSOLE) and keeps the slave in l->console. With BIND the slave is also bound to
 * /dev/console, as a first process expects it. l->rootfs is the root ("/" after the pivot for exec).
 */
int console_make(struct launch *l, bool bind, struct error *err);

/* Makes the slave the controlling terminal and standard input, output and error. */
int console_take(struct launch *l, struct error *err);
