// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/mounts.h"
#include "runtime/place.h"

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* A user namespace exists as long as a process or a descriptor holds it: the one first, then the other. */
static int make_user_namespace(const struct oci_config *maps, struct error *err)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);
	char path[64];
	int fd, r;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	if (pid < 0)
		return error_errno(err, errno, "make a user namespace");
	r = place_map_ids(pid, maps, err);
	if (r == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? error_errno(err, errno, "open '%s'", path) : fd;
	}
	end_holder(pid);
	return r;
}

/* What is seen as an id of the container is that id's own on the host (of_container). */
static int resolve_maps(const struct oci_id_map *maps, size_t n, const struct oci_id_map *container,
			size_t n_container, struct oci_id_map **resolved, struct error *err)
{
	*resolved = calloc(n + 1, sizeof(**resolved));
	if (!*resolved)
		return error_oom(err);
	for (size_t i = 0; i < n; i++) {
		struct oci_id_map *map = &(*resolved)[i];
		size_t j = 0;

		*map = maps[i];
		if (!map->of_container)
			continue;
		while (j < n_container &&
		       (map->host_id < container[j].container_id ||
			map->host_id - container[j].container_id >= container[j].size ||
			map->size > container[j].size - (map->host_id - container[j].container_id)))
			j++;
		if (j == n_container)
			return error_set(err, EINVAL,
					 "the container has no ids %u to %llu to map to",
					 map->host_id,
					 (unsigned long long)map->host_id + map->size - 1);
		map->host_id += container[j].host_id - container[j].container_id;
	}
	return 0;
}

static int namespace_of_mount(const struct oci_config *config, const struct oci_mount *m,
			      struct error *err)
{
	_cleanup_free_ struct oci_id_map *uids = NULL, *gids = NULL;
	struct oci_config maps = {.n_uid_maps = m->n_uid_maps, .n_gid_maps = m->n_gid_maps};
	int r = resolve_maps(m->uid_maps, m->n_uid_maps, config->uid_maps, config->n_uid_maps,
			     &uids, err);

	if (r == 0)
		r = resolve_maps(m->gid_maps, m->n_gid_maps, config->gid_maps, config->n_gid_maps,
				 &gids, err);
	maps.uid_maps = uids;
	maps.gid_maps = gids;
	return r < 0 ? r : make_user_namespace(&maps, err);
}

/* Those of the mount, else of the container (config.md, "Mounts", idmap). */
static int user_namespace_of(const struct oci_config *config, const struct oci_mount *m,
			     int user_ns, struct error *err)
{
	int fd;

	if (m->n_uid_maps)
		return namespace_of_mount(config, m, err);
	if (user_ns < 0)
		return make_user_namespace(config, err);
	fd = fcntl(user_ns, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? error_errno(err, errno, "duplicate a descriptor") : fd;
}

static int make_one(const struct oci_config *config, const struct oci_mount *m, int bundle,
		    int user_ns, struct error *err)
{
	_cleanup_close_ int mount = mount_clone(bundle, m->source, m->flags & MS_REC, NULL);
	_cleanup_close_ int ids = -EBADF;
	int r;

	if (mount < 0)
		return error_errno(err, mount, "bind '%s' to '%s'", m->source, m->destination);
	ids = user_namespace_of(config, m, user_ns, err);
	if (ids < 0)
		return ids;
	r = mount_map_ids(mount, m->idmap_recursive, ids);
	if (r == -EINVAL)
		return error_set(err, r, "the file system of '%s' has no id-mapped mounts",
				 m->source);
	if (r < 0)
		return error_errno(err, r, "map the ids of '%s'", m->source);
	return take_fd(&mount);
}

void idmap_free(const struct oci_config *config, int *mounts)
{
	for (size_t i = 0; mounts && i < config->n_mounts; i++)
		if (mounts[i] >= 0)
			close(mounts[i]);
	free(mounts);
}

static bool is_wanted(const struct oci_config *config)
{
	for (size_t i = 0; i < config->n_mounts; i++)
		if (config->mounts[i].idmap)
			return true;
	return false;
}

int idmap_make(const struct oci_config *config, const char *bundle, int user_ns, int **mounts,
	       struct error *err)
{
	_cleanup_close_ int dir = -EBADF;
	int *made;

	if (!is_wanted(config))
		return 0;
	dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno, "open the bundle '%s'", bundle);
	made = calloc(config->n_mounts, sizeof(*made));
	if (!made)
		return error_oom(err);
	for (size_t i = 0; i < config->n_mounts; i++)
		made[i] = -EBADF;
	for (size_t i = 0; i < config->n_mounts; i++) {
		if (!config->mounts[i].idmap)
			continue;
		made[i] = make_one(config, &config->mounts[i], dir, user_ns, err);
		if (made[i] < 0) {
			idmap_free(config, made);
			return error_prefix(err, "mounts[%zu]", i);
		}
	}
	*mounts = made;
	return 0;
}
