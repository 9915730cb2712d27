// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/settle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/above.h"
#include "keeper/means_steer.h"
#include "keeper/standing.h"

/* The places of all workspaces, in order: a book has thousands of entries, and each is looked for among them. */
struct kept_places {
	const char **items;
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_kept(const struct roster *roster, struct kept_places *kept)
{
	kept->items = calloc(4 * roster->control.n + 1, sizeof(*kept->items));
	if (!kept->items)
		return -ENOMEM;
	for (size_t i = 0; i < roster->control.n; i++) {
		const struct roster_entry *e = &roster->items[i];
		const char *const places[] = {e->directory, e->standing.memory.directory,
					      e->standing.pids.directory, e->standing.io.directory};

		for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
			if (places[p])
				kept->items[kept->n++] = places[p];
		}
	}
	if (kept->n)
		qsort(kept->items, kept->n, sizeof(*kept->items), by_name);
	return 0;
}

static bool is_kept(const struct kept_places *kept, const char *where)
{
	return kept->n && bsearch(&where, kept->items, kept->n, sizeof(*kept->items), by_name);
}

/* Whose promise cannot be read now has it still, or nobody would know what it had when it has gone. */
static bool is_estate(const struct found *found, const struct kept_places *kept,
		      const struct promise_list *list)
{
	bool group = strcmp(found->means, "cgroup") == 0 ||
		     strcmp(found->means, STANDING_MEANS) == 0;

	return group && !is_kept(kept, found->where) && !book_may_be_for(found, list->unreadable);
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

	struct kept_places kept = {0};

	if (list_kept(roster, &kept) < 0)
		return;
	for (size_t i = book ? book_entries(book) : 0; i-- > 0;) {
		struct found found = book_entry(book, i);
		bool estate = is_estate(&found, &kept, list);
		_cleanup_free_ char *where = estate ? strdup(found.where) : NULL;
		struct error err = {0};

		if (!where)
			continue;
		if (writer_undo(writer, where, roster_is_gone(list, where), &err) < 0)
			log_warning("%s", err.text);
		if (i > book_entries(book))
			i = book_entries(book);
	}
	free(kept.items);
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
