// SPDX-License-Identifier: GPL-2.0-or-later
/* What somebody else sets in the group of a workspace, which is a folder here. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/roster.h"

struct place {
	char path[64];
	int dir;
	struct book *book;
	struct writer writer;
	struct roster_entry entry;
	struct roster roster;
};

static void put(struct place *place, const char *file, const char *text)
{
	ok(file_replace_at(place->dir, file, text, 0600, false, NULL) == 0, "%s", file);
}

/* A limit of 0.3 is set, and 0.5 was found. */
static bool make_place(struct place *place)
{
	struct error err = {0};
	bool damaged;

	strcpy(place->path, "/tmp/behalf-roster-XXXXXX");
	if (!ok(mkdtemp(place->path) != NULL))
		return false;
	place->dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(book_open(place->dir, &place->book, &damaged, &err) == 0, "%s", err.text);
	place->writer.book = place->book;
	place->entry.directory = place->path;
	place->entry.means = &means_cpu_v1;
	place->entry.terms.cpu.limit_mcores = 300;
	place->roster.items = &place->entry;
	put(place, "cpu.cfs_quota_us", "50000\n");
	put(place, "cpu.cfs_period_us", "100000\n");
	ok(place->entry.means->find(&place->writer, place->path, false, &place->entry.applied,
				    &err) == 0,
	   "%s", err.text);
	place->entry.others_quota = 0.5;
	place->entry.applied.quota_cores = 0.3;
	put(place, "cpu.cfs_quota_us", "30000\n");
	return true;
}

static void leave_place(struct place *place)
{
	_cleanup_free_ char *command = string_format("rm -rf %s", place->path);

	book_close(place->book);
	close(place->dir);
	ok(system(command) == 0);
}

static int look(struct place *place)
{
	struct error err = {0};

	return roster_look_at_quota(&place->roster, 0, &place->writer, &err);
}

static bool has_noted(struct place *place, const char *quota)
{
	struct found found;

	return ok(book_find(place->book, place->path, "cpu.cfs_quota_us", &found)) &&
	       is_str(found.text, quota);
}

TEST(a_quota_of_somebody_else_is_believed_when_it_is_read_twice)
{
	_cleanup_free_ char *written = NULL;
	struct place place = {0};

	if (!make_place(&place))
		return;
	is_int(look(&place), 0);
	put(&place, "cpu.cfs_quota_us", "20000\n");
	is_int(look(&place), 0);
	/* another one by now: whoever changes it has not come to an end */
	put(&place, "cpu.cfs_quota_us", "10000\n");
	is_int(look(&place), 0);
	has_noted(&place, "50000");
	is_int(look(&place), 0);
	has_noted(&place, "10000");
	ok(place.entry.others_quota > 0.09 && place.entry.others_quota < 0.11);
	ok(place.entry.applied.quota_cores > 0.09 && place.entry.applied.quota_cores < 0.11);
	/* nothing may be set before the book says so */
	ok(file_read_at(place.dir, "found.json", 4096, &written, NULL, NULL) == 0);
	ok(written && strstr(written, "10000") != NULL && !strstr(written, "50000"));
	leave_place(&place);
}

static int cannot_find(struct writer *writer, const char *directory, bool weight,
		       struct control_setting *now, struct error *err)
{
	return error_set(err, EIO, "'%s' cannot be read", directory);
}

TEST(what_was_found_is_not_forgotten_for_what_cannot_be_read)
{
	struct means_cpu means = means_cpu_v1;
	struct place place = {0};

	if (!make_place(&place))
		return;
	means.find = cannot_find;
	place.entry.means = &means;
	put(&place, "cpu.cfs_quota_us", "20000\n");
	is_int(look(&place), 0);
	is_int(look(&place), -EIO);
	has_noted(&place, "50000");
	/* it is tried again, by one look more */
	place.entry.means = &means_cpu_v1;
	is_int(look(&place), 0);
	is_int(look(&place), 0);
	has_noted(&place, "20000");
	leave_place(&place);
}
