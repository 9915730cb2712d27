// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "runtime/helper.h"

/*
 * Ids of a user namespace. The kernel takes any map from who has CAP_SETUID or CAP_SETGID, and from
 * everybody else only one line with their own id, for groups after setgroups(2) has been given up
 * (user_namespaces(7)). Other maps are written by newuidmap and newgidmap, which have the right and hold
 * it to /etc/subuid and /etc/subgid.
 */
struct id_kind {
	const char *file, *helper;
};

/* What the kernel takes (user_namespaces(7)). */
#define ID_LINES_MAX 340

static const struct id_kind user_ids = {"uid_map", "newuidmap"};
static const struct id_kind group_ids = {"gid_map", "newgidmap"};

static int write_map(pid_t pid, const char *file, const struct oci_id_map *maps, size_t n,
		     struct error *err)
{
	char path[64], text[16384];
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		int w = snprintf(text + used, sizeof(text) - used, "%u %u %u\n",
				 maps[i].container_id, maps[i].host_id, maps[i].size);

		used += (size_t)w;
		if (used >= sizeof(text))
			return error_set(err, E2BIG, "too many lines for %s", file);
	}
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return file_write_at(AT_FDCWD, path, text, err);
}

static int give_up_setgroups(pid_t pid, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	return file_write_at(AT_FDCWD, path, "deny", err);
}

static int map_by_helper(pid_t pid, const struct id_kind *kind, const struct oci_id_map *maps,
			 size_t n, struct error *err)
{
	char numbers[1 + 3 * ID_LINES_MAX][16];
	char *argv[3 + 3 * ID_LINES_MAX] = {(char *)kind->helper};
	size_t used = 0;

	if (n > ID_LINES_MAX)
		return error_set(err, E2BIG, "too many lines for %s", kind->file);
	snprintf(numbers[used++], sizeof(numbers[0]), "%d", pid);
	for (size_t i = 0; i < n; i++) {
		snprintf(numbers[used++], sizeof(numbers[0]), "%u", maps[i].container_id);
		snprintf(numbers[used++], sizeof(numbers[0]), "%u", maps[i].host_id);
		snprintf(numbers[used++], sizeof(numbers[0]), "%u", maps[i].size);
	}
	for (size_t i = 0; i < used; i++)
		argv[1 + i] = numbers[i];
	return helper_run(argv, err);
}

static int map(pid_t pid, const struct id_kind *kind, const struct oci_id_map *maps, size_t n,
	       unsigned int own, struct error *err)
{
	int r = write_map(pid, kind->file, maps, n, err);

	if (r != -EPERM || geteuid() == 0)
		return r;
	if (n == 1 && maps[0].size == 1 && maps[0].host_id == own) {
		r = kind == &group_ids ? give_up_setgroups(pid, err) : 0;
		return r < 0 ? r : write_map(pid, kind->file, maps, n, err);
	}
	r = map_by_helper(pid, kind, maps, n, err);
	/* EACCES: PATH names a directory that is not for this user, and the others have none. */
	if (r == -ENOENT || r == -EACCES)
		return error_set(err, EPERM,
				 "an ordinary user can map other ids than the own one only with %s "
				 "(package uidmap), which is not there",
				 kind->helper);
	return r;
}

int place_map_ids(pid_t pid, const struct oci_config *config, struct error *err)
{
	int r;

	if (config->n_uid_maps) {
		r = map(pid, &user_ids, config->uid_maps, config->n_uid_maps, geteuid(), err);
		if (r < 0)
			return error_prefix(err, "linux.uidMappings");
	}
	if (config->n_gid_maps) {
		r = map(pid, &group_ids, config->gid_maps, config->n_gid_maps, getegid(), err);
		if (r < 0)
			return error_prefix(err, "linux.gidMappings");
	}
	return 0;
}

static int set_oom_score(pid_t pid, int score, struct error *err)
{
	char path[64], text[16];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	snprintf(text, sizeof(text), "%d", score);
	r = file_write_at(AT_FDCWD, path, text, err);
	return r < 0 ? error_prefix(err, "process.oomScoreAdj") : 0;
}

int place_set_limits(pid_t pid, const struct oci_process *process, struct error *err)
{
	for (size_t i = 0; i < process->n_rlimits; i++) {
		const struct oci_rlimit *limit = &process->rlimits[i];
		struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};

		if (prlimit(pid, (enum __rlimit_resource)limit->resource, &value, NULL) < 0)
			return error_errno(err, errno,
					   "process.rlimits[%zu]: set the limit to %llu:%llu", i,
					   (unsigned long long)limit->soft,
					   (unsigned long long)limit->hard);
	}
	return process->has_oom_score_adj ? set_oom_score(pid, process->oom_score_adj, err) : 0;
}

int place_hand_over_console(const char *socket_path, int *taker, int *master, struct error *err)
{
	_cleanup_close_ int fd = -EBADF;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	if (!socket_path) {
		if (!taker)
			return error_set(err, EINVAL, "nobody takes the terminal");
		*taker = take_fd(master);
		return 0;
	}
	if (strlen(socket_path) >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG, "--console-socket '%s': path too long",
				 socket_path);
	strcpy(address.sun_path, socket_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, errno, "--console-socket: connect to '%s'", socket_path);
	r = fd_send(fd, *master, "/dev/ptmx", err);
	return r < 0 ? error_prefix(err, "--console-socket") : 0;
}

int place_write_pid_file(const char *path, pid_t pid, struct error *err)
{
	char text[16];
	int r;

	if (!path)
		return 0;
	snprintf(text, sizeof(text), "%d", pid);
	r = file_replace_at(AT_FDCWD, path, text, 0644, false, err);
	return r < 0 ? error_prefix(err, "--pid-file") : 0;
}
