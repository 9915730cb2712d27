// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ROOT/.spawn			a tmpfs, as soon as something is to be mounted
 *	N.lower			the lower layer, bound here so that its path can hold any character
 *	N.upper, N.work		the layers of overlay N
 *	root			overlay 0; the others are mounted below it
 *
 * An overlay shows one file system, not those mounted in it, which is right for /proc, /sys, /dev,
 * /run and /tmp: they are made anew for the container. Where a host keeps /usr, /home and the like on
 * file systems of their own, each gets its own overlay at its place; one that cannot be the lower
 * layer of an overlay (the kernel says so) is bound read-only.
 *
 * The namespace is left as soon as the container has its own: it dies then, and the overlays live on
 * in the container's.
 */
#include "runtime/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/strings.h"
#include "runtime/directory_lock.h"

#define SCRATCH_NAME ".spawn"
#define SWEEP_TRIES 20
#define SWEEP_PAUSE_US 10000

struct scratch {
	char *path;	     /* ROOT/.spawn */
	char *merged;	     /* ROOT/.spawn/root */
	int lock;	     /* the directory, below what is mounted */
	int home_namespace;  /* the mount namespace of before, -EBADF once we are back */
	int home_directory;  /* the working directory of before */
	int home_root;	     /* the root directory of before: not the namespace's, in a chroot */
	unsigned int layers; /* overlays made so far */
};

/* Where hosts have file systems of their own; parents before children. */
static const char *const data_directories[] = {
	"/etc",	    "/usr", "/usr/local", "/usr/share", "/opt", "/var",	      "/var/cache",
	"/var/lib", "/srv", "/home",	  "/root",	"/nix", "/nix/store", "/gnu",
};

/*
 * Following, not sharing: what the host mounts and unmounts meanwhile is done here as well, so that
 * we keep no file system of the host busy, and nothing of ours goes the other way.
 */
static int enter_namespace(struct scratch *scratch, struct error *err)
{
	scratch->home_directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	scratch->home_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (scratch->home_root < 0)
		return error_errno(err, errno, "open '/'");
	scratch->home_namespace = open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (scratch->home_namespace < 0)
		return error_errno(err, errno, "open '/proc/thread-self/ns/mnt'");
	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return error_errno(err, errno, "make the mounts of a new namespace private");
	return 0;
}

int scratch_enter(const char *root, struct scratch **scratch, struct error *err)
{
	_cleanup_(cleanup_scratch) struct scratch *made = calloc(1, sizeof(*made));
	int r = path_make_directories(root, 0700);

	if (!made)
		return error_oom(err);
	made->lock = made->home_namespace = made->home_directory = made->home_root = -EBADF;
	if (r < 0)
		return error_errno(err, r, "make the state directory '%s'", root);
	made->path = string_format("%s/" SCRATCH_NAME, root);
	made->merged = string_format("%s/" SCRATCH_NAME "/root", root);
	if (!made->path || !made->merged)
		return error_oom(err);
	r = directory_lock(made->path, true, true, &made->lock);
	if (r < 0)
		return error_errno(err, r, "lock '%s'", made->path);
	r = enter_namespace(made, err);
	if (r < 0)
		return r;
	*scratch = take_ptr(made);
	return 0;
}

static int make_store(struct scratch *scratch, struct error *err)
{
	if (mount("behalf", scratch->path, "tmpfs", MS_NODEV | MS_NOSUID, "mode=0700") < 0)
		return error_errno(err, errno, "mount a tmpfs on '%s'", scratch->path);
	/* Relative from here on: options of an overlay cannot hold every path. */
	if (chdir(scratch->path) < 0)
		return error_errno(err, errno, "enter '%s'", scratch->path);
	if (mkdir("root", 0755) < 0)
		return error_errno(err, errno, "make '%s'", scratch->merged);
	return 0;
}

/* The upper layer's own mode and owner are what the overlay's root shows. */
static int make_upper(const char *upper, const struct stat *like)
{
	if (mkdir(upper, 0700) < 0 || chown(upper, like->st_uid, like->st_gid) < 0 ||
	    chmod(upper, like->st_mode & 07777) < 0)
		return -errno;
	return 0;
}

