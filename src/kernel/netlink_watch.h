/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether ends of pairs have come, gone or changed in a network namespace, as the kernel tells those who listen
 * (rtnetlink(7), RTNLGRP_LINK): to be told costs nothing as long as nothing happens, to list all of them does.
 *
 * That the other end of a pair is moved from one namespace to another, neither of them this one, is not always told.
 */
#include <stdbool.h>

#include "base/error.h"

struct netlink_watch {
	int socket; /* -EBADF: not open, and something always has changed */
};

#define NETLINK_WATCH_CLOSED ((struct netlink_watch){.socket = -EBADF})

/* Of the caller's network namespace. The caller's to netlink_watch_close. */
int netlink_watch_open(struct netlink_watch *watch, struct error *err);
void netlink_watch_close(struct netlink_watch *watch);

/* Whether something has changed since the last call, or may have. Does not wait. */
bool netlink_watch_changed(const struct netlink_watch *watch);
