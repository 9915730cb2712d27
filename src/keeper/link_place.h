/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where something is in the book that is set on an interface: "COOKIE/INDEX", by the network namespace and the number
 * there, which stay what they are when it is renamed, and of which another one that has its name by now has others. Of an
 * ifb of ours, which is noted before it has a number, "COOKIE/NAME". Earlier keepers noted names alone.
 */
#include <net/if.h>
#include <stdbool.h>

#include "base/error.h"
#include "keeper/book.h"

struct netlink;
struct netlink_link;

struct link_place {
	char text[40];
};

/* Before anything is noted: -EIO where the network namespace is not known, so that no place in it has a name. */
int link_place_know(struct error *err);

struct link_place link_place_of_index(int index);
struct link_place link_place_of_ifb(const char *name);

/* It is of another network namespace than this process is in: from here it can neither be looked at nor put back. */
bool link_place_is_elsewhere(const char *where);

/* The name of an ifb. */
const char *link_place_ifb(const char *where);

/* The interface that FOUND is of. -ENODEV: it is gone. */
int link_place_find(struct netlink *netlink, const struct found *found, struct netlink_link *link,
		    struct error *err);
