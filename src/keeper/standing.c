// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An entry of the book is {WHERE: directory, WHAT: file, TEXT: to be written to it}; the file of a disk's limit
 * has a line for each disk, so that WHAT is "FILE MAJOR:MINOR" there.
 */
#include "keeper/standing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/disk_weight.h"
#include "kernel/topology.h"

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
	*standing = (struct standing){0};
}

/* ---- files ---- */

/* The line of FILE that begins with KEY, or its first one when KEY is NULL; the caller's to free. NULL: none. */
static char *read_line(int dir, const char *file, const char *key)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;

	if (file_read_at(dir, file, FILE_MAX_BYTES, &text, NULL, NULL) < 0)
		return NULL;
	for (line = text; line && *line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		if (!key || (string_starts_with(line, key) && line[strlen(key)] == ' '))
			return strdup(line);
	}
	return NULL;
}

struct setting {
	const char *directory, *file;
	const char *disk;  /* "8:0"; NULL: the file is of one value */
	const char *text;  /* to be written */
	const char *none;  /* what is written for no limit */
	const char *means; /* NULL: STANDING_MEANS */
};

static int note(struct writer *writer, int dir, const struct setting *s, struct error *err)
{
	_cleanup_free_ char *what = s->disk ? string_format("%s %s", s->file, s->disk)
					    : strdup(s->file);
	_cleanup_free_ char *line = read_line(dir, s->file, s->disk);
	struct found found = {
		.means = s->means ? s->means : STANDING_MEANS, .where = s->directory, .what = what};
	struct stat st;
	int r;

	if (!what)
		return error_oom(err);
	if (fstat(dir, &st) < 0)
		return error_errno(err, errno, "look at '%s'", s->directory);
	found.inode = st.st_ino;
	found.text = line ? line : s->none;
	r = book_note(writer->book, &found, err);
	return r == 0 ? book_flush(writer->book, err) : r;
}

/* A cap that is lifted leaves what it was set over, which may be a limit of somebody else's. */
static const char *text_to_write(const struct writer *writer, const struct setting *s)
{
	_cleanup_free_ char *what = s->disk ? string_format("%s %s", s->file, s->disk) : NULL;
	struct found found;

	if (writer->book && what && strcmp(s->text, s->none) == 0 &&
	    book_find(writer->book, s->directory, what, &found) &&
	    strcmp(found.means, STANDING_CAP_MEANS) == 0)
		return found.text;
	return s->text;
}

static int set(struct writer *writer, const char *name, const struct setting *s, struct error *err)
{
	_cleanup_close_ int dir = -EBADF;
	int r = 0;

	if (writer->dry) {
		writer_tell(writer, name, s->directory, s->file, s->text);
		return 0;
	}
	dir = open(s->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno, "open the control group '%s'", s->directory);
	if (writer->book)
		r = note(writer, dir, s, err);
	if (r < 0)
		return r;
	writer->writes++;
	r = file_write_at(dir, s->file, text_to_write(writer, s), err);
	return r < 0 ? error_prefix(err, "control group '%s'", s->directory) : 0;
}

/* ---- memory and pids ---- */

static int set_number(struct writer *writer, const char *name, const char *directory,
		      const char *file, uint64_t value, const char *none, struct error *err)
{
	_cleanup_free_ char *text = value ? string_format("%" PRIu64, value) : strdup(none);
	struct setting s = {.directory = directory, .file = file, .text = text, .none = none};

	if (!text)
		return error_oom(err);
	if (!directory)
		return error_set(err, ENODEV, "there is no controller with '%s'", file);
	return set(writer, name, &s, err);
}

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
static int make_room_v1(struct writer *writer, const char *name, const char *directory,
			uint64_t limit, struct error *err)
{
	uint64_t both = read_number(directory, SWAP_FILE), now, room;

	if (!both || (limit && limit <= both))
		return 0;
	now = read_number(directory, "memory.limit_in_bytes");
	room = both > now ? both - now : 0;
	return set_number(writer, name, directory, SWAP_FILE, limit ? limit + room : 0, "-1", err);
}

