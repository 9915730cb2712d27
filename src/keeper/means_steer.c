// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/means_steer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/cpu_mask.h"
#include "keeper/netspaces.h"
#include "kernel/sysfs.h"

#define LINKS "/sys/class/net"
#define INTERRUPTS "/proc/irq"

static struct cpus but_for(const struct cpus *all, const struct cpus *avoid)
{
	struct cpus left = {0};

	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(all, cpu) && !cpus_has(avoid, cpu))
			cpus_add(&left, cpu);
	}
	return left;
}

/* What was found is in the book, on the disk, before anything is written. */
static int set(struct writer *writer, const char *directory, const char *file, const char *text,
	       bool *changed, struct error *err)
{
	_cleanup_free_ char *found = NULL;
	int r = writer_note_file(writer, STEER_MEANS, directory, file, &found, err);

	if (r == 0 && writer->book && !writer->dry)
		r = book_flush(writer->book, err);
	if (r == 0)
		r = writer_set_file(writer, "host", directory, file, text, err);
	if (r == 0)
		*changed = true;
	return r;
}

static int read_line(const char *directory, const char *file, char **text)
{
	_cleanup_free_ char *path = string_format("%s/%s", directory, file);
	int r = path ? file_read_at(AT_FDCWD, path, CPU_MASK_BYTES, text, NULL, NULL) : -ENOMEM;

	if (r == 0)
		(*text)[strcspn(*text, "\n")] = '\0';
	return r;
}

/* One that has gone, or cannot be steered, has nothing to change. */
static int steer_queue(struct writer *writer, const char *queue, const struct cpus *avoid,
		       bool *changed, struct error *err)
{
	_cleanup_free_ char *now = NULL;
	struct cpus mask, left;
	char text[CPU_MASK_BYTES];

	if (read_line(queue, "rps_cpus", &now) < 0 || cpu_mask_parse(now, &mask) < 0)
		return 0;
	left = but_for(&mask, avoid);
	if (cpus_count(&left) == cpus_count(&mask))
		return 0;
	cpu_mask_format(&left, text, sizeof(text));
	return set(writer, queue, "rps_cpus", text, changed, err);
}

static int steer_link(struct writer *writer, const char *link, const struct cpus *avoid,
		      bool *changed, struct error *err)
{
	_cleanup_free_ char *queues = string_format("%s/%s/queues", LINKS, link);
	_cleanup_closedir_ DIR *dir = queues ? opendir(queues) : NULL;
	struct dirent *entry;
	int r = 0;

	while (dir && r == 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *queue = NULL;

		if (!string_starts_with(entry->d_name, "rx-"))
			continue;
		queue = string_format("%s/%s", queues, entry->d_name);
		r = queue ? steer_queue(writer, queue, avoid, changed, err) : error_oom(err);
	}
	return r;
}

static bool has_inode(const char *path, uint64_t inode)
{
	struct stat st;

	return path && stat(path, &st) == 0 && st.st_ino == inode;
}

char *means_steer_find(const struct found *found)
{
	const char *queue = strrchr(found->where, '/');
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;

	if (!queue || !string_starts_with(found->where, LINKS "/") ||
	    has_inode(found->where, found->inode))
		return NULL;
	dir = opendir(LINKS);
	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *path =
			string_format(LINKS "/%s/queues%s", entry->d_name, queue);

		if (has_inode(path, found->inode))
			return take_ptr(path);
	}
	return NULL;
}

/* ---- inside ---- */

/* A container makes as many links as it likes. */
#define QUEUES_MOST 64

/* A queue of one of NAME's namespaces, whose sysfs is SYSFS. */
struct queue {
	const char *name, *directory;
	const struct netspace *space;
	int sysfs;
	const char *link, *queue;
};

static char *file_of(const char *link, const char *queue)
{
	return string_format("class/net/%s/queues/%s/rps_cpus", link, queue);
}

static int note_inside(struct writer *writer, const struct queue *q, const char *text,
		       struct error *err)
{
	_cleanup_free_ char *what =
		string_format("%lu/%s/%s", (unsigned long)q->space->inode, q->link, q->queue);
	struct found found = {.means = STEER_INSIDE_MEANS,
			      .where = q->directory,
			      .what = what,
			      .text = text,
			      .inode = q->space->inode};
	int r;

