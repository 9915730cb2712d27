// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An entry of the book is {WHERE: directory, WHAT: file, TEXT: to be written to it}; the file of a disk's limit
 * has a line for each disk, so that WHAT is "FILE MAJOR:MINOR" there, and "io.max MAJOR:MINOR rbps" of a value in it.
 */
#include "keeper/standing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/standing_setting.h"

#define FILE_MAX_BYTES 65536

/* ---- places ---- */

static int open_place(const struct cgroup *cgroup, enum cgroup_controller controller,
		      char **directory, int *version, struct error *err)
{
	const char *path = cgroup_directory(cgroup, controller);

	if (!path)
		return 0;
	*version = cgroup_version(cgroup, controller);
	*directory = strdup(path);
	return *directory ? 0 : error_oom(err);
}

/* On v1 it may be in a v2 hierarchy beside it. */
static int open_pressure(const struct cgroup *cgroup, struct standing *standing, struct error *err)
{
	const char *path = cgroup_directory(cgroup, CGROUP_CORE);
	_cleanup_free_ char *file = path ? string_format("%s/io.pressure", path) : NULL;

	if (!file || access(file, R_OK) < 0)
		return 0;
	standing->pressure_directory = strdup(path);
	return standing->pressure_directory ? 0 : error_oom(err);
}

int standing_open(const struct cgroup *cgroup, struct standing *standing, struct error *err)
{
	int r = open_place(cgroup, CGROUP_MEMORY, &standing->memory.directory,
			   &standing->memory.version, err);

	if (r == 0)
		r = open_place(cgroup, CGROUP_PIDS, &standing->pids.directory,
			       &standing->pids.version, err);
	if (r == 0)
		r = open_place(cgroup, CGROUP_IO, &standing->io.directory, &standing->io.version,
			       err);
	return r == 0 ? open_pressure(cgroup, standing, err) : r;
}

void standing_clear(struct standing *standing)
{
	free(standing->memory.directory);
	free(standing->pids.directory);
	free(standing->io.directory);
	free(standing->pressure_directory);
	free(standing->disks);
	*standing = (struct standing){0};
}

/* ---- memory and pids ---- */

struct number {
	const char *directory, *file, *none;
	uint64_t now; /* 0: it is taken back */
	bool of_container, changed;
};

static bool is_noted(const struct writer *writer, const char *directory, const char *what)
{
	struct found found;

	return writer->book && book_find(writer->book, directory, what, &found);
}

static int set_number(struct writer *writer, const char *name, const struct number *n,
		      struct error *err)
{
	_cleanup_free_ char *text = string_format("%" PRIu64, n->now);
	struct standing_setting s = {.directory = n->directory,
				     .file = n->file,
				     .text = text,
				     .none = n->none,
				     .term = n->of_container ? n->now : 0,
				     .changed = n->changed};

	if (!text)
		return error_oom(err);
	if (!n->directory)
		return n->now ? error_set(err, ENODEV, "there is no controller with '%s'", n->file)
			      : 0;
	return n->now ? standing_set_one(writer, name, &s, err)
		      : standing_take_back(writer, &s, err);
}

#define LIMIT_FILE "memory.limit_in_bytes"
#define SWAP_FILE "memory.memsw.limit_in_bytes"

static uint64_t read_number(const char *directory, const char *file)
{
	_cleanup_free_ char *path = string_format("%s/%s", directory, file), *text = NULL;

	return path && file_read_at(AT_FDCWD, path, FILE_MAX_BYTES, &text, NULL, NULL) == 0
		       ? strtoull(text, NULL, 10)
		       : 0;
}

/*
 * v1 refuses a limit above that of memory and swap together, which somebody else may have set: it is raised by
 * as much, so that what may be swapped stays the same (mm/memcontrol-v1.c, mem_cgroup_resize_max). Without
 * swap accounting there is none.
 */
static int make_room_v1(struct writer *writer, const char *name, const struct number *limit,
			struct error *err)
{
	struct number both = *limit;
	uint64_t now, found = read_number(limit->directory, SWAP_FILE);

	if (!found || limit->now <= found)
		return 0;
	now = read_number(limit->directory, LIMIT_FILE);
	both.file = SWAP_FILE;
	/* a container's maker has set both to the same */
	both.now = limit->now + (found > now ? found - now : 0);
	return set_number(writer, name, &both, err);
}

/* Both are put back, whichever of them has to go first. */
static int take_back_v1(struct writer *writer, const char *name, const struct number *limit,
			struct error *err)
{
	struct number both = *limit;
	struct found found;
	bool term = writer->book && book_find(writer->book, limit->directory, LIMIT_FILE, &found) &&
		    found.term;
	int r, first;

	both.file = SWAP_FILE;
	/* the maker's limit goes, and what it has set with it */
	if (term && read_number(limit->directory, SWAP_FILE)) {
		both.now = 0;
		writer->writes++;
		standing_undo_one(&(struct found){.where = limit->directory,
						  .what = SWAP_FILE,
						  .text = limit->none,
						  .inode = found.inode},
				  NULL);
		book_forget_one(writer->book, limit->directory, SWAP_FILE);
	}
	first = set_number(writer, name, limit, NULL);
	r = is_noted(writer, limit->directory, SWAP_FILE) ? set_number(writer, name, &both, err)
							  : 0;
	if (first < 0)
		first = set_number(writer, name, limit, err);
	return first < 0 ? first : r;
}

/* Room that was made for a higher limit is not needed below what was found; a maker's is as much as the limit. */
static void give_room_back_v1(struct writer *writer, const char *name, const struct number *limit)
{
	struct number both = *limit;
	struct found found;

	both.file = SWAP_FILE;
	if (!writer->book || !book_find(writer->book, limit->directory, SWAP_FILE, &found))
		return;
	if (!found.term)
		both.now = 0;
	if (strtoull(found.text, NULL, 10) >= limit->now)
		set_number(writer, name, &both, NULL);
}

