// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "keeper/above.h"
#include "keeper/link_place.h"
#include "keeper/means_burst.h"
#include "keeper/means_steer.h"
#include "keeper/shape.h"
#include "keeper/standing.h"
#include "keeper/threads.h"

#define CGROUP_FILE_MAX_BYTES 65536

static int undo_file(const struct found *found, struct error *err);
static int undo_steering(const struct found *found, struct error *err);

/* A line for each means that can have entries in the book. */
static const struct {
	const char *name;
	int (*undo)(const struct found *found, struct error *err);
} table[] = {
	{"cgroup", undo_file},
	{STEER_MEANS, undo_steering},
	{STEER_INSIDE_MEANS, means_steer_undo_inside},
	{ABOVE_MEANS, undo_file},
	{BURST_MEANS, burst_undo},
	{SHAPE_MEANS, shape_undo},
	{STANDING_MEANS, standing_undo_one},
	{STANDING_CAP_MEANS, standing_undo_one},
	{THREADS_MEANS, threads_undo},
};

static int open_directory(const char *directory, uint64_t *inode, struct error *err)
{
	int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return error_errno(err, errno, "open '%s'", directory);
	if (fstat(fd, &st) < 0) {
		close(fd);
		return error_errno(err, errno, "look at '%s'", directory);
	}
	*inode = st.st_ino;
	return fd;
}

static int read_setting(int dir, const char *directory, const char *file, char **text,
			struct error *err)
{
	int r = file_read_at(dir, file, CGROUP_FILE_MAX_BYTES, text, NULL, err);

	if (r < 0)
		return error_prefix(err, "'%s'", directory);
	(*text)[strcspn(*text, "\n")] = '\0';
	return 0;
}

int writer_note_file(struct writer *writer, const char *means, const char *directory,
		     const char *file, char **text, struct error *err)
{
	_cleanup_free_ char *now = NULL;
	_cleanup_close_ int dir = -EBADF;
	struct found found = {.means = means, .where = directory, .what = file};
	int r;

	dir = open_directory(directory, &found.inode, err);
	if (dir < 0)
		return dir;
	r = read_setting(dir, directory, file, &now, err);
	if (r < 0)
		return r;
	found.text = now;
	found.promise = writer->promise;
	r = writer->book ? book_note(writer->book, &found, err) : 0;
	if (r == 0)
		*text = take_ptr(now);
	return r;
}

/* Also when a keeper before this one has noted it: what that had for this promise has been taken back before. */
static bool is_of_another(const struct writer *writer, const struct found *found)
{
	struct found known;

	return writer->promise && book_find(writer->book, found->where, found->what, &known) &&
	       known.inode == found->inode &&
	       (!known.promise || strcmp(known.promise, writer->promise) != 0);
}

int writer_note_link(struct writer *writer, const struct found *found, struct error *err)
{
	struct found noted = *found;
	int r = 0;

	if (!writer->book)
		return 0;
	r = link_place_know(err);
	if (r < 0)
		return r;
	noted.promise = writer->promise;
	if (is_of_another(writer, found)) {
		noted.promise = NULL;
		r = book_set_promise(writer->book, found->where, NULL, err);
	}
	if (r == 0)
		r = book_note(writer->book, &noted, err);
	return r == 0 ? book_flush(writer->book, err) : r;
}

void writer_tell(struct writer *writer, const char *name, const char *directory, const char *file,
		 const char *text)
{
	_cleanup_json_ struct json_object *line = NULL;

	if (!writer->json) {
		fprintf(writer->dry, "%s: %s/%s = %s\n", name, directory, file, text);
		fflush(writer->dry);
		return;
	}
	line = json_object_new_object();
	json_add_string(line, "workspace", name);
	json_add_string(line, "directory", directory);
	json_add_string(line, "file", file);
	json_add_string(line, "text", text);
	fprintf(writer->dry, "%s\n", json_text(line, false));
	fflush(writer->dry);
}

int writer_set_file(struct writer *writer, const char *name, const char *directory,
		    const char *file, const char *text, struct error *err)
{
	_cleanup_close_ int dir = -EBADF;
	uint64_t inode;
	int r;

	if (writer->dry) {
		writer_tell(writer, name, directory, file, text);
		return 0;
	}
	dir = open_directory(directory, &inode, err);
	if (dir < 0)
		return dir;
	writer->writes++;
	r = file_write_at(dir, file, text, err);
	return r < 0 ? error_prefix(err, "'%s'", directory) : 0;
}

/* ---- putting back ---- */

static int undo_file(const struct found *found, struct error *err)
{
	_cleanup_free_ char *now = NULL;
	_cleanup_close_ int dir = -EBADF;
	uint64_t inode;
	int r;

	dir = open_directory(found->where, &inode, err);
	if (dir == -ENOENT || (dir >= 0 && inode != found->inode))
		return 0;
	if (dir < 0)
		return dir;
	if (read_setting(dir, found->where, found->what, &now, NULL) == 0 &&
	    strcmp(now, found->text) == 0)
		return 0;
	r = file_write_at(dir, found->what, found->text, err);
	/* gone in this very moment */
	if (r == -ENODEV || r == -ENOENT)
		return 0;
	return r < 0 ? error_prefix(err, "'%s'", found->where) : 0;
}

