// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/cgroup_oom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

static int watch_v1(const char *directory, struct cgroup_oom *w, struct error *err)
{
	_cleanup_free_ char *oom = string_format("%s/memory.oom_control", directory);
	_cleanup_free_ char *control = string_format("%s/cgroup.event_control", directory);
	char text[64];

	if (!oom || !control)
		return error_oom(err);
	w->control = open(oom, O_RDONLY | O_CLOEXEC);
	if (w->control < 0)
		return error_errno(err, errno, "open '%s'", oom);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0)
		return error_errno(err, errno, "make an eventfd");
	snprintf(text, sizeof(text), "%d %d", w->fd, w->control);
	return file_write_at(AT_FDCWD, control, text, err);
}

/* 0 also when the group is gone. */
static uint64_t count_kills(int events)
{
	char text[512];
	ssize_t n = pread(events, text, sizeof(text) - 1, 0);
	const char *line;
	unsigned long long count = 0;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	line = strstr(text, "oom_kill ");
	return line && sscanf(line, "oom_kill %llu", &count) == 1 ? count : 0;
}

static int watch_v2(const char *directory, struct cgroup_oom *w, struct error *err)
{
	_cleanup_free_ char *events = string_format("%s/memory.events", directory);

	if (!events)
		return error_oom(err);
	w->control = open(events, O_RDONLY | O_CLOEXEC);
	if (w->control < 0)
		return error_errno(err, errno, "open '%s'", events);
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0 || inotify_add_watch(w->fd, events, IN_MODIFY) < 0)
		return error_errno(err, errno, "watch '%s'", events);
	w->killed = count_kills(w->control);
	return 0;
}

int cgroup_oom_watch(struct cgroup *cg, struct cgroup_oom *watch, struct error *err)
{
	const char *directory = cgroup_directory(cg, CGROUP_MEMORY);

	*watch = (struct cgroup_oom)CGROUP_OOM_NONE;
	watch->version = cgroup_version(cg, CGROUP_MEMORY);
	if (!directory)
		return error_set(err, ENODEV, "this host has no cgroup controller 'memory'");
	return watch->version == 2 ? watch_v2(directory, watch, err)
				   : watch_v1(directory, watch, err);
}

uint64_t cgroup_oom_take(struct cgroup_oom *watch)
{
	char buffer[4096] __attribute__((aligned(8)));
	ssize_t n = read(watch->fd, buffer, watch->version == 2 ? sizeof(buffer) : 8);
	uint64_t count = 0, before = watch->killed;

	if (n <= 0)
		return 0;
	if (watch->version == 2) {
		count = count_kills(watch->control);
		watch->killed = count > before ? count : before;
		return watch->killed - before;
	}
	memcpy(&count, buffer, sizeof(count));
	/* The removal of the group wakes it, too: then its file can no longer be read. */
	return pread(watch->control, buffer, 1, 0) > 0 ? count : 0;
}

/* v1 counts in memory.oom_control as v2 does in memory.events (Linux 4.13). */
uint64_t cgroup_oom_killed(struct cgroup *cg)
{
	const char *directory = cgroup_directory(cg, CGROUP_MEMORY);
	const char *name = cgroup_version(cg, CGROUP_MEMORY) == 2 ? "events" : "oom_control";
	_cleanup_free_ char *path = directory ? string_format("%s/memory.%s", directory, name)
					      : NULL;
	_cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -EBADF;

	return fd >= 0 ? count_kills(fd) : 0;
}

void cleanup_cgroup_oom(struct cgroup_oom *watch)
{
	cleanup_close(&watch->fd);
	cleanup_close(&watch->control);
}