static int set_limit_v1(struct writer *writer, const char *name, const struct number *limit,
			struct error *err)
{
	int r;

	if (!limit->now)
		return take_back_v1(writer, name, limit, err);
	r = make_room_v1(writer, name, limit, err);
	if (r == 0)
		r = set_number(writer, name, limit, err);
	if (r == 0)
		give_room_back_v1(writer, name, limit);
	return r;
}

static int set_value(struct writer *writer, const char *name, const struct number *number,
		     struct standing_value *value, struct error *err)
{
	bool limit_v1 = number->directory && strcmp(number->file, LIMIT_FILE) == 0;
	struct number n = *number;
	int r;

	if (!standing_is_due(value, number->now))
		return 0;
	n.changed = value->known;
	r = limit_v1 ? set_limit_v1(writer, name, &n, err) : set_number(writer, name, &n, err);
	if (r == 0)
		*value = (struct standing_value){.now = number->now, .known = true};
	return r;
}

static int set_memory(struct writer *writer, const char *name, struct standing *standing,
		      const struct terms_memory *memory, struct error *err)
{
	const bool v1 = standing->memory.version == 1;
	const struct number limit = {.directory = standing->memory.directory,
				     .file = v1 ? LIMIT_FILE : "memory.max",
				     .none = v1 ? "-1" : "max",
				     .now = memory->limit_bytes,
				     .of_container = standing->of_container};
	const struct number reserve = {.directory = standing->memory.directory,
				       .file = "memory.min",
				       .none = "0",
				       .now = memory->reserve_bytes};
	struct error why = {0};
	int result = set_value(writer, name, &limit, &standing->memory_limit, err), r = 0;

	if (!v1)
		r = set_value(writer, name, &reserve, &standing->memory_reserve, &why);
	else if (reserve.now)
		r = error_set(&why, ENODEV, "v1 of the memory controller keeps no reserve");
	return standing_first(result, r, &why, err);
}

static int set_pids(struct writer *writer, const char *name, struct standing *standing,
		    uint64_t limit, struct error *err)
{
	const struct number n = {.directory = standing->pids.directory,
				 .file = "pids.max",
				 .none = "max",
				 .now = limit,
				 .of_container = standing->of_container};

	return set_value(writer, name, &n, &standing->pids_limit, err);
}

/* ---- of a controller that is switched off and on ---- */

static uint64_t inode_of(const char *directory, int version, const char *file)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (!directory || version != 2)
		return 0;
	path = string_format("%s/%s", directory, file);
	return path && stat(path, &st) == 0 ? st.st_ino : 0;
}

enum { FILE_OF_MEMORY, FILE_OF_PIDS, FILE_OF_DISKS };

/* What is set of the others stays known: over it may be what holds for a while. */
static void forget_values(struct standing *s, size_t file)
{
	const struct standing_value unknown = {0};

	if (file == FILE_OF_MEMORY)
		s->memory_limit = s->memory_reserve = unknown;
	else if (file == FILE_OF_PIDS)
		s->pids_limit = unknown;
	else
		standing_forget_disks(s);
}

/*
 * At those in which TERMS have something. One that is not there now is remembered, as it comes back as another one.
 * Whether any has.
 */
static bool look_at_files(struct standing *s, const struct terms *terms)
{
	const struct {
		bool wanted;
		const char *directory;
		int version;
		const char *name;
	} files[STANDING_FILES] = {
		[FILE_OF_MEMORY] = {terms->memory.limit_bytes || terms->memory.reserve_bytes,
				    s->memory.directory, s->memory.version, "memory.max"},
		[FILE_OF_PIDS] = {terms->pids_limit != 0, s->pids.directory, s->pids.version,
				  "pids.max"},
		[FILE_OF_DISKS] = {terms->n_disks != 0, s->io.directory, s->io.version, "io.max"},
	};
	bool others = false;

	for (size_t i = 0; i < STANDING_FILES; i++) {
		uint64_t now = files[i].wanted ? inode_of(files[i].directory, files[i].version,
							  files[i].name)
					       : 0;

		if (files[i].wanted && !now)
			continue;
		if (now && s->files[i] && now != s->files[i]) {
			forget_values(s, i);
			others = true;
		}
		s->files[i] = now;
	}
	return others;
}

void standing_look(struct standing *s)
{
	if (s->asked && look_at_files(s, &s->wanted))
		s->failed = true;
}

/* ---- all ---- */

int standing_set(struct writer *writer, const char *name, struct standing *standing,
		 const struct terms *terms, struct error *err)
{
	struct error why = {0};
	int result, r;

	if (standing->asked && !standing->failed &&
	    memcmp(terms, &standing->wanted, sizeof(*terms)) == 0)
		return 0;
	/* before anything is written: a file that changes after that is seen the next time */
	look_at_files(standing, terms);
	result = set_memory(writer, name, standing, &terms->memory, err);
	r = set_pids(writer, name, standing, terms->pids_limit, &why);
	result = standing_first(result, r, &why, err);
	r = standing_set_disks(writer, name, standing, terms, &why);
	result = standing_first(result, r, &why, err);
	standing->failed = result < 0;
	standing->wanted = *terms;
	standing->asked = true;
	return result;
}

/* ---- putting back ---- */

int standing_undo(struct writer *writer, const struct standing *standing, bool gone,
		  struct error *err)
{
	const char *places[] = {standing->memory.directory, standing->pids.directory,
				standing->io.directory};
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int r = places[i] && writer->book ? writer_undo(writer, places[i], gone, err) : 0;

		result = r < 0 ? r : result;
	}
	return result;
}