static int set_memory_limit(struct writer *writer, const char *name,
			    const struct standing *standing, uint64_t limit, struct error *err)
{
	const char *directory = standing->memory.directory;
	int r;

	if (!directory || standing->memory.version != 1)
		return set_number(writer, name, directory, "memory.max", limit, "max", err);
	r = make_room_v1(writer, name, directory, limit, err);
	return r == 0 ? set_number(writer, name, directory, "memory.limit_in_bytes", limit, "-1",
				   err)
		      : r;
}

static int set_memory(struct writer *writer, const char *name, const struct standing *standing,
		      const struct terms_memory *memory, struct error *err)
{
	int r = 0;

	if (memory->limit_bytes != standing->set.memory.limit_bytes)
		r = set_memory_limit(writer, name, standing, memory->limit_bytes, err);
	if (r < 0 || memory->reserve_bytes == standing->set.memory.reserve_bytes)
		return r;
	if (standing->memory.version == 1)
		return error_set(err, ENODEV, "v1 of the memory controller keeps no reserve");
	return set_number(writer, name, standing->memory.directory, "memory.min",
			  memory->reserve_bytes, "0", err);
}

/* ---- disks ---- */

/* The whole disk that DEVICE names, as the controllers want it; the caller's to free. */
static char *resolve(const struct topology *topology, const char *device)
{
	char number[32] = "";
	struct stat st;

	if (device[0] == '\0' && stat("/", &st) == 0)
		snprintf(number, sizeof(number), "%u:%u", major(st.st_dev), minor(st.st_dev));
	else if (device[0] == '/' && stat(device, &st) == 0 && S_ISBLK(st.st_mode))
		snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	else if (device[0] != '/')
		snprintf(number, sizeof(number), "%.31s", device);
	for (size_t i = 0; i < topology->n_disks; i++) {
		if (strcmp(topology->disks[i].device, number) == 0)
			return strdup(topology->disks[i].whole);
	}
	return NULL;
}

static uint64_t limit_of(const struct terms_disk_flow *flow, bool write, bool iops)
{
	if (write && flow->buffered)
		return 0;
	return iops ? flow->limit_iops : flow->limit_bytes;
}

static int set_disk_v1(struct writer *writer, const char *name, const char *directory,
		       const char *means, const char *disk, const struct terms_disk *terms,
		       const struct terms_disk *before, struct error *err)
{
	static const char *const files[] = {"blkio.throttle.read_bps_device",
					    "blkio.throttle.read_iops_device",
					    "blkio.throttle.write_bps_device",
					    "blkio.throttle.write_iops_device"};
	_cleanup_free_ char *none = string_format("%s 0", disk);
	int r = 0;

	if (!none)
		return error_oom(err);
	for (unsigned int i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		const enum terms_access access = i < 2 ? TERMS_READ : TERMS_WRITE;
		uint64_t limit = limit_of(&terms->flow[access], i >= 2, i % 2);
		_cleanup_free_ char *text = NULL;

		if (limit == limit_of(&before->flow[access], i >= 2, i % 2))
			continue;
		text = string_format("%s %" PRIu64, disk, limit);
		if (!text)
			return error_oom(err);
		r = set(writer, name,
			&(struct setting){directory, files[i], disk, text, none, means}, err);
	}
	return r;
}

struct number_text {
	char text[24];
};

static struct number_text number_or_max(uint64_t value)
{
	struct number_text t = {"max"};

	if (value)
		snprintf(t.text, sizeof(t.text), "%" PRIu64, value);
	return t;
}

static int set_disk_v2(struct writer *writer, const char *name, const char *directory,
		       const char *means, const char *disk, const struct terms_disk *terms,
		       struct error *err)
{
	const struct terms_disk_flow *read = &terms->flow[TERMS_READ];
	const struct terms_disk_flow *write = &terms->flow[TERMS_WRITE];
	_cleanup_free_ char *none = string_format("%s rbps=max wbps=max riops=max wiops=max", disk);
	_cleanup_free_ char *text = string_format("%s rbps=%s wbps=%s riops=%s wiops=%s", disk,
						  number_or_max(limit_of(read, false, false)).text,
						  number_or_max(limit_of(write, true, false)).text,
						  number_or_max(limit_of(read, false, true)).text,
						  number_or_max(limit_of(write, true, true)).text);