	if (!what)
		return error_oom(err);
	if (!writer->book)
		return 0;
	r = book_note(writer->book, &found, err);
	return r == 0 ? book_flush(writer->book, err) : r;
}

static int steer_inside(struct writer *writer, const struct queue *q, const struct cpus *avoid,
			bool *changed, struct error *err)
{
	_cleanup_free_ char *now = NULL, *file = file_of(q->link, q->queue);
	struct cpus mask, left;
	char text[CPU_MASK_BYTES];
	int r;

	if (!file)
		return error_oom(err);
	if (file_read_at(q->sysfs, file, CPU_MASK_BYTES, &now, NULL, NULL) < 0)
		return 0;
	now[strcspn(now, "\n")] = '\0';
	if (cpu_mask_parse(now, &mask) < 0)
		return 0;
	left = but_for(&mask, avoid);
	if (cpus_count(&left) == cpus_count(&mask))
		return 0;
	cpu_mask_format(&left, text, sizeof(text));
	if (writer->dry) {
		writer_tell(writer, q->name, q->directory, file, text);
		return 0;
	}
	r = note_inside(writer, q, now, err);
	if (r == 0)
		r = file_write_at(q->sysfs, file, text, err);
	if (r < 0)
		return error_prefix(err, "the steering of '%s'", q->name);
	writer->writes++;
	*changed = true;
	return 0;
}

static DIR *open_below(int fd, const char *path)
{
	int dir = path ? openat(fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *opened = dir < 0 ? NULL : fdopendir(dir);

	if (!opened && dir >= 0)
		close(dir);
	return opened;
}

static int steer_link_inside(struct writer *writer, struct queue *q, const struct cpus *avoid,
			     unsigned int *room, bool *changed, struct error *err)
{
	_cleanup_free_ char *path = string_format("class/net/%s/queues", q->link);
	_cleanup_closedir_ DIR *queues = open_below(q->sysfs, path);
	struct dirent *entry;
	int r = 0;

	while (queues && r == 0 && *room > 0 && (entry = readdir(queues))) {
		if (!string_starts_with(entry->d_name, "rx-"))
			continue;
		q->queue = entry->d_name;
		r = steer_inside(writer, q, avoid, changed, err);
		--*room;
	}
	return r;
}

static int steer_space(struct writer *writer, struct queue *q, const struct cpus *avoid,
		       bool *changed, struct error *err)
{
	_cleanup_close_ int sysfs = sysfs_open_in(q->space->fd, err);
	_cleanup_closedir_ DIR *links = open_below(sysfs, "class/net");
	unsigned int room = QUEUES_MOST;
	struct dirent *entry;
	int r = sysfs < 0 ? sysfs : 0;

	q->sysfs = sysfs;
	while (links && r == 0 && room > 0 && (entry = readdir(links))) {
		if (entry->d_name[0] == '.')
			continue;
		q->link = entry->d_name;
		r = steer_link_inside(writer, q, avoid, &room, changed, err);
	}
	return r;
}

int means_steer_inside(struct writer *writer, const char *name, const char *directory,
		       const struct cpus *avoid, bool *changed, struct error *err)
{
	struct netspace spaces[NETSPACES_MAX];
	size_t n = 0;
	bool cut;
	int r = netspaces_of(directory, false, spaces, &n, &cut, err);

	for (size_t i = 0; i < n && r == 0; i++) {
		struct queue q = {.name = name, .directory = directory, .space = &spaces[i]};

		r = steer_space(writer, &q, avoid, changed, err);
	}
	netspaces_close(spaces, n);
	return r;
}

static int put_back(const struct netspace *space, const struct found *found, struct error *err)
{
	_cleanup_free_ char *names = strdup(found->what), *file = NULL;
	char *link = names ? strchr(names, '/') : NULL,
	     *queue = link ? strchr(link + 1, '/') : NULL;
	_cleanup_close_ int sysfs = -EBADF;
	int r;

	if (!names)
		return error_oom(err);
	if (!queue)
		return 0;
	*queue = '\0';
	file = file_of(link + 1, queue + 1);
	sysfs = file ? sysfs_open_in(space->fd, err) : error_oom(err);
	r = sysfs < 0 ? sysfs : file_write_at(sysfs, file, found->text, err);
	/* the link has gone */
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

/* In a namespace in which nobody of the workspace is any more there is nothing to be put back. */
int means_steer_undo_inside(const struct found *found, struct error *err)
{
	struct netspace spaces[NETSPACES_MAX];
	size_t n = 0;
	bool cut;
	int r = netspaces_of(found->where, true, spaces, &n, &cut, err);

	for (size_t i = 0; i < n && r == 0; i++) {
		if (spaces[i].inode == found->inode)
			r = put_back(&spaces[i], found, err);
	}
	netspaces_close(spaces, n);
	return r;
}

/* ---- interrupts ---- */

static bool is_writable(const char *directory, const char *file)
{
	_cleanup_free_ char *path = string_format("%s/%s", directory, file);
	struct stat st;

	/* those that are the kernel's own can be read only; root may do all */
	return path && stat(path, &st) == 0 && st.st_mode & S_IWUSR;
}

static bool comes_to(const char *directory, const struct cpus *avoid)
{
	_cleanup_free_ char *now = NULL;
	struct cpus mask;

	if (read_line(directory, "effective_affinity", &now) < 0 || cpu_mask_parse(now, &mask) < 0)
		return false;
	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(&mask, cpu) && cpus_has(avoid, cpu))
			return true;
	}
	return false;
}

