// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/link_place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/netlink_link.h"
#include "kernel/netns.h"

/* Whoever keeps a book stays where it is. What cannot be told now is asked again. */
static uint64_t cookie_here(void)
{
	static uint64_t cookie;

	if (!cookie)
		cookie = netns_cookie();
	return cookie;
}

int link_place_know(struct error *err)
{
	return cookie_here() ? 0
			     : error_set(err, EIO,
					 "the network namespace cannot be told from others now");
}

struct link_place link_place_of_index(int index)
{
	struct link_place place;

	snprintf(place.text, sizeof(place.text), "%" PRIu64 "/%d", cookie_here(), index);
	return place;
}

struct link_place link_place_of_ifb(const char *name)
{
	struct link_place place;

	snprintf(place.text, sizeof(place.text), "%" PRIu64 "/%.*s", cookie_here(), IFNAMSIZ - 1,
		 name);
	return place;
}

/* What is behind the namespace; NULL: it is a name, or a path, of which no interface has one. */
static const char *rest_of(const char *where)
{
	const char *slash = strchr(where, '/');

	return slash && slash != where ? slash + 1 : NULL;
}

static bool is_here(const char *where)
{
	return strtoull(where, NULL, 10) == cookie_here();
}

bool link_place_is_elsewhere(const char *where)
{
	return rest_of(where) && !is_here(where);
}

const char *link_place_ifb(const char *where)
{
	const char *rest = rest_of(where);

	return rest ? rest : where;
}

int link_place_find(struct netlink *netlink, const struct found *found, struct netlink_link *link,
		    struct error *err)
{
	struct netlink_link now;
	int r;

	if (rest_of(found->where))
		return netlink_link_by_index(netlink, (int)found->inode, link, err);
	r = netlink_link_by_name(netlink, found->where, &now, err);
	if (r < 0)
		return r;
	if ((uint64_t)now.index != found->inode)
		return error_set(err, ENODEV, "another interface is called '%s' now", found->where);
	*link = now;
	return 0;
}