	if (!none || !text)
		return error_oom(err);
	return set(writer, name, &(struct setting){directory, "io.max", disk, text, none, means},
		   err);
}

static bool same_limits(const struct terms_disk *a, const struct terms_disk *b)
{
	for (unsigned int i = 0; i < 4; i++) {
		const enum terms_access access = i < 2 ? TERMS_READ : TERMS_WRITE;

		if (limit_of(&a->flow[access], i >= 2, i % 2) !=
		    limit_of(&b->flow[access], i >= 2, i % 2))
			return false;
	}
	return true;
}

/* One weight for both, as the kernel has it: the higher one. */
static uint32_t share_of(const struct terms_disk *terms)
{
	uint32_t read = terms->flow[TERMS_READ].share, write = terms->flow[TERMS_WRITE].share;

	return read > write ? read : write;
}

static int set_share(struct writer *writer, const char *name, const struct standing *standing,
		     const char *disk, uint32_t share, struct error *err)
{
	_cleanup_free_ char *none = string_format("%s default", disk), *text = NULL;
	const char *file = NULL;
	int r = disk_weight_file(disk, standing->io.version, &file, err);

	/* it was switched off meanwhile: there is nothing to take back */
	if (r < 0)
		return share ? r : 0;
	if (none)
		text = share ? string_format("%s %u", disk, disk_weight_of_share(file, share))
			     : strdup(none);
	if (!text)
		return error_oom(err);
	return set(writer, name, &(struct setting){standing->io.directory, file, disk, text, none},
		   err);
}

static int set_limits(struct writer *writer, const char *name, const struct standing *standing,
		      const char *means, const char *disk, const struct terms_disk *terms,
		      const struct terms_disk *before, struct error *err)
{
	if (same_limits(terms, before))
		return 0;
	if (standing->io.version == 1)
		return set_disk_v1(writer, name, standing->io.directory, means, disk, terms, before,
				   err);
	return set_disk_v2(writer, name, standing->io.directory, means, disk, terms, err);
}

static int set_disk(struct writer *writer, const char *name, const struct standing *standing,
		    const struct topology *topology, const struct terms_disk *terms,
		    const struct terms_disk *before, struct error *err)
{
	_cleanup_free_ char *disk = NULL;

	int r;

	if (same_limits(terms, before) && share_of(terms) == share_of(before))
		return 0;
	if (!standing->io.directory)
		return error_set(err, ENODEV, "there is no controller for disks");
	disk = resolve(topology, terms->device);
	if (!disk)
		return error_set(err, ENODEV, "'%s' is no disk of this host",
				 terms->device[0] ? terms->device : "/");
	r = set_limits(writer, name, standing, STANDING_MEANS, disk, terms, before, err);
	if (r < 0 || share_of(terms) == share_of(before))
		return r;
	return set_share(writer, name, standing, disk, share_of(terms), err);
}

int standing_cap_disk(struct writer *writer, const char *name, const struct standing *standing,
		      const struct standing_disk *disk, const double caps[TERMS_ACCESSES],
		      struct error *err)
{
	/* unlike those of before in any case: what is set is not remembered here */
	const struct terms_disk unknown = {
		.flow = {{.limit_bytes = UINT64_MAX}, {.limit_bytes = UINT64_MAX}}};
	struct terms_disk capped = disk->terms;