static int steer_interrupt(struct writer *writer, const char *directory, const struct cpus *avoid,
			   bool *changed, struct error *err)
{
	_cleanup_free_ char *now = NULL, *usual = NULL;
	struct cpus mask, left;
	char text[CPU_MASK_BYTES];
	int r;

	if (!is_writable(directory, "smp_affinity") || !comes_to(directory, avoid) ||
	    read_line(directory, "smp_affinity", &now) < 0 || cpu_mask_parse(now, &mask) < 0)
		return 0;
	left = but_for(&mask, avoid);
	/* it will be elsewhere from its next time on */
	if (cpus_count(&left) == cpus_count(&mask))
		return 0;
	if (cpus_count(&left) == 0) {
		if (read_line(INTERRUPTS, "default_smp_affinity", &usual) < 0 ||
		    cpu_mask_parse(usual, &mask) < 0)
			return 0;
		left = but_for(&mask, avoid);
	}
	if (cpus_count(&left) == 0)
		return 0;
	cpu_mask_format(&left, text, sizeof(text));
	r = set(writer, directory, "smp_affinity", text, changed, err);
	/* not to be moved after all, or nowhere is room for it */
	return r == -EIO || r == -EINVAL || r == -ENOSPC ? 0 : r;
}

/* ---- all ---- */

static int steer_one(struct writer *writer, bool link, const char *name, const struct cpus *avoid,
		     bool *changed, struct error *err)
{
	_cleanup_free_ char *directory = NULL;

	if (link)
		return steer_link(writer, name, avoid, changed, err);
	directory = string_format(INTERRUPTS "/%s", name);
	return directory ? steer_interrupt(writer, directory, avoid, changed, err) : error_oom(err);
}

/* A failure with one is no reason to leave the others. */
static int steer_all(struct writer *writer, bool links, const struct cpus *avoid, bool *changed,
		     struct error *err)
{
	_cleanup_closedir_ DIR *dir = opendir(links ? LINKS : INTERRUPTS);
	struct dirent *entry;
	int result = 0;

	while (dir && (entry = readdir(dir))) {
		struct error failed = {0};
		int r = entry->d_name[0] == '.'
				? 0
				: steer_one(writer, links, entry->d_name, avoid, changed, &failed);

		/* gone in this very moment */
		if (r >= 0 || r == -ENOENT || r == -ENODEV)
			continue;
		*err = failed;
		result = r;
	}
	return result;
}

int means_steer(struct writer *writer, const struct cpus *avoid, bool *changed, struct error *err)
{
	struct error told = {0};
	int links, interrupts;

	*changed = false;
	links = steer_all(writer, true, avoid, changed, err);
	interrupts = steer_all(writer, false, avoid, changed, links < 0 ? &told : err);
	return links < 0 ? links : interrupts;
}
