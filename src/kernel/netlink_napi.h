/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the kernel tells of the instances of NAPI of an interface (Documentation/netlink/specs/netdev.yaml,
 * napi-get; since Linux 6.8).
 */
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * The threads that receive for the interface of INDEX in the caller's network namespace, at most MAX of them; numbers
 * are those of the first pid namespace. -EOPNOTSUPP: this kernel does not tell.
 */
int netlink_napi_threads(int index, pid_t *pids, size_t max, size_t *n, struct error *err);