	for (int access = 0; access < TERMS_ACCESSES; access++) {
		struct terms_disk_flow *flow = &capped.flow[access];
		uint64_t cap = (uint64_t)caps[access];

		/* a limit that is not set at the disk is none here */
		flow->limit_bytes = limit_of(flow, access == TERMS_WRITE, false);
		flow->limit_iops = limit_of(flow, access == TERMS_WRITE, true);
		flow->buffered = false;
		if (cap && (!flow->limit_bytes || cap < flow->limit_bytes))
			flow->limit_bytes = cap;
	}
	return set_limits(writer, name, standing, STANDING_CAP_MEANS, disk->number, &capped,
			  &unknown, err);
}

/* Those of TERMS, and those that were set before and are in TERMS no more. */
static int set_disks(struct writer *writer, const char *name, const struct standing *standing,
		     const struct topology *topology, const struct terms *terms, struct error *err)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < terms->n_disks; i++) {
		const struct terms_disk nothing = {0}, *disk = &terms->disks[i];
		const struct terms_disk *before = terms_disk_of(&standing->set, disk->device);

		r = set_disk(writer, name, standing, topology, disk, before ? before : &nothing,
			     err);
	}
	for (unsigned int i = 0; r == 0 && i < standing->set.n_disks; i++) {
		const struct terms_disk *before = &standing->set.disks[i];
		struct terms_disk nothing = {0};

		memcpy(nothing.device, before->device, sizeof(nothing.device));
		if (!terms_disk_of(terms, before->device))
			r = set_disk(writer, name, standing, topology, &nothing, before, err);
	}
	return r;
}

static int read_topology(struct topology *topology, struct error *err)
{
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_errno(err, errno, "open '/'");
	return topology_read(root, topology, err);
}

int standing_find_disk(const char *device, struct standing_disk *disk, struct error *err)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	_cleanup_free_ char *number = NULL;
	int r = read_topology(&topology, err);

	if (r < 0)
		return r;
	number = resolve(&topology, device);
	if (!number)
		return error_set(err, ENODEV, "'%s' is no disk of this host",
				 device[0] ? device : "/");
	*disk = (struct standing_disk){0};
	snprintf(disk->number, sizeof(disk->number), "%s", number);
	return 0;
}

int standing_set(struct writer *writer, const char *name, struct standing *standing,
		 const struct terms *terms, struct error *err)
{
	struct topology topology = {0};
	int r;

	if (memcmp(terms, &standing->set, sizeof(*terms)) == 0)
		return 0;
	r = set_memory(writer, name, standing, &terms->memory, err);
	if (r == 0 && terms->pids_limit != standing->set.pids_limit)
		r = set_number(writer, name, standing->pids.directory, "pids.max",
			       terms->pids_limit, "max", err);
	if (r == 0 && (terms->n_disks || standing->set.n_disks)) {
		r = read_topology(&topology, err);
		if (r == 0)
			r = set_disks(writer, name, standing, &topology, terms, err);
		topology_clear(&topology);
	}
	if (r == 0)
		standing->set = *terms;
	return r;
}

/* ---- putting back ---- */

bool standing_is_at(const struct standing *standing, const char *directory)
{
	const char *places[] = {standing->memory.directory, standing->pids.directory,
				standing->io.directory};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i] && strcmp(places[i], directory) == 0)
			return true;
	}
	return false;
}

int standing_undo(struct writer *writer, const struct standing *standing, struct error *err)
{
	const char *places[] = {standing->memory.directory, standing->pids.directory,
				standing->io.directory};
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int r = places[i] && writer->book ? writer_undo(writer, places[i], err) : 0;

		result = r < 0 ? r : result;
	}
	return result;
}

int standing_undo_one(const struct found *found, struct error *err)
{
	_cleanup_free_ char *file = strndup(found->what, strcspn(found->what, " "));
	_cleanup_close_ int dir = open(found->where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (!file)
		return error_oom(err);
	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0 || fstat(dir, &st) < 0)
		return error_errno(err, errno, "open the control group '%s'", found->where);
	if (st.st_ino != found->inode)
		return 0;
	r = file_write_at(dir, file, found->text, err);
	/* gone in this very moment */
	if (r == -ENODEV || r == -ENOENT)
		return 0;
	return r < 0 ? error_prefix(err, "control group '%s'", found->where) : 0;
}
