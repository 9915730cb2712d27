/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Receiving in threads of the kernel's (Documentation/networking/napi.rst, "Threaded NAPI"), for one end of a veth
 * pair. Such an end has NAPI only while it merges what it receives (GRO), and is given packets that way only by
 * an end that does not send segments to be cut later (TSO).
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define NAPI_THREADS_MAX 64

/*
 * Has the interface of INDEX in the network namespace NETNS_FD receive in threads, and tells which they are.
 * What it had before is begun anew, so that the threads are new ones. -EOPNOTSUPP: this kernel, or this
 * kind of interface, cannot.
 */
int napi_start_threads(int netns_fd, int index, pid_t pids[static NAPI_THREADS_MAX], size_t *n,
		       struct error *err);

/* And no longer. */
int napi_stop_threads(int netns_fd, int index, struct error *err);

/* Whether an interface here sends segments to be cut later. */
int napi_read_tso(const char *name, bool *on, struct error *err);
int napi_set_tso(const char *name, bool on, struct error *err);

/* Whether this kernel can. */
bool napi_has_threads(void);

/* The process is a thread of the kernel's that receives. */
bool napi_is_thread(pid_t pid);
