/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The calling thread in a network namespace for a moment: for what is of its opener's namespace ever after. */
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Enters NETNS_FD. Returns a descriptor of the namespace the thread was in, for netns_leave. */
int netns_enter(int netns_fd, struct error *err);

/* Goes back to HOME and closes it; nothing where HOME is no descriptor. */
void netns_leave(const int *home);

/*
 * What tells the network namespace of the calling thread from all others, also from those that are no more: its cookie
 * (SO_NETNS_COOKIE, since Linux 5.14), or on a kernel without, the number of its inode, which another one may have later.
 * 0: it cannot be told now.
 */
uint64_t netns_cookie(void);

#define _cleanup_netns_ _cleanup_(netns_leave)
