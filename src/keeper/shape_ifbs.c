// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All ifbs of the book are taken back together: the kernel waits for all CPUs when an interface goes, which with hundreds
 * takes ten seconds, and for a group of them once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "keeper/link_place.h"
#include "keeper/shape.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"

bool shape_is_of_ifb(const struct book *book, const struct found *found)
{
	struct found ifb;

	return strcmp(found->means, SHAPE_MEANS) == 0 && !link_place_is_elsewhere(found->where) &&
	       book_find(book, found->where, SHAPE_IFB_NOTED, &ifb);
}

static bool is_ifb(const struct found *found)
{
	return strcmp(found->means, SHAPE_MEANS) == 0 &&
	       strcmp(found->what, SHAPE_IFB_NOTED) == 0 && !link_place_is_elsewhere(found->where);
}

static bool has_ifbs(const struct book *book)
{
	for (size_t i = book_entries(book); i-- > 0;) {
		const struct found found = book_entry(book, i);

		if (is_ifb(&found))
			return true;
	}
	return false;
}

/* *N: how many are there to go. Those that are not there are none that failed. */
static int group_ifbs(struct netlink *netlink, struct book *book, uint32_t group, size_t *n)
{
	int result = 0;

	*n = 0;
	for (size_t i = book_entries(book); i-- > 0;) {
		const struct found found = book_entry(book, i);
		int r;

		if (!is_ifb(&found))
			continue;
		r = netlink_link_set_group(netlink, link_place_ifb(found.where), group, NULL);
		*n += r == 0;
		result = r < 0 && r != -ENODEV ? r : result;
	}
	return result;
}

/* What is of an ifb that is gone; the one that says that it is one last. */
static void forget_ifb(struct book *book, const char *where)
{
	for (size_t i = book_entries(book); i-- > 0;) {
		const struct found found = book_entry(book, i);

		if (strcmp(found.where, where) == 0 && strcmp(found.means, SHAPE_MEANS) == 0)
			book_forget_at(book, i);
	}
}

static void forget_ifbs(struct book *book)
{
	for (size_t i = book_entries(book); i-- > 0;) {
		const struct found found = book_entry(book, i);

		if (shape_is_of_ifb(book, &found) && !is_ifb(&found))
			book_forget_at(book, i);
	}
	for (size_t i = book_entries(book); i-- > 0;) {
		const struct found found = book_entry(book, i);

		if (is_ifb(&found))
			book_forget_at(book, i);
	}
}

/* Where the kernel refuses the group, or one of it: what is not gone stays in the book. */
static int delete_each(struct netlink *netlink, struct book *book, struct error *err)
{
	int result = 0;

	for (size_t i = book_entries(book); i-- > 0;) {
		const struct found found = book_entry(book, i);
		_cleanup_free_ char *where = is_ifb(&found) ? strdup(found.where) : NULL;
		int r = where ? netlink_link_delete(netlink, link_place_ifb(where), err) : 0;

		result = r < 0 ? r : result;
		if (where && r == 0)
			forget_ifb(book, where);
		if (i > book_entries(book))
			i = book_entries(book);
	}
	return result;
}

/* A group that nobody else has: whoever made a number up as we do has not made this one. */
int shape_undo_ifbs(struct book *book, struct error *err)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	uint32_t group = 0;
	size_t n;
	int deleted = 0, r;

	if (!has_ifbs(book))
		return 0;
	r = netlink_open(&netlink, err);
	if (r == 0 && getrandom(&group, sizeof(group), 0) != (ssize_t)sizeof(group))
		r = error_errno(err, errno, "take a number for a group of interfaces");
	if (r < 0)
		return r;
	r = group_ifbs(netlink, book, group, &n);
	if (n)
		deleted = netlink_link_delete_group(netlink, group, NULL);
	if (r < 0 || deleted < 0)
		return delete_each(netlink, book, err);
	forget_ifbs(book);
	return 0;
}
