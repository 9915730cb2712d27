// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/mask.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "kernel/mounts.h"

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
static int cover_directory(struct launch *l, int *empty, int *copy, struct error *err)
{
	if (*empty < 0) {
		*empty = mount_new("tmpfs", "tmpfs", MS_RDONLY, "size=0k,mode=755",
				   l->config->mount_label, err);
		return *empty;
	}
	*copy = mount_clone(*empty, "", false, err);
	return *copy;
}

static int mask_path(struct launch *l, const char *path, int *empty, struct error *err)
{
	_cleanup_close_ int target = path_open_in_root(l->rootfs, path, O_PATH, 0);
	_cleanup_close_ int copy = -EBADF;
	struct stat st;
	int mount, r;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return error_errno(err, target, "open '%s' to mask it", path);
	if (fstat(target, &st) < 0)
		return error_errno(err, errno, "look at '%s' to mask it", path);
	mount = S_ISDIR(st.st_mode) ? cover_directory(l, empty, &copy, err)
				    : (copy = cover_file(l));
	if (mount < 0)
		return error_errno(err, mount, "make a cover for '%s'", path);
	r = mount_attach(mount, target);
	return r < 0 ? error_errno(err, r, "mask '%s'", path) : 0;
}

static int make_path_readonly(struct launch *l, const char *path, struct error *err)
{
	_cleanup_close_ int target = path_open_in_root(l->rootfs, path, O_PATH, 0);
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

int mask_paths(struct launch *l, struct error *err)
{
	_cleanup_close_ int empty = -EBADF;
	int r;

	for (char **p = l->config->readonly_paths; p && *p; p++) {
		r = make_path_readonly(l, *p, err);
		if (r < 0)
			return error_prefix(err, "linux.readonlyPaths");
	}
	for (char **p = l->config->masked_paths; p && *p; p++) {
		r = mask_path(l, *p, &empty, err);
		if (r < 0)
			return error_prefix(err, "linux.maskedPaths");
	}
	return 0;
}
