// SPDX-License-Identifier: GPL-2.0-or-later
/* The root of an interface, where our HTB is or is not, and what the book has of what is set there. */
#include <errno.h>

#include "keeper/shape_internal.h"

int shape_note(const struct shaper *shaper, const struct link_place *where, int index,
	       const char *what, struct error *err)
{
	struct found found = {.means = SHAPE_MEANS,
			      .where = where->text,
			      .what = what,
			      .text = "",
			      .inode = (uint64_t)index};

	return writer_note_link(shaper->writer, &found, err);
}

int shape_note_at(const struct shaper *shaper, int index, const char *what, struct error *err)
{
	const struct link_place where = link_place_of_index(index);

	return shape_note(shaper, &where, index, what, err);
}

void shape_forget_one(const struct shaper *shaper, int index, const char *what)
{
	if (shaper->writer->book)
		book_forget_one(shaper->writer->book, link_place_of_index(index).text, what);
}

void shape_forget_ifb(const struct shaper *shaper, const char *name)
{
	if (shaper->writer->book)
		book_forget(shaper->writer->book, link_place_of_ifb(name).text);
}

int shape_drop_root(struct netlink *netlink, int index, struct error *err)
{
	struct netlink_qdisc root;
	int r = netlink_qdisc_root(netlink, index, &root, err);

	return r == 0 && root.handle == SHAPE_QDISC ? netlink_qdisc_delete_root(netlink, index, err)
						    : r;
}

int shape_leave_root(const struct shaper *shaper, int index, struct error *err)
{
	int r = shape_drop_root(shaper->netlink, index, err);

	if (r == 0)
		shape_forget_one(shaper, index, SHAPE_ROOT);
	return r;
}

/* *OURS: it is there already. */
static int look_at_root(const struct shaper *shaper, const char *link, int index, bool *ours,
			struct error *err)
{
	struct netlink_qdisc root;
	int r = netlink_qdisc_root(shaper->netlink, index, &root, err);

	*ours = r == 0 && root.handle == SHAPE_QDISC;
	if (r < 0 || *ours || !root.handle)
		return r;
	return error_set(err, EBUSY, "the interface '%s' has a qdisc of somebody else (%s %x:)",
			 link, root.kind, root.handle >> 16);
}

int shape_check_root(const struct shaper *shaper, const char *link, int index, struct error *err)
{
	bool ours;

	return look_at_root(shaper, link, index, &ours, err);
}

int shape_note_root(const struct shaper *shaper, const struct link_place *where, const char *name,
		    int index, uint32_t default_minor, struct error *err)
{
	bool ours;
	int r = look_at_root(shaper, name, index, &ours, err);

	if (r < 0)
		return r;
	/* also when a killed keeper has left it: from now on it is this one's */
	r = shape_note(shaper, where, index, SHAPE_ROOT, err);
	if (r == 0 && !ours)
		r = netlink_qdisc_add_htb(shaper->netlink, index, SHAPE_QDISC, default_minor, err);
	if (r < 0 && !ours && shaper->writer->book)
		book_forget_one(shaper->writer->book, where->text, SHAPE_ROOT);
	return r;
}

int shape_take_root(const struct shaper *shaper, const char *link, int index,
		    uint32_t default_minor, struct error *err)
{
	const struct link_place where = link_place_of_index(index);

	return shape_note_root(shaper, &where, link, index, default_minor, err);
}

bool shape_is_noted(const struct shaper *shaper, int index, const char *what, struct found *found)
{
	const struct book *book = shaper->writer->book;

	return book && book_find(book, link_place_of_index(index).text, what, found);
}
