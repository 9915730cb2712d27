// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounts of a container that is there already. Its processes may be hostile, and change names while we
 * look at them.
 *
 * What is bound is taken out here as detached copies. Then a child enters the container's mount namespace,
 * which it needs to attach anything there, and nothing else of the container: to the container's processes
 * it is not visible in /proc, or where they share our pid namespace, not dumpable. It looks up every
 * target once, with the container's root as its root (openat2(2), RESOLVE_IN_ROOT), and attaches onto
 * that descriptor. The root is that of the container's first process: wherever that process has brought
 * itself to, it is a place in its own namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "kernel/pidfd.h"
#include "runtime/container.h"
#include "runtime/mounts.h"
#include "runtime/record.h"

struct change {
	const struct oci_config *holder;
	struct launch launch; /* bundle and rootfs are what is used of it */
	int *mounts;	      /* detached copies to add; NULL: to remove */
	bool *files;
	int self_fd; /* /proc/self/fd of the host, for umount2 */
	int target;  /* pidfd */
};

static int open_places(const struct container *container, struct change *c, struct error *err)
{
	char path[64];

	c->launch.bundle = open(container_bundle(container), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->launch.bundle < 0)
		return error_errno(err, errno, "open the bundle '%s'", container_bundle(container));
	snprintf(path, sizeof(path), "/proc/%d/root", container->pid);
	c->launch.rootfs = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* The number may be another's by now. */
	if (c->launch.rootfs < 0 || pidfd_ended(container->pidfd, 0))
		return error_set(err, ESRCH, "container not running: '%s'", container->id);
	c->target = container->pidfd;
	return 0;
}

/* Mounts made in a namespace that is not the container's own would be the host's, and would stay. */
static int check_own_namespace(const struct container *container, struct error *err)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", container->pid);
	if (stat("/proc/self/ns/mnt", &ours) < 0 || stat(path, &theirs) < 0)
		return error_errno(err, errno, "look at the mount namespace of container '%s'",
				   container->id);
	if (ours.st_ino == theirs.st_ino)
		return error_set(err, EINVAL, "container '%s' has no mount namespace of its own",
				 container->id);
	return 0;
}

static int clone_sources(struct change *c, struct error *err)
{
	size_t n = c->holder->n_mounts;

	c->mounts = calloc(n + 1, sizeof(*c->mounts));
	c->files = calloc(n + 1, sizeof(*c->files));
	if (!c->mounts || !c->files)
		return error_oom(err);
	for (size_t i = 0; i < n; i++)
		c->mounts[i] = -EBADF;
	for (size_t i = 0; i < n; i++) {
		const struct oci_mount *m = &c->holder->mounts[i];

		if (!m->bind)
			return error_set(
				err, ENOTSUP,
				"mounts[%zu]: only bind mounts can be added to a container "
				"that is there already",
				i);
		c->mounts[i] = mounts_clone_bind(&c->launch, m, &c->files[i], err);
		if (c->mounts[i] < 0)
			return error_prefix(err, "mounts[%zu]", i);
	}
	return 0;
}

/* The descriptor has the mount, not its name; a path through /proc of the host leads to it. */
static int remove_mount(struct change *c, const char *destination, struct error *err)
{
	_cleanup_close_ int fd = path_open_in_root(c->launch.rootfs, destination, O_PATH, 0);
	struct statx st;
	char name[16];

	if (fd < 0)
		return error_errno(err, fd, "open the mount point '%s'", destination);
	if (statx(fd, "", AT_EMPTY_PATH, 0, &st) < 0)
		return error_errno(err, errno, "look at '%s'", destination);
	if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return error_set(err, EINVAL, "nothing is mounted at '%s'", destination);
	snprintf(name, sizeof(name), "%d", fd);
	if (fchdir(c->self_fd) < 0 || umount2(name, MNT_DETACH) < 0)
		return error_errno(err, errno, "unmount '%s'", destination);
	return 0;
}

static int add_all(struct change *c, struct error *err)
{
	struct error undo_err;
	size_t i;
	int r = 0;

	for (i = 0; i < c->holder->n_mounts; i++) {
		r = mounts_attach(&c->launch, &c->holder->mounts[i], c->mounts[i], c->files[i],
				  err);
		if (r < 0)
			break;
	}
	if (r == 0)
		return 0;
	error_prefix(err, "mounts[%zu]", i);
	while (i--)
		remove_mount(c, c->holder->mounts[i].destination, &undo_err);
	return r;
}

static int remove_all(struct change *c, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->holder->n_mounts; i++)
		r = remove_mount(c, c->holder->mounts[i].destination, err);
	return r;
}

static int change_inside(struct change *c, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, errno, "prctl");
	c->self_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->self_fd < 0)
		return error_errno(err, errno, "open '/proc/self/fd'");
	if (setns(c->target, CLONE_NEWNS) < 0)
		return error_errno(err, errno, "enter the container's mount namespace");
	umask(0);
	return c->mounts ? add_all(c, err) : remove_all(c, err);
}

/* The child's failure comes back as the struct it is. */
static int run_inside(struct change *c, struct error *err)
{
	_cleanup_close_ int reader = -EBADF, writer = -EBADF;
	struct error result = {0};
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	reader = ends[0];
	writer = ends[1];
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "prctl");
	pid = fork();
	if (pid < 0)
		return error_errno(err, errno, "fork");
	if (pid == 0) {
		change_inside(c, &result);
		_exit(write(writer, &result, sizeof(result)) == sizeof(result) ? 0 : 1);
	}
	close(take_fd(&writer));
	do
		n = read(reader, &result, sizeof(result));
	while (n < 0 && errno == EINTR);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != sizeof(result))
		return error_set(err, EPROTO, "the change of mounts ended unexpectedly");
	if (!result.code)
		return 0;
	*err = result;
	return -result.code;
}

static void cleanup_change(struct change *c)
{
	for (size_t i = 0; c->mounts && i < c->holder->n_mounts; i++)
		cleanup_close(&c->mounts[i]);
	free(c->mounts);
	free(c->files);
	cleanup_close(&c->launch.bundle);
	cleanup_close(&c->launch.rootfs);
}

static int change(struct container *container, const struct oci_config *holder, bool add,
		  struct error *err)
{
	_cleanup_(cleanup_change) struct change c = {.holder = holder, .launch = LAUNCH_NONE};
	int r = record_lock(container, true, err);

	if (r < 0)
		return r;
	r = container->pidfd < 0
		    ? error_set(err, ESRCH, "container not running: '%s'", container->id)
		    : open_places(container, &c, err);
	if (r == 0)
		r = check_own_namespace(container, err);
	if (r == 0 && add)
		r = clone_sources(&c, err);
	if (r == 0)
		r = run_inside(&c, err);
	record_unlock(container);
	return r;
}

int container_add_mounts(struct container *container, const struct oci_config *holder,
			 struct error *err)
{
	return change(container, holder, true, err);
}

int container_remove_mounts(struct container *container, const struct oci_config *holder,
			    struct error *err)
{
	return change(container, holder, false, err);
}
