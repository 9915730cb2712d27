// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Most of what is masked or made read-only is in the container's procfs and sysfs. Where others can rename
 * directories of its root meanwhile, "/proc" may be another directory now and the old one again when the
 * container runs; then the masks would be missed in the one and not be looked for in the other
 * (CVE-2023-27561). So these two are opened once, are seen to be what was mounted, and paths in them are
 * looked up from there: a mount goes where its directory goes.
 */
#include "runtime/mask.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "kernel/mounts.h"

struct masks {
	struct launch *launch;
	int proc, sys; /* -EBADF: the configuration mounts none there */
	int empty;     /* the cover of directories, once there is one */
};

static void masks_close(const struct masks *m)
{
	cleanup_close(&m->proc);
	cleanup_close(&m->sys);
	cleanup_close(&m->empty);
}

/* What is mounted there last is what is seen. */
static bool is_mounted(const struct launch *l, const char *type, const char *place)
{
	bool mounted = false;

	for (size_t i = 0; i < l->config->n_mounts; i++) {
		const struct oci_mount *m = &l->config->mounts[i];

		if (strcmp(m->destination, place) == 0)
			mounted = !m->bind && m->type && strcmp(m->type, type) == 0;
	}
	return mounted;
}

static int open_special(const struct launch *l, const char *type, const char *place, long magic,
			int *dir, struct error *err)
{
	_cleanup_close_ int fd = -EBADF;
	struct statfs fs;

	if (!is_mounted(l, type, place))
		return 0;
	fd = path_open_in_root(l->rootfs, place, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0 || fstatfs(fd, &fs) < 0 || (long)fs.f_type != magic)
		return error_set(err, EINVAL, "'%s' is not the %s that was mounted there", place,
				 type);
	*dir = take_fd(&fd);
	return 0;
}

/* What PATH names: in the container's procfs or sysfs, or else in its root. */
static int open_target(const struct masks *m, const char *path)
{
	int dir = m->launch->rootfs;

	if (m->proc >= 0 && strncmp(path, "/proc/", 6) == 0) {
		dir = m->proc;
		path += 5;
	} else if (m->sys >= 0 && strncmp(path, "/sys/", 5) == 0) {
		dir = m->sys;
		path += 4;
	}
	return path_open_in_root(dir, path, O_PATH, 0);
}

/*
 * The cover of a file is a bind of the host's /dev/null, opened and checked before the root changed:
 * the container's own could be a symlink to anything (CVE-2025-31133).
 */
static int cover_file(struct launch *l)
{
	return mount_clone(l->host_null, "", false, NULL);
}

/*
 * All directories share one superblock: the first mount is made, the others are copies of it. It is
 * attached itself, too, and before it is copied: kernels before 6.15 copy no mount that is not in the
 * caller's mount namespace (fs/namespace.c, __do_loopback).
 */
static int cover_directory(struct masks *m, int *copy, struct error *err)
{
	if (m->empty < 0) {
		m->empty = mount_new("tmpfs", "tmpfs", MS_RDONLY, "size=0k,mode=755",
				     m->launch->config->mount_option, err);
		return m->empty;
	}
	*copy = mount_clone(m->empty, "", false, err);
	return *copy;
}

static int mask_path(struct masks *m, const char *path, struct error *err)
{
	_cleanup_close_ int target = open_target(m, path);
	_cleanup_close_ int copy = -EBADF;
	struct stat st;
	int mount, r;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return error_errno(err, target, "open '%s' to mask it", path);
	if (fstat(target, &st) < 0)
		return error_errno(err, errno, "look at '%s' to mask it", path);
	mount = S_ISDIR(st.st_mode) ? cover_directory(m, &copy, err)
				    : (copy = cover_file(m->launch));
	if (mount < 0)
		return error_errno(err, mount, "make a cover for '%s'", path);
	r = mount_attach(mount, target);
	return r < 0 ? error_errno(err, r, "mask '%s'", path) : 0;
}

static int make_path_readonly(struct masks *m, const char *path, struct error *err)
{
	_cleanup_close_ int target = open_target(m, path);
	_cleanup_close_ int mount = -EBADF;
	int r;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return error_errno(err, target, "open '%s' to make it read-only", path);
	mount = mount_clone(target, "", true, err);
	if (mount < 0)
		return error_prefix(err, "make '%s' read-only", path);
	r = mount_change(mount, false, MOUNT_ATTR_RDONLY, 0, 0);
	if (r == 0)
		r = mount_attach(mount, target);
	return r < 0 ? error_errno(err, r, "make '%s' read-only", path) : 0;
}

static int cover_all(struct masks *m, struct error *err)
{
	const struct oci_config *config = m->launch->config;
	int r;

	for (char **p = config->readonly_paths; p && *p; p++) {
		r = make_path_readonly(m, *p, err);
		if (r < 0)
			return error_prefix(err, "linux.readonlyPaths");
	}
	for (char **p = config->masked_paths; p && *p; p++) {
		r = mask_path(m, *p, err);
		if (r < 0)
			return error_prefix(err, "linux.maskedPaths");
	}
	return 0;
}

int mask_paths(struct launch *l, struct error *err)
{
	_cleanup_(masks_close) struct masks m = {l, -EBADF, -EBADF, -EBADF};
	int r = open_special(l, "proc", "/proc", PROC_SUPER_MAGIC, &m.proc, err);

	if (r == 0)
		r = open_special(l, "sysfs", "/sys", SYSFS_MAGIC, &m.sys, err);
	return r < 0 ? r : cover_all(&m, err);
}
