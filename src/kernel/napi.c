// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is set in another namespace is set by a child that enters it, so that this process never leaves its own.
 */
#include "kernel/napi.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "kernel/netlink_napi.h"
#include "kernel/sysfs.h"

#define PREFIX "napi/"

static int feature(const char *name, uint32_t command, uint32_t *value, struct error *err)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value data = {.cmd = command, .data = *value};
	struct ifreq request = {.ifr_data = (void *)&data};

	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		return error_errno(err, errno, "ask the interface '%s' for a feature", name);
	*value = data.data;
	return 0;
}

int napi_read_tso(const char *name, bool *on, struct error *err)
{
	uint32_t value = 0;
	int r = feature(name, ETHTOOL_GTSO, &value, err);

	if (r == 0)
		*on = value != 0;
	return r;
}

int napi_set_tso(const char *name, bool on, struct error *err)
{
	uint32_t value = on;

	return feature(name, ETHTOOL_STSO, &value, err);
}

bool napi_has_threads(void)
{
	return access("/sys/class/net/lo/threaded", F_OK) == 0;
}

/* ---- the threads ---- */

/* "napi/eth0-264", of which the kernel keeps 15 characters. */
static bool is_of(const char *comm, const char *name)
{
	_cleanup_free_ char *whole = string_format(PREFIX "%s-", name);
	size_t length = whole ? strnlen(whole, 15) : 0;

	return length && strncmp(comm, whole, length) == 0;
}

static bool read_comm(const char *pid, char comm[static 32])
{
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	if (file_read_at(AT_FDCWD, path, 64, &text, NULL, NULL) < 0)
		return false;
	snprintf(comm, 32, "%.*s", (int)strcspn(text, "\n"), text);
	return true;
}

/* A thread of the kernel's has no program: a name can be chosen, that cannot. */
static bool is_kernels(const char *pid)
{
	char path[64], byte;

	snprintf(path, sizeof(path), "/proc/%.16s/exe", pid);
	return readlink(path, &byte, 1) < 0 && errno == ENOENT;
}

bool napi_is_thread(pid_t pid)
{
	char text[16], comm[32];

	snprintf(text, sizeof(text), "%d", pid);
	return read_comm(text, comm) && string_starts_with(comm, PREFIX) && is_kernels(text);
}

static size_t list(const char *name, pid_t *pids, size_t max)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	struct dirent *entry;
	char comm[32];
	size_t n = 0;

	while (proc && n < max && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !read_comm(entry->d_name, comm) ||
		    !is_of(comm, name) || !is_kernels(entry->d_name))
			continue;
		pids[n++] = atoi(entry->d_name);
	}
	return n;
}

