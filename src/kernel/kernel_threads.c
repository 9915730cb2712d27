// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel thread is a child of kthreadd, which is 2, in the first PID namespace. Its time is the first figure of
 * schedstat (Documentation/scheduler/sched-stats.rst), in ns; a kernel without that has none for us.
 */
#include "kernel/kernel_threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define KTHREADD 2

struct kernel_thread {
	int fd; /* of schedstat */
	uint64_t pid;
	bool is_rcu; /* it waits for grace periods, and frees what is no longer read then */
};

struct kernel_threads {
	struct kernel_thread *all;
	size_t n;
};

/* Whatever else fails to open belongs to a thread that has ended. */
static int unless_ended(int r)
{
	return r == -EMFILE || r == -ENFILE ? r : 0;
}

/*
 * proc_pid_stat(5): "PID (NAME) STATE PPID ..."; a name may have anything in it. Returns whether it is one of
 * those, and which (kernel/rcu/: "rcu_preempt", "rcuop/0", "rcuc/0"), or a negative errno.
 */
static int is_wanted(int proc_fd, const char *pid, bool *is_rcu)
{
	_cleanup_free_ char *text = NULL;
	char path[300], *name, *end;
	int parent = 0, r;

	snprintf(path, sizeof(path), "%s/stat", pid);
	r = file_read_at(proc_fd, path, 4096, &text, NULL, NULL);
	if (r < 0)
		return unless_ended(r);
	name = strchr(text, '(');
	end = strrchr(text, ')');
	if (!name || !end || sscanf(end + 1, " %*c %d", &parent) != 1 || parent != KTHREADD)
		return 0;
	*is_rcu = strncmp(name, "(rcu", 4) == 0;
	return strncmp(name, "(kworker/", 9) != 0 && strncmp(name, "(ksoftirqd/", 11) != 0;
}

static int add(struct kernel_threads *threads, int proc_fd, const char *pid, bool is_rcu)
{
	struct kernel_thread *grown;
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/schedstat", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return unless_ended(-errno);
	grown = reallocarray(threads->all, threads->n + 1, sizeof(*grown));
	if (!grown) {
		close(fd);
		return -ENOMEM;
	}
	threads->all = grown;
	grown[threads->n++] =
		(struct kernel_thread){.fd = fd, .pid = strtoull(pid, NULL, 10), .is_rcu = is_rcu};
	return 0;
}

int kernel_threads_open(int proc_fd, struct kernel_threads **threads, struct error *err)
{
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct kernel_threads *opened = calloc(1, sizeof(*opened));
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (!opened || !directory) {
		r = opened ? error_errno(err, errno, "open '/proc'") : error_oom(err);
		free(opened);
		if (directory)
			closedir(directory);
		else if (fd >= 0)
			close(fd);
		return r;
	}
	for (struct dirent *entry; r == 0 && (entry = readdir(directory));) {
		bool is_rcu = false;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		r = is_wanted(proc_fd, entry->d_name, &is_rcu);
		if (r > 0)
			r = add(opened, proc_fd, entry->d_name, is_rcu);
	}
	closedir(directory);
	if (r < 0) {
		kernel_threads_close(opened);
		return error_errno(err, r, "look at the threads of the kernel");
	}
	*threads = opened;
	return 0;
}

void kernel_threads_close(struct kernel_threads *threads)
{
	if (!threads)
		return;
	for (size_t i = 0; i < threads->n; i++)
		close(threads->all[i].fd);
	free(threads->all);
	free(threads);
}

/* What one has run; false when it has ended. */
static bool read_one(const struct kernel_thread *thread, uint64_t *ran_ns)
{
	char text[128];
	ssize_t n = pread(thread->fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return sscanf(text, "%" SCNu64, ran_ns) == 1;
}

uint64_t kernel_threads_read(const struct kernel_threads *threads, uint64_t *set)
{
	uint64_t sum = 0, squares = 0, ran_ns;

	for (size_t i = 0; i < threads->n; i++) {
		if (!read_one(&threads->all[i], &ran_ns))
			continue;
		sum += ran_ns;
		squares += threads->all[i].pid * threads->all[i].pid;
	}
	if (set)
		*set = squares;
	return sum;
}

uint64_t kernel_threads_read_rcu(const struct kernel_threads *threads)
{
	uint64_t sum = 0, ran_ns;

	for (size_t i = 0; i < threads->n; i++) {
		if (threads->all[i].is_rcu && read_one(&threads->all[i], &ran_ns))
			sum += ran_ns;
	}
	return sum;
}
