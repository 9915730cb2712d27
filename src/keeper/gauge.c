// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/gauge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

static int open_in(const char *directory, const char *file, int flags)
{
	char path[4096];
	int fd;

	if (!directory)
		return -EBADF;
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int gauge_open(const struct cgroup *cgroup, struct gauge *gauge, struct error *err)
{
	const char *cpu = cgroup_directory(cgroup, CGROUP_CPU);
	struct gauge g = GAUGE_CLOSED;

	g.version = cgroup_version(cgroup, CGROUP_CPU);
	if (!cpu)
		return error_set(err, ENODEV, "'%s' is in no hierarchy with the cpu controller",
				 cgroup_path(cgroup));
	g.procs = open_in(cpu, ".", O_RDONLY | O_DIRECTORY);
	if (g.procs < 0)
		return error_errno(err, -g.procs, "open the control group '%s'", cpu);
	if (g.version == 2)
		g.usage = open_in(cpu, "cpu.stat", O_RDONLY);
	else
		g.usage = open_in(cgroup_directory(cgroup, CGROUP_CPUACCT), "cpuacct.usage",
				  O_RDONLY);
	/* on v1, of a v2 hierarchy beside it, if the group is there */
	g.pressure = open_in(cgroup_directory(cgroup, CGROUP_CORE), "cpu.pressure", O_RDONLY);
	*gauge = g;
	return 0;
}

void gauge_close(struct gauge *g)
{
	cleanup_close(&g->usage);
	cleanup_close(&g->pressure);
	cleanup_close(&g->procs);
	cleanup_close(&g->quota);
	cleanup_close(&g->period);
	*g = (struct gauge)GAUGE_CLOSED;
}

static int read_text(int fd, char *text, size_t size)
{
	ssize_t n = fd >= 0 ? pread(fd, text, size - 1, 0) : -1;

	if (n < 0)
		return fd >= 0 ? -errno : -EBADF;
	text[n] = '\0';
	return 0;
}

void gauge_watch_quota(struct gauge *g, const char *quota_file, const char *period_file)
{
	cleanup_close(&g->quota);
	cleanup_close(&g->period);
	g->quota_file = quota_file;
	g->period_file = period_file;
	g->quota = openat(g->procs, quota_file, O_RDONLY | O_CLOEXEC);
	g->period = period_file ? openat(g->procs, period_file, O_RDONLY | O_CLOEXEC) : -EBADF;
}

static int read_in(const struct gauge *g, int fd, const char *file, char *text, size_t size)
{
	_cleanup_close_ int own = -EBADF;
	int r;

	if (!file) {
		*text = '\0';
		return 0;
	}
	if (fd < 0) {
		fd = own = openat(g->procs, file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
	}
	r = read_text(fd, text, size);
	if (r == 0)
		text[strcspn(text, "\n")] = '\0';
	return r;
}

int gauge_read_quota(const struct gauge *g, char quota[static GAUGE_TEXT_BYTES],
		     char period[static GAUGE_TEXT_BYTES])
{
	int r = read_in(g, g->quota, g->quota_file, quota, GAUGE_TEXT_BYTES);

	return r == 0 ? read_in(g, g->period, g->period_file, period, GAUGE_TEXT_BYTES) : r;
}

int gauge_billed_ns(const struct gauge *g, uint64_t *ns)
{
	char text[1024];
	uint64_t value;
	int r = read_text(g->usage, text, sizeof(text));

	if (r < 0)
		return r;
	if (g->version == 2) {
		if (sscanf(text, "usage_usec %" SCNu64, &value) != 1)
			return -EINVAL;
		*ns = value * 1000;
		return 0;
	}
	if (sscanf(text, "%" SCNu64, &value) != 1)
		return -EINVAL;
	*ns = value;
	return 0;
}

static int read_pressure(int fd, uint64_t *ns)
{
	char text[256];
	const char *total;
	int r = read_text(fd, text, sizeof(text));

	if (r < 0)
		return r;
	total = strstr(text, "total=");
	if (!total)
		return -EINVAL;
	*ns = strtoull(total + strlen("total="), NULL, 10) * 1000;
	return 0;
}

/* run_delay, the second figure of a thread's schedstat. */
static uint64_t thread_waited_ns(int tasks, const char *thread)
{
	char path[300];
	_cleanup_close_ int fd = -EBADF;
	char text[128];
	uint64_t waited;

	snprintf(path, sizeof(path), "%s/schedstat", thread);
	fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
	if (read_text(fd, text, sizeof(text)) < 0 || sscanf(text, "%*u %" SCNu64, &waited) != 1)
		return 0;
	return waited;
}

static uint64_t process_waited_ns(const char *pid, unsigned int *threads)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	uint64_t sum = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	while (dir && *threads < GAUGE_THREADS && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		(*threads)++;
		sum += thread_waited_ns(dirfd(dir), entry->d_name);
	}
	return sum;
}

static int add_up_threads(int procs, uint64_t *ns)
{
	_cleanup_free_ char *text = NULL;
	unsigned int threads = 0;
	char *save = NULL;
	int r = file_read_at(procs, "cgroup.procs", 1u << 20, &text, NULL, NULL);

	if (r < 0)
		return r;
	*ns = 0;
	for (char *pid = strtok_r(text, "\n", &save); pid && threads < GAUGE_THREADS;
	     pid = strtok_r(NULL, "\n", &save))
		*ns += process_waited_ns(pid, &threads);
	return 0;
}

int gauge_waited_ns(const struct gauge *g, uint64_t *ns)
{
	if (g->pressure >= 0 && read_pressure(g->pressure, ns) == 0)
		return 0;
	return add_up_threads(g->procs, ns);
}
