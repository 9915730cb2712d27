// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/above.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strings.h"

/* What a core of reserve weighs, as in terms.h, and the kernel's bounds. */
#define V1_OF_CORE 65536.0
#define V1_MAX 262144.0
#define V2_OF_CORE 2500.0
#define V2_MAX 10000.0

/* A change that is worth a write, and what is there before anything is asked for. */
#define CHANGE 0.2
#define READY_CORES 0.05

struct above_group {
	char *directory;
	uint64_t inode; /* another one may have its name by now */
	uint64_t file;	/* of its weight, in the same way; 0: there was none yet */
	int version;
	double found, set;
	double cores; /* asked for by those below, in this round */
	bool fails;   /* told */
};

void above_clear(struct above *above)
{
	for (size_t i = 0; i < above->n; i++)
		free(above->groups[i].directory);
	free(above->groups);
	*above = (struct above){0};
}

static struct above_group *find(const struct above *above, const char *directory, size_t length)
{
	for (size_t i = 0; i < above->n; i++) {
		const char *known = above->groups[i].directory;

		if (known && strncmp(known, directory, length) == 0 && known[length] == '\0')
			return &above->groups[i];
	}
	return NULL;
}

static const char *file_of(const struct above_group *group)
{
	return group->version == 2 ? "cpu.weight" : "cpu.shares";
}

/*
 * What is promised a reserve or a share itself has a weight of its own. That is not what it was for those below any
 * more, and has its place in the book all the same.
 */
static bool is_weighed(const struct roster *roster, const char *directory, size_t length)
{
	for (size_t i = 0; i < roster->control.n; i++) {
		const struct roster_entry *e = &roster->items[i];

		if (e->weighed && strncmp(e->directory, directory, length) == 0 &&
		    e->directory[length] == '\0')
			return true;
	}
	return false;
}

/* Who was promised something itself, and is not any more, has had back all that was found there. */
static bool is_noted(const struct writer *writer, const struct above_group *group)
{
	struct found found;

	return !writer->book ||
	       (book_find(writer->book, group->directory, file_of(group), &found) &&
		found.inode == group->inode);
}

