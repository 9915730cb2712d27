/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the two sides of a start say to each other, over one SOCK_SEQPACKET pair. The child is the
 * container's first process (or the one exec adds), still running our code:
 *
 *     child  -> parent   SYNC_CONSOLE (with the pty's master), SYNC_READY, SYNC_ERROR
 *     parent -> child    SYNC_PLACED  ids mapped, cgroups entered, limits set
 *                        SYNC_COMMIT  the record on disk names the child: it may outlive us
 *     child  -> parent   SYNC_MOUNTED  when there are hooks for the parent to run at that point
 *     parent -> child    SYNC_HOOKED   they have run
 * Over the socket on which a created container waits, its first process is the child as well:
 *
 *     start  -> child    SYNC_STARTING  what comes next decides: SYNC_COMMIT, or the end, and with it that of
 *                        the container
 *     exec   -> child    SYNC_NAMESPACES; it answers with one message for each kind, in the order of
 *                        namespaces_type, with the namespace where there is one
 *
 *     child  -> parent   SYNC_LISTENER (with the filter's) when system calls are for an agent to answer
 *
 * End of file on either side means the other died; the child then ends too, so a killed `create`
 * leaves no process that no record knows.
 */
#include <stdint.h>

#include "base/error.h"

enum sync_type {
	SYNC_PLACED = 1,
	SYNC_COMMIT,
	SYNC_READY,
	SYNC_CONSOLE,
	SYNC_ERROR,
	SYNC_MOUNTED,
	SYNC_HOOKED,
	SYNC_LISTENER,
	SYNC_STARTING,
	SYNC_NAMESPACES
};

/* A connected pair, close-on-exec. */
int sync_pair(int pair[2], struct error *err);

/* FD is sent along when not negative. Returns 0 or a negative errno. */
int sync_send(int socket, enum sync_type type, int fd);
int sync_send_error(int socket, const struct error *error);

/*
 * Waits for one message. SYNC_ERROR is turned into ERR and its code. *FD (may be NULL) takes the
 * descriptor that came along, and is left alone when none did. Returns the type, 0 when the other
 * side is gone, or a negative errno.
 */
int sync_receive(int socket, int *fd, struct error *err);

/* As sync_receive, and anything but WANTED is an error, the end too (-EPIPE). */
int sync_expect(int socket, enum sync_type wanted, struct error *err);

/* Waits for the end of file: 0; a SYNC_ERROR that comes instead is turned into ERR and its code. */
int sync_await_end(int socket, struct error *err);