static int undo_steering(const struct found *found, struct error *err)
{
	_cleanup_free_ char *where = means_steer_find(found);
	struct found now = *found;

	if (where)
		now.where = where;
	return undo_file(&now, err);
}

static int undo(struct writer *writer, const struct found *found, struct error *err)
{
	if (writer->dry) {
		writer_tell(writer, "found", found->where, found->what, found->text);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(table[i].name, found->means) == 0)
			return table[i].undo(found, err);
	}
	return error_set(err, EINVAL, "the keeper's book names means '%s', which is not known",
			 found->means);
}

/* Which entries are put back. */
struct undone {
	const char *where;   /* NULL: everywhere */
	bool gone;	     /* what is promised there */
	bool inherited;	     /* those alone, */
	char *const *spared; /* and none that may be for one of these promises; NULL: all */
	bool but_apart;	     /* ifbs, which go together, and what a disk that hangs holds up */
};

static bool is_apart(const struct book *book, const struct found *found)
{
	return shape_is_of_ifb(book, found) || strcmp(found->means, BURST_MEANS) == 0;
}

/* One pass. Those that are put back are forgotten. Returns the last failure, and how many there were. */
static int undo_pass(struct writer *writer, const struct undone *what, size_t *failures,
		     struct error *err)
{
	int result = 0;

	*failures = 0;
	for (size_t i = book_entries(writer->book); i-- > 0;) {
		struct found found = book_entry(writer->book, i);
		int r;

		if (what->where && strcmp(found.where, what->where) != 0)
			continue;
		if (what->inherited && !found.inherited)
			continue;
		if (book_may_be_for(&found, what->spared))
			continue;
		/* for a keeper that is there */
		if (link_place_is_elsewhere(found.where))
			continue;
		if (what->but_apart && is_apart(writer->book, &found))
			continue;
		if (what->gone && found.term && found.none)
			found.text = found.none;
		r = undo(writer, &found, err);
		if (writer->went_on)
			writer->went_on();
		if (r == 0 && !writer->dry)
			book_forget_at(writer->book, i);
		*failures += r < 0;
		result = r < 0 ? r : result;
	}
	return result;
}

/*
 * Some files refuse what others do not allow yet: memory and swap together are never less than memory
 * alone. So what fails is tried again as long as that is of use.
 */
static int undo_entries(struct writer *writer, const struct undone *what, struct error *err)
{
	size_t failures, before;
	struct error told = {0};
	int r = undo_pass(writer, what, &failures, &told);

	for (before = SIZE_MAX; r < 0 && !writer->dry && failures < before;) {
		before = failures;
		r = undo_pass(writer, what, &failures, &told);
	}
	if (r < 0)
		*err = told;
	return r;
}

int writer_undo_all(struct writer *writer, struct error *err)
{
	const struct undone what = {.but_apart = !writer->dry};
	int r = undo_entries(writer, &what, err), next;

	if (writer->dry)
		return r;
	next = shape_undo_ifbs(writer->book, r < 0 ? NULL : err);
	r = r < 0 ? r : next;
	next = book_end(writer->book, r < 0 ? NULL : err);
	return r < 0 ? r : next;
}

int writer_undo(struct writer *writer, const char *where, bool gone, struct error *err)
{
	int r = undo_entries(writer, &(struct undone){.where = where, .gone = gone}, err);

	book_forget(writer->book, where);
	return r;
}

int writer_undo_inherited(struct writer *writer, const char *where, char *const *spared,
			  struct error *err)
{
	const struct undone what = {
		.where = where, .gone = true, .inherited = true, .spared = spared};
	int r = undo_entries(writer, &what, err);

	book_forget_inherited(writer->book, where, spared);
	return r;
}

int writer_undo_means(struct writer *writer, const char *means, struct error *err)
{
	int result = 0;

	for (size_t i = book_entries(writer->book); i-- > 0;) {
		struct found found = book_entry(writer->book, i);
		_cleanup_free_ char *where = strcmp(found.means, means) == 0 ? strdup(found.where)
									     : NULL;
		int r = where ? writer_undo(writer, where, true, err) : 0;

		result = r < 0 ? r : result;
		if (i > book_entries(writer->book))
			i = book_entries(writer->book);
	}
	return result;
}

int writer_undo_only(struct writer *writer, const char *means, const char *where, struct error *err)
{
	int result = 0;

	for (size_t i = writer->book ? book_entries(writer->book) : 0; i-- > 0;) {
		struct found found = book_entry(writer->book, i);
		int r;

		if (strcmp(found.means, means) != 0 || (where && strcmp(found.where, where) != 0))
			continue;
		r = undo(writer, &found, err);
		result = r < 0 ? r : result;
		book_forget_one(writer->book, found.where, found.what);
	}
	return result;
}