static uint64_t inode_of_file(const struct above_group *group)
{
	_cleanup_free_ char *path = string_format("%s/%s", group->directory, file_of(group));
	struct stat st;

	return path && stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Where there is none nothing can be done, and the reserve is one of what the group gets. */
static void find_weight(struct above_group *group, struct writer *writer)
{
	_cleanup_free_ char *text = NULL;
	struct found found;

	group->file = inode_of_file(group);
	if (writer_note_file(writer, ABOVE_MEANS, group->directory, file_of(group), &text, NULL) <
	    0)
		return;
	group->found = group->set = strtod(text, NULL);
	if (writer->book && book_find(writer->book, group->directory, file_of(group), &found))
		group->found = strtod(found.text, NULL);
}

/* On v2 the file of a controller that was switched off and on is another, and says what it says of a new group. */
static void look_again(struct above_group *group, struct writer *writer)
{
	uint64_t file = group->version == 2 ? inode_of_file(group) : 0;

	if (file && file != group->file)
		find_weight(group, writer);
}

static int add(struct above *next, struct above *before, struct writer *writer,
	       const struct roster *roster, const char *directory, size_t length, int version,
	       struct error *err)
{
	struct above_group *known = find(before, directory, length), *more;
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (find(next, directory, length) || is_weighed(roster, directory, length))
		return 0;
	path = strndup(directory, length);
	if (!path)
		return error_oom(err);
	/* it went in this moment */
	if (stat(path, &st) < 0)
		return 0;
	more = realloc(next->groups, (next->n + 1) * sizeof(*more));
	if (!more)
		return error_oom(err);
	next->groups = more;
	more = &more[next->n];
	if (known && known->inode == st.st_ino && (!known->found || is_noted(writer, known))) {
		*more = *known;
		known->directory = NULL;
		next->n++;
		return 0;
	}
	*more = (struct above_group){
		.directory = take_ptr(path), .inode = st.st_ino, .version = version};
	next->n++;
	find_weight(more, writer);
	return 0;
}

/* The groups between that of an entry and the root, which is another file system than what it is in. */
static int add_above(struct above *next, struct above *before, struct writer *writer,
		     const struct roster *roster, const struct roster_entry *e, struct error *err)
{
	size_t length = strlen(e->directory);
	struct stat own, st;
	int version = e->means->weight_of_core == means_cpu_v2.weight_of_core ? 2 : 1, r = 0;

	if (stat(e->directory, &own) < 0)
		return 0;
	while (r == 0) {
		_cleanup_free_ char *up = NULL;

		do
			length--;
		while (length > 0 && e->directory[length] != '/');
		up = length ? string_format("%.*s/..", (int)length, e->directory) : NULL;
		if (!up || stat(up, &st) < 0 || st.st_dev != own.st_dev)
			break;
		r = add(next, before, writer, roster, e->directory, length, version, err);
	}
	return r;
}

static int follow_roster(struct above *above, struct writer *writer, const struct roster *roster,
			 struct error *err)
{
	struct above next = {.generation = roster->generation};
	int r = 0;

	if (above->generation == roster->generation)
		return 0;
	for (size_t i = 0; i < roster->control.n && r == 0; i++) {
		if (roster->items[i].weighed_mcores)
			r = add_above(&next, above, writer, roster, &roster->items[i], err);
	}
	for (size_t i = 0; i < above->n; i++) {
		const char *directory = above->groups[i].directory;

		if (directory && !is_weighed(roster, directory, strlen(directory)) &&
		    !find(&next, directory, strlen(directory)))
			writer_undo_only(writer, ABOVE_MEANS, directory, NULL);
	}
	above_clear(above);
	*above = next;
	return r;
}

/* Everybody above the entry hears what it asks for. */
static void ask(struct above *above, const struct roster_entry *e,
		const struct control_workspace *w)
{
	double cores = w->reserve.wanted;

	if (cores < READY_CORES)
		cores = READY_CORES;
	cores += w->io_own_mcores / 1000.0;
	for (size_t i = 0; i < above->n; i++) {
		struct above_group *group = &above->groups[i];
		size_t length = strlen(group->directory);

		if (strncmp(e->directory, group->directory, length) == 0 &&
		    e->directory[length] == '/')
			group->cores += cores;
	}
}

static void set(struct above_group *group, struct writer *writer)
{
	double wanted =
		group->found + group->cores * (group->version == 2 ? V2_OF_CORE : V1_OF_CORE);
	double most = group->version == 2 ? V2_MAX : V1_MAX;
	_cleanup_free_ char *text = NULL;
	struct error err = {0};
	int r;

	if (wanted > most)
		wanted = most;
	if (!group->found ||
	    (wanted < group->set * (1 + CHANGE) && wanted > group->set * (1 - CHANGE)))
		return;
	text = string_format("%.0f", wanted);
	r = text ? writer_set_file(writer, group->directory, group->directory, file_of(group), text,
				   &err)
		 : -ENOMEM;
	/* what could not be written is not there, and is tried again */
	if (r == 0)
		group->set = wanted;
	if (r < 0 && r != -ENOENT && !group->fails)
		log_warning("reserves below '%s' hold among its own only: %s", group->directory,
			    err.text);
	group->fails = r < 0;
}

void above_round(struct above *above, struct writer *writer, const struct roster *roster)
{
	struct error err = {0};

	if (follow_roster(above, writer, roster, &err) < 0)
		log_warning("reserves in groups of others are not kept: %s", err.text);
	if (!above->n)
		return;
	for (size_t i = 0; i < above->n; i++)
		look_again(&above->groups[i], writer);
	if (writer->book && !writer->dry && book_flush(writer->book, &err) < 0) {
		log_warning("%s", err.text);
		return;
	}
	for (size_t i = 0; i < above->n; i++)
		above->groups[i].cores = 0;
	for (size_t i = 0; i < roster->control.n; i++) {
		if (roster->items[i].weighed_mcores && !roster->control.workspaces[i].gone)
			ask(above, &roster->items[i], &roster->control.workspaces[i]);
	}
	for (size_t i = 0; i < above->n; i++)
		set(&above->groups[i], writer);
}
