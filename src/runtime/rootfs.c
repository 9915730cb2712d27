// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/mounts.h"

/*
 * Without a mount namespace of its own the container shares the caller's mounts: they must not be
 * changed, and the root is entered by chroot only.
 */
static bool has_own_mounts(const struct launch *l)
{
	return l->new_namespaces & CLONE_NEWNS;
}

/* What tells a directory of a mount from one of another. */
struct place {
	uint64_t mount, inode;
};

static int find_place(int fd, struct place *place)
{
	struct statx sx = {0};

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID | STATX_INO, &sx) < 0)
		return -errno;
	*place = (struct place){.mount = sx.stx_mnt_id, .inode = sx.stx_ino};
	return 0;
}

/* Opens the root of the mount that FD lies in, by going up until the mount changes. */
static int open_mount_root(int fd)
{
	_cleanup_close_ int at = openat(fd, ".", O_PATH | O_CLOEXEC);
	struct place here, up;
	int r = at < 0 ? -errno : find_place(at, &here);

	while (r == 0) {
		_cleanup_close_ int parent = openat(at, "..", O_PATH | O_CLOEXEC);

		r = parent < 0 ? -errno : find_place(parent, &up);
		if (r < 0)
			break;
		/* The root of a namespace is above itself. */
		if (up.mount != here.mount || up.inode == here.inode)
			return take_fd(&at);
		here = up;
		close(at);
		at = take_fd(&parent);
	}
	return r;
}

/*
 * Cuts propagation to the host. With linux.rootfsPropagation "shared" the mounts stay peers of the
 * host's, so that binds of them can be; the mount under the root must not be one then: what is mounted
 * below it would show on the host, and pivot_root(2) refuses a shared parent.
 */
static int cut_propagation(struct launch *l, int under, struct error *err)
{
	unsigned long asked = l->config->rootfs_propagation;
	_cleanup_close_ int parent = -EBADF;
	int r;

	if (mount(NULL, "/", NULL, asked ? asked : MS_SLAVE | MS_REC, NULL) < 0)
		return error_errno(err, errno, "linux.rootfsPropagation: change '/'");
	parent = open_mount_root(under);
	r = parent < 0 ? parent : mount_change(parent, false, 0, 0, MS_PRIVATE);
	if (r < 0)
		return error_errno(err, r, "make the mount under root.path private");
	return 0;
}

int rootfs_prepare(struct launch *l, struct error *err)
{
	const char *path = l->config->root_path;
	_cleanup_close_ int under = openat(l->bundle, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int tree = -EBADF;
	int r;

	if (under < 0)
		return error_errno(err, errno, "root.path '%s'", path);
	if (!has_own_mounts(l)) {
		l->rootfs = take_fd(&under);
		return 0;
	}
	r = cut_propagation(l, under, err);
	if (r < 0)
		return r;
	tree = mount_clone(under, "", true, NULL);
	if (tree < 0)
		return error_errno(err, tree, "root.path: bind '%s'", path);
	r = mount_attach(tree, under);
	if (r < 0)
		return error_errno(err, r, "root.path: bind '%s'", path);
	l->rootfs = take_fd(&tree);
	return 0;
}

/*
 * pivot_root(".", ".") stacks the old root on the new one at the same place, so that no directory is
 * needed for it inside the container (pivot_root(2), NOTES); the umount takes the old one away.
 */
static int pivot(struct launch *l, struct error *err)
{
	_cleanup_close_ int old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old_root < 0)
		return error_errno(err, errno, "open '/'");
	if (fchdir(l->rootfs) < 0)
		return error_errno(err, errno, "enter the root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return error_errno(err, errno, "pivot_root");
	if (fchdir(old_root) < 0)
		return error_errno(err, errno, "go to the old root");
	/* The detach below must not travel to the host. */
	if (mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return error_errno(err, errno, "cut off the old root");
	if (umount2(".", MNT_DETACH) < 0)
		return error_errno(err, errno, "detach the old root");
	return 0;
}

/* --no-pivot, for a root on the kernel's initial ramfs, which cannot be pivoted from. */
static int move_root(struct launch *l, struct error *err)
{
	if (fchdir(l->rootfs) < 0)
		return error_errno(err, errno, "enter the root");
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return error_errno(err, errno, "move the root to '/'");
	if (chroot(".") < 0)
		return error_errno(err, errno, "chroot");
	return 0;
}

static int change_root(struct launch *l, struct error *err)
{
	if (has_own_mounts(l))
		return l->no_pivot ? move_root(l, err) : pivot(l, err);
	if (fchdir(l->rootfs) < 0 || chroot(".") < 0)
		return error_errno(err, errno, "chroot");
	return 0;
}

int rootfs_enter(struct launch *l, struct error *err)
{
	unsigned long asked = l->config->rootfs_propagation;
	int r = change_root(l, err);

	if (r < 0)
		return r;
	if (chdir("/") < 0)
		return error_errno(err, errno, "go to the new root");
	if (!has_own_mounts(l))
		return 0;
	r = mount_change(l->rootfs, false, l->config->root_readonly ? MOUNT_ATTR_RDONLY : 0, 0,
			 asked & ~(unsigned long)MS_REC);
	return r < 0 ? error_errno(err, r, "set the options of the root") : 0;
}
