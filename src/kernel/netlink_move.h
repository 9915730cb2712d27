/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Network interfaces from one network namespace to another. The kernel takes the addresses away from an
 * interface that moves; those that are permanent and global are given back to it on the other side.
 */
#include <stdbool.h>

#include "base/error.h"

struct netlink;

struct netlink_move {
	struct netlink *from, *to;
	int to_fd;		 /* descriptor of the namespace of TO */
	const char *name;	 /* in FROM */
	const char *wanted_name; /* in TO; nothing there may have it */
	bool up;		 /* switch it on there */
	bool bare;		 /* and leave its addresses behind */
};

/* -ENODEV: there is none of that name; -EEXIST: the wanted name is taken. Nothing has moved then. */
int netlink_link_move(const struct netlink_move *move, struct error *err);

/* In its own namespace; the interface is switched off where the kernel wants it so. */
int netlink_link_rename(struct netlink *netlink, int index, const char *name, struct error *err);
