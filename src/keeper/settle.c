// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/settle.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/above.h"
#include "keeper/means_steer.h"
#include "keeper/standing.h"

static bool is_kept(const struct roster *roster, const char *where)
{
	for (size_t i = 0; i < roster->control.n; i++) {
		const struct roster_entry *e = &roster->items[i];

		if (strcmp(e->directory, where) == 0 || standing_is_at(&e->standing, where))
			return true;
	}
	return false;
}

void settle_moments(struct writer *writer)
{
	static const char *const means[] = {ABOVE_MEANS, STANDING_CAP_MEANS};

	for (size_t i = 0; i < ARRAY_SIZE(means); i++) {
		struct error err = {0};

		if (writer_undo_only(writer, means[i], NULL, &err) < 0)
			log_warning("%s", err.text);
	}
}

void settle_estates(const struct roster *roster, const struct promise_list *list,
		    struct writer *writer)
{
	struct book *book = writer->book;

	/* whose promise cannot be read now has it still, or nobody would know what it had when it has gone */
	if (list->partial)
		return;
	for (size_t i = book ? book_entries(book) : 0; i-- > 0;) {
		struct found found = book_entry(book, i);
		bool group = strcmp(found.means, "cgroup") == 0 ||
			     strcmp(found.means, STANDING_MEANS) == 0;
		bool estate = group && !is_kept(roster, found.where);
		_cleanup_free_ char *where = estate ? strdup(found.where) : NULL;
		struct error err = {0};

		if (!where)
			continue;
		if (writer_undo(writer, where, roster_is_gone(list, where), &err) < 0)
			log_warning("%s", err.text);
		if (i > book_entries(book))
			i = book_entries(book);
	}
}

bool settle_steering(const struct roster *roster, struct writer *writer)
{
	struct error err = {0};

	for (size_t i = 0; i < roster->control.n; i++) {
		if (roster->items[i].terms.cpu.reserve_mcores)
			return false;
	}
	if (writer->book && writer_undo_means(writer, STEER_MEANS, &err) < 0)
		log_warning("%s", err.text);
	/* in the book of groups, of which other means have entries, too */
	if (writer_undo_only(writer, STEER_INSIDE_MEANS, NULL, &err) < 0)
		log_warning("%s", err.text);
	return true;
}