static bool has(const pid_t *pids, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

/* ---- in the other namespace ---- */

struct answer {
	struct error err;
	pid_t pids[NAPI_THREADS_MAX];
	size_t n;
};

static int write_threaded(const char *name, const char *text, struct error *err)
{
	_cleanup_free_ char *path = string_format("class/net/%s/threaded", name);
	_cleanup_close_ int mount = sysfs_open(err);

	if (mount < 0)
		return -err->code;
	return path ? file_write_at(mount, path, text, err) : error_oom(err);
}

/* How many queues it receives from, each of which has a thread; 0: not known. */
static size_t count_queues(const char *name)
{
	_cleanup_free_ char *path = string_format("class/net/%s/queues", name);
	struct error ignored;
	_cleanup_close_ int mount = sysfs_open(&ignored);
	_cleanup_closedir_ DIR *queues = NULL;
	struct dirent *entry;
	size_t n = 0;
	int fd;

	if (!path || mount < 0)
		return 0;
	fd = openat(mount, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	queues = fd < 0 ? NULL : fdopendir(fd);
	if (!queues && fd >= 0)
		close(fd);
	while (queues && (entry = readdir(queues)))
		n += string_starts_with(entry->d_name, "rx-");
	return n;
}

static int set_gro(const char *name, bool on, struct error *err)
{
	uint32_t value = on;

	return feature(name, ETHTOOL_SGRO, &value, err);
}

/*
 * Before 6.8 a thread has no more than its name, which interfaces of other namespaces have as well: those that have
 * come are this one's if there are as many as it needs. If others of that name have begun meanwhile, as any
 * container can make its own do, nobody's are taken.
 */
static int tell_by_name(const char *name, const pid_t *before, size_t n_before,
			struct answer *answer)
{
	pid_t after[NAPI_THREADS_MAX];
	size_t n_after = list(name, after, NAPI_THREADS_MAX), queues = count_queues(name);

	for (size_t i = 0; i < n_after; i++) {
		if (!has(before, n_before, after[i]))
			answer->pids[answer->n++] = after[i];
	}
	if (answer->n == 0 || answer->n == queues)
		return 0;
	if (queues == 0)
		return error_set(&answer->err, EAGAIN,
				 "how many threads the interface '%s' has is not known", name);
	return error_set(&answer->err, EAGAIN,
			 "the interface '%s' receives from %zu queues, but %zu threads of that "
			 "name have begun: which are its own cannot be told",
			 name, queues, answer->n);
}

/* With GRO the threads of before go. */
static int start(const char *name, int index, struct answer *answer)
{
	pid_t before[NAPI_THREADS_MAX];
	struct error *err = &answer->err;
	size_t n_before;
	int r = set_gro(name, false, err);

	if (r == 0)
		r = set_gro(name, true, err);
	n_before = list(name, before, NAPI_THREADS_MAX);
	if (r == 0)
		r = write_threaded(name, "1", err);
	if (r < 0)
		return r;
	r = netlink_napi_threads(index, answer->pids, NAPI_THREADS_MAX, &answer->n, err);
	if (r == -EOPNOTSUPP) {
		*err = (struct error){0};
		r = tell_by_name(name, before, n_before, answer);
	}
	if (r < 0)
		return r;
	return answer->n
		       ? 0
		       : error_set(err, EOPNOTSUPP, "the interface '%s' has got no threads", name);
}

static void stop(const char *name, struct error *err)
{
	if (write_threaded(name, "0", err) == 0)
		set_gro(name, false, err);
}

static void act(int netns_fd, int index, bool on, struct answer *answer)
{
	struct error *err = &answer->err, ignored;
	char name[IFNAMSIZ];

	if (setns(netns_fd, CLONE_NEWNET) < 0)
		error_errno(err, errno, "enter a network namespace");
	else if (!if_indextoname((unsigned int)index, name))
		error_errno(err, errno, "find the interface of index %d", index);
	else if (!on || start(name, index, answer) < 0)
		stop(name, on ? &ignored : err);
}

static int by_child(int netns_fd, int index, bool on, struct answer *answer, struct error *err)
{
	int ends[2], status;
	ssize_t size;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	pid = fork();
	if (pid == 0) {
		act(netns_fd, index, on, answer);
		_exit(write(ends[1], answer, sizeof(*answer)) == sizeof(*answer) ? 0 : 1);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return error_errno(err, errno, "start a child that enters a namespace");
	}
	do
		size = read(ends[0], answer, sizeof(*answer));
	while (size < 0 && errno == EINTR);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (size != sizeof(*answer))
		return error_set(err, ECHILD, "a child that was to enter a namespace has died");
	if (answer->err.code)
		*err = answer->err;
	return -answer->err.code;
}

int napi_start_threads(int netns_fd, int index, pid_t pids[static NAPI_THREADS_MAX], size_t *n,
		       struct error *err)
{
	struct answer answer = {0};
	int r = by_child(netns_fd, index, true, &answer, err);

	if (r < 0)
		return r;
	memcpy(pids, answer.pids, sizeof(answer.pids));
	*n = answer.n;
	return 0;
}

int napi_stop_threads(int netns_fd, int index, struct error *err)
{
	struct answer answer = {0};

	return by_child(netns_fd, index, false, &answer, err);
}
