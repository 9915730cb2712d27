/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * net.strict = threaded: what arrives for a workspace is received by kernel threads at its end of the link, which are in
 * its control groups. So the kernel bills it to the group while it is done, and its scheduler gives it the
 * group's part of the CPU and no more, where quotas hold kernel threads; elsewhere the group's own threads
 * pay. What it costs: large transfers are no longer sent into the link in one piece.
 *
 * Threads in a group would keep it from being removed: they are taken out as soon as no process is in it any more.
 */
#include "base/error.h"
#include "keeper/writer.h"
#include "kernel/netlink_peers.h"

#define THREADS_MEANS "threads"

/*
 * Does that for LINK, whose other end is in NETNS_FD, on behalf of workspace NAME, whose groups are PLACES (of all
 * hierarchies that bill or limit CPU; NULL-terminated).
 */
int threads_start(struct writer *writer, const char *name, const struct netlink_peer *link,
		  int netns_fd, char *const *places, struct error *err);

/*
 * Takes the threads of LINK out again, and gives its end here what it had, but for what may be for one of the promises
 * SPARED (names of files; NULL: none).
 */
int threads_let_go(struct writer *writer, const struct netlink_peer *link, char *const *spared,
		   struct error *err);

/* One entry of the book. For writer.c. */
int threads_undo(const struct found *found, struct error *err);
