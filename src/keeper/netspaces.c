// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/netspaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Those of a directory without others in it; where such links are not counted, as on btrfs, it has 1. */
#define LINKS_OF_EMPTY 2

/*
 * How far is looked: a container has its processes near the top, and a hostile one may have very many. A thorough
 * search finds those of one that hid before it was first looked at, if it has not more than it is worth.
 */
struct bounds {
	unsigned int depth, processes, groups;
};

static const struct bounds usual = {4, 256, 1024}, thorough_bounds = {64, 65536, 16384};

struct search {
	const struct bounds *bounds;
	bool only_seen; /* and not opened */
	struct netspace *found;
	size_t n;
	ino_t ours;
	unsigned int looked; /* at processes */
	unsigned int groups;
	bool cut; /* there was more than is looked at */
};

/* Processes come and go: one that is gone is passed over. */
static void see_process(struct search *search, int pid)
{
	char path[64];
	struct stat st;
	int fd = -EBADF;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat(path, &st) < 0 || st.st_ino == search->ours)
		return;
	for (size_t i = 0; i < search->n; i++) {
		if (search->found[i].inode == st.st_ino)
			return;
	}
	if (!search->only_seen)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!search->only_seen && (fd < 0 || fstat(fd, &st) < 0)) {
		cleanup_close(&fd);
		return;
	}
	search->found[search->n++] = (struct netspace){.fd = fd, .inode = st.st_ino};
}

static bool is_done(struct search *search)
{
	search->cut |= search->n == NETSPACES_MAX || search->looked == search->bounds->processes ||
		       search->groups == search->bounds->groups;
	return search->cut;
}

/* What of the last line is there yet is moved to the front; its length. */
static size_t see_lines(struct search *search, char *text)
{
	char *line = text, *end;
	size_t kept;

	for (; (end = strchr(line, '\n')) && !is_done(search); line = end + 1) {
		search->looked++;
		see_process(search, atoi(line));
	}
	kept = strlen(line);
	memmove(text, line, kept + 1);
	return kept;
}

static void see_processes(struct search *search, int dir)
{
	_cleanup_close_ int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char text[4096];
	size_t kept = 0;
	ssize_t n;

	while (fd >= 0 && !is_done(search) &&
	       (n = read(fd, text + kept, sizeof(text) - 1 - kept)) > 0) {
		text[kept + (size_t)n] = '\0';
		kept = see_lines(search, text);
	}
}

/* Takes DIR over. */
static void see_group(struct search *search, int dir, unsigned int depth)
{
	_cleanup_closedir_ DIR *entries = NULL;
	struct dirent *entry;
	struct stat st;

	search->groups++;
	see_processes(search, dir);
	/* each directory in it would have a link to it */
	if (fstat(dir, &st) == 0 && st.st_nlink == LINKS_OF_EMPTY) {
		close(dir);
		return;
	}
	entries = fdopendir(dir);
	if (!entries) {
		close(dir);
		return;
	}
	while (!is_done(search) && (entry = readdir(entries))) {
		int below;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (depth == search->bounds->depth) {
			search->cut = true;
			break;
		}
		below = openat(dirfd(entries), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (below >= 0)
			see_group(search, below, depth + 1);
	}
}

static int search_in(struct search *search, const char *directory, struct error *err)
{
	struct stat st;
	int dir;

	if (stat("/proc/self/ns/net", &st) < 0)
		return error_errno(err, errno, "look at '/proc/self/ns/net'");
	search->ours = st.st_ino;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 && errno != ENOENT)
		return error_errno(err, errno, "open the control group '%s'", directory);
	if (dir >= 0)
		see_group(search, dir, 0);
	return 0;
}

int netspaces_of(const char *directory, bool thorough, struct netspace spaces[static NETSPACES_MAX],
		 size_t *n, bool *cut, struct error *err)
{
	struct search search = {.bounds = thorough ? &thorough_bounds : &usual, .found = spaces};
	int r = search_in(&search, directory, err);

	if (r < 0)
		return r;
	*n = search.n;
	*cut = search.cut;
	return 0;
}

static bool is_among(const ino_t *inodes, size_t n, ino_t inode)
{
	for (size_t i = 0; i < n; i++) {
		if (inodes[i] == inode)
			return true;
	}
	return false;
}

bool netspaces_are(const char *directory, const ino_t *inodes, size_t n)
{
	struct netspace seen[NETSPACES_MAX];
	struct search search = {.bounds = &usual, .only_seen = true, .found = seen};

	if (search_in(&search, directory, NULL) < 0 || search.cut || search.n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_among(inodes, n, seen[i].inode))
			return false;
	}
	return true;
}

void netspaces_close(struct netspace *spaces, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(spaces[i].fd);
}