/* Mounts an overlay of the directory FROM at TARGET (relative to the place). Negative errno. */
static int mount_overlay(struct scratch *scratch, const char *from, const char *target)
{
	char lower[32], upper[32], work[32], data[128];
	struct stat st;
	int r;

	snprintf(lower, sizeof(lower), "%u.lower", scratch->layers);
	snprintf(upper, sizeof(upper), "%u.upper", scratch->layers);
	snprintf(work, sizeof(work), "%u.work", scratch->layers);
	snprintf(data, sizeof(data), "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work);
	scratch->layers++;
	if (stat(from, &st) < 0 || mkdir(lower, 0700) < 0 || mkdir(work, 0700) < 0)
		return -errno;
	r = make_upper(upper, &st);
	if (r < 0)
		return r;
	if (mount(from, lower, NULL, MS_BIND, NULL) < 0)
		return -errno;
	if (mount("behalf", target, "overlay", 0, data) < 0)
		return -errno;
	return 0;
}

static bool is_mount_point(const char *path)
{
	struct statx sx;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &sx) == 0 &&
	       (sx.stx_attributes_mask & sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int bind_readonly(const char *from, const char *target)
{
	if (mount(from, target, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return -errno;
	return 0;
}

static int add_data_directories(struct scratch *scratch, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(data_directories); i++) {
		const char *from = data_directories[i];
		_cleanup_free_ char *target = NULL;
		int r;

		if (!is_mount_point(from))
			continue;
		target = string_format("root%s", from);
		if (!target)
			return error_oom(err);
		r = mount_overlay(scratch, from, target);
		if (r < 0)
			r = bind_readonly(from, target);
		if (r < 0)
			return error_errno(err, r, "mount '%s' of the host in the workspace", from);
	}
	return 0;
}

int scratch_make_overlay(struct scratch *scratch, const char *lower, const char **path,
			 struct error *err)
{
	int r = make_store(scratch, err);

	if (r < 0)
		return r;
	r = mount_overlay(scratch, lower ? lower : "/", "root");
	if (r < 0)
		return error_errno(err, r, "mount an overlay of '%s'", lower ? lower : "/");
	if (!lower)
		r = add_data_directories(scratch, err);
	if (r < 0)
		return r;
	*path = scratch->merged;
	return 0;
}

void scratch_leave(struct scratch *scratch)
{
	if (!scratch)
		return;
	if (scratch->home_namespace >= 0) {
		/* setns(2) makes the root directory that of the namespace, outside any chroot */
		if (setns(scratch->home_namespace, CLONE_NEWNS) < 0 ||
		    fchdir(scratch->home_root) < 0 || chroot(".") < 0)
			abort();
		close(take_fd(&scratch->home_namespace));
	}
	if (scratch->home_directory >= 0 && fchdir(scratch->home_directory) < 0 && chdir("/") < 0)
		abort();
	if (scratch->lock >= 0)
		rmdir(scratch->path);
	cleanup_close(&scratch->home_directory);
	cleanup_close(&scratch->home_root);
	cleanup_close(&scratch->lock);
	free(scratch->path);
	free(scratch->merged);
	free(scratch);
}

void cleanup_scratch(struct scratch **scratch)
{
	scratch_leave(*scratch);
}

/*
 * The lock of a killed process is gone with its last child, which may take a moment to die. Somebody
 * who lives and has the place removes it himself.
 */
void scratch_sweep(const char *root)
{
	_cleanup_free_ char *path = string_format("%s/" SCRATCH_NAME, root);
	_cleanup_close_ int lock = -EBADF;
	int r = -ENOMEM;

	for (int tries = 0; path && tries < SWEEP_TRIES; tries++) {
		r = directory_lock(path, false, false, &lock);
		if (r != -EWOULDBLOCK)
			break;
		usleep(SWEEP_PAUSE_US);
	}
	if (r == 0)
		rmdir(path);
}
