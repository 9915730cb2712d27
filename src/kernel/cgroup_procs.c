// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is in a container's group, and what is done to all of them: signals, kill, freeze.
 *
 * The first place is asked (see cgroup.c: whoever is in any is in the first), and all groups below
 * it. On v2 the kernel kills a whole tree at once (cgroup.kill, since 5.14) and freezes one
 * (cgroup.freeze). On v1 killing means: freeze, so that nobody forks; signal each; thaw, because a
 * process frozen by v1 cannot die; again until nobody is left.
 *
 * A pid that was read from cgroup.procs can belong to somebody else by the time it is used. So a
 * process is pinned by a pidfd, and signalled only if its pid is still in the group after that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strings.h"
#include "kernel/cgroup_internal.h"
#include "kernel/pidfd.h"

#define FREEZE_TIMEOUT_MS 10000
#define PROCS_MAX_BYTES (64u << 20)

int cgroup_walk(const char *directory, int (*visit)(const char *directory, void *data), void *data)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	struct dirent *entry;
	int r;

	if (!dir)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *path = NULL;

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		path = string_format("%s/%s", directory, entry->d_name);
		if (!path)
			return -ENOMEM;
		r = cgroup_walk(path, visit, data);
		if (r)
			return r;
	}
	return visit(directory, data);
}

struct pid_list {
	pid_t *pids;
	size_t n, capacity;
};

static int append_pid(struct pid_list *list, pid_t pid)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		pid_t *grown = realloc(list->pids, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->pids = grown;
		list->capacity = capacity;
	}
	list->pids[list->n++] = pid;
	return 0;
}

static int collect_pids(const char *directory, void *data)
{
	_cleanup_free_ char *path = string_format("%s/cgroup.procs", directory);
	_cleanup_free_ char *text = NULL;
	char *line, *save = NULL;
	int r;

	if (!path)
		return -ENOMEM;
	r = file_read_at(AT_FDCWD, path, PROCS_MAX_BYTES, &text, NULL, NULL);
	/* Removed meanwhile, or threaded: its processes are listed at the root of the threads. */
	if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
		return 0;
	for (line = r < 0 ? NULL : strtok_r(text, "\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\n", &save)) {
		pid_t pid = atoi(line);

		/* 0: a process of a pid namespace that cannot be seen from here. */
		if (pid > 0)
			r = append_pid(data, pid);
	}
	return r;
}

int cgroup_procs(const struct cgroup *cg, pid_t **pids, size_t *n, struct error *err)
{
	const struct cgroup_place *place = cgroup_place_of(cg, CGROUP_CORE);
	struct pid_list list = {0};
	int r = 0;

	if (place)
		r = cgroup_walk(place->directory, collect_pids, &list);
	if (r < 0) {
		free(list.pids);
		return error_errno(err, r, "read the processes of '%s'", place->directory);
	}
	*pids = list.pids;
	*n = list.n;
	return 0;
}

static bool has_pid(const pid_t *pids, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* *COUNT: how many processes there were. */
static int signal_each(const struct cgroup *cg, int signal, size_t *count, struct error *err)
{
	_cleanup_free_ pid_t *before = NULL, *after = NULL;
	_cleanup_free_ int *pidfds = NULL;
	size_t n_before = 0, n_after = 0;
	int r;

	r = cgroup_procs(cg, &before, &n_before, err);
	if (r < 0)
		return r;
	*count = n_before;
	if (!n_before)
		return 0;
	pidfds = calloc(n_before, sizeof(*pidfds));
	if (!pidfds)
		return error_oom(err);
	for (size_t i = 0; i < n_before; i++)
		pidfds[i] = pidfd_open_process(before[i]);
	r = cgroup_procs(cg, &after, &n_after, err);
	for (size_t i = 0; i < n_before; i++) {
		if (pidfds[i] < 0)
			continue;
		if (r == 0 && has_pid(after, n_after, before[i]))
			pidfd_signal(pidfds[i], signal);
		close(pidfds[i]);
	}
	return r;
}

int cgroup_signal(const struct cgroup *cg, int signal, struct error *err)
{
	size_t count;

	return signal_each(cg, signal, &count, err);
}

static int write_place(const struct cgroup_place *place, const char *file, const char *text,
		       struct error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", place->directory, file);
	return file_write_at(AT_FDCWD, path, text, err);
}

/* Whether nobody is in the group or below it, for sure; cheaper than the list on v2. */
static bool is_empty(const struct cgroup *cg)
{
	const struct cgroup_place *core = cgroup_place_of(cg, CGROUP_CORE);
	_cleanup_free_ char *path = string_format("%s/cgroup.events", core->directory);
	_cleanup_free_ pid_t *pids = NULL;
	_cleanup_free_ char *text = NULL;
	size_t n;

	if (core->version == 2 && path &&
	    file_read_at(AT_FDCWD, path, 4096, &text, NULL, NULL) == 0)
		return strstr(text, "populated 0");
	return cgroup_procs(cg, &pids, &n, NULL) == 0 && !n;
}

/* One round; *COUNT of processes found, which may all be dying. */
static int kill_once(const struct cgroup *cg, size_t *count, struct error *err)
{
	const struct cgroup_place *core = cgroup_place_of(cg, CGROUP_CORE);
	const struct cgroup_place *freezer = cgroup_place_of(cg, CGROUP_FREEZER);
	_cleanup_free_ pid_t *pids = NULL;
	int r;

	if (core->version == 2 && write_place(core, "cgroup.kill", "1", NULL) == 0) {
		if (freezer)
			write_place(freezer, "freezer.state", "THAWED", NULL);
		return cgroup_procs(cg, &pids, count, err);
	}
	if (freezer)
		write_place(freezer, "freezer.state", "FROZEN", NULL);
	r = signal_each(cg, SIGKILL, count, err);
	if (freezer)
		write_place(freezer, "freezer.state", "THAWED", NULL);
	return r;
}

int cgroup_kill(const struct cgroup *cg, unsigned int timeout_ms, struct error *err)
{
	uint64_t end_ns = clock_monotonic_ns() + timeout_ms * 1000000ull;
	long pause_ns = 100000;
	size_t count = 0;
	int r;

	if (!cg->n || is_empty(cg))
		return 0;
	for (;;) {
		r = kill_once(cg, &count, err);
		if (r < 0 || !count)
			return r;
		if (clock_monotonic_ns() >= end_ns)
			return error_set(err, ETIMEDOUT,
					 "%zu processes of the cgroup '%s' do not end", count,
					 cg->path);
		cgroup_pause(&pause_ns);
	}
}

/* Freezing. */

/* The place that freezes, and how: v2's own, else the v1 controller. */
static const struct cgroup_place *freezing_place(const struct cgroup *cg)
{
	const struct cgroup_place *core = cgroup_place_of(cg, CGROUP_CORE);

	if (core && core->version == 2)
		return core;
	return cgroup_place_of(cg, CGROUP_FREEZER);
}

/* Waits until "frozen 0" or "frozen 1" is in cgroup.events. */
static int wait_events(const struct cgroup_place *place, const char *wanted, struct error *err)
{
	uint64_t end_ns = clock_monotonic_ns() + FREEZE_TIMEOUT_MS * 1000000ull;
	char path[PATH_MAX], text[256];
	_cleanup_close_ int fd = -EBADF;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/cgroup.events", place->directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open '%s'", path);
	for (;;) {
		struct pollfd event = {.fd = fd, .events = POLLPRI};

		n = pread(fd, text, sizeof(text) - 1, 0);
		if (n < 0)
			return error_errno(err, errno, "read '%s'", path);
		text[n] = '\0';
		if (strstr(text, wanted))
			return 0;
		if (clock_monotonic_ns() >= end_ns)
			return -ETIMEDOUT;
		poll(&event, 1, 100);
	}
}

/* Writes the state again and again: on v1 a group freezes by being asked (freezer-subsystem.rst). */
static int wait_freezer(const struct cgroup_place *place, const char *wanted, struct error *err)
{
	uint64_t end_ns = clock_monotonic_ns() + FREEZE_TIMEOUT_MS * 1000000ull;
	_cleanup_free_ char *path = string_format("%s/freezer.state", place->directory);
	long pause_ns = 50000;
	int r;

	if (!path)
		return error_oom(err);
	for (;;) {
		_cleanup_free_ char *text = NULL;

		r = file_write_at(AT_FDCWD, path, wanted, err);
		if (r == 0)
			r = file_read_at(AT_FDCWD, path, 64, &text, NULL, err);
		if (r < 0)
			return r;
		if (string_starts_with(text, wanted))
			return 0;
		if (clock_monotonic_ns() >= end_ns)
			return -ETIMEDOUT;
		cgroup_pause(&pause_ns);
	}
}

static int freeze_place(const struct cgroup_place *place, bool frozen, struct error *err)
{
	int r;

	if (place->version == 1)
		return wait_freezer(place, frozen ? "FROZEN" : "THAWED", err);
	r = write_place(place, "cgroup.freeze", frozen ? "1" : "0", err);
	return r < 0 ? r : wait_events(place, frozen ? "frozen 1" : "frozen 0", err);
}

int cgroup_freeze(const struct cgroup *cg, bool frozen, struct error *err)
{
	const struct cgroup_place *place = freezing_place(cg);
	int r;

	if (!place)
		return error_set(err, ENODEV, "this host has no cgroup that can freeze");
	r = freeze_place(place, frozen, err);
	if (r != -ETIMEDOUT)
		return r;
	if (frozen)
		write_place(place, place->version == 2 ? "cgroup.freeze" : "freezer.state",
			    place->version == 2 ? "0" : "THAWED", NULL);
	return error_set(err, ETIMEDOUT, "the cgroup '%s' is not %s after %d s", place->directory,
			 frozen ? "frozen" : "thawed", FREEZE_TIMEOUT_MS / 1000);
}

int cgroup_is_frozen(const struct cgroup *cg)
{
	const struct cgroup_place *place = freezing_place(cg);
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];

	if (!place)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", place->directory,
		 place->version == 2 ? "cgroup.freeze" : "freezer.state");
	if (file_read_at(AT_FDCWD, path, 64, &text, NULL, NULL) < 0)
		return 0;
	return text[0] == '1' || text[0] == 'F';
}
