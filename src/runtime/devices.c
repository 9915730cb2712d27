// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/strings.h"
#include "kernel/mounts.h"
#include "runtime/mounts.h"

static const struct oci_device default_devices[] = {
	{.path = "/dev/null", .type = 'c', .major = 1, .minor = 3},
	{.path = "/dev/zero", .type = 'c', .major = 1, .minor = 5},
	{.path = "/dev/full", .type = 'c', .major = 1, .minor = 7},
	{.path = "/dev/random", .type = 'c', .major = 1, .minor = 8},
	{.path = "/dev/urandom", .type = 'c', .major = 1, .minor = 9},
	{.path = "/dev/tty", .type = 'c', .major = 5, .minor = 0},
};

static const struct {
	const char *target, *name;
	const char *only_if; /* a path of the host that must exist */
} dev_symlinks[] = {
	{"/proc/self/fd", "/dev/fd", NULL},	     {"/proc/self/fd/0", "/dev/stdin", NULL},
	{"/proc/self/fd/1", "/dev/stdout", NULL},    {"/proc/self/fd/2", "/dev/stderr", NULL},
	{"/proc/kcore", "/dev/core", "/proc/kcore"}, {"pts/ptmx", "/dev/ptmx", NULL},
};

/* Devices come many to a directory, which is looked up once for those that follow each other. */
struct directory {
	int fd;
	char *path;
};

static void cleanup_directory(struct directory *directory)
{
	cleanup_close(&directory->fd);
	free(directory->path);
}

static int open_directory(struct launch *l, const char *path)
{
	int fd = path_open_in_root(l->rootfs, path, O_PATH | O_DIRECTORY, 0);
	int r;

	if (fd != -ENOENT)
		return fd;
	r = path_make_directories_in_root(l->rootfs, path, 0755);
	return r < 0 ? r : path_open_in_root(l->rootfs, path, O_PATH | O_DIRECTORY, 0);
}

/* The directory PATH lies in, made when absent, and its last component; the former stays IN's. */
static int open_parent(struct launch *l, struct directory *in, const char *path, const char **name,
		       struct error *err)
{
	_cleanup_free_ char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (!slash || !slash[1])
		return error_set(err, EINVAL, "device '%s': not a path of a file", path);
	*slash = '\0';
	*name = path + (slash + 1 - parent);
	if (!path_is_component(*name))
		return error_set(err, EINVAL, "device '%s': not a path of a file", path);
	if (in->path && strcmp(in->path, parent) == 0)
		return in->fd;
	cleanup_directory(in);
	in->path = NULL;
	in->fd = open_directory(l, parent);
	if (in->fd < 0)
		return error_errno(err, in->fd, "open the directory of device '%s'", path);
	in->path = take_ptr(parent);
	return in->fd;
}

static mode_t type_bits(char type)
{
	return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR;
}

/* A node that is there already is fine when it is the same device. */
static int check_existing(int dir, const char *name, const struct oci_device *d, struct error *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at device '%s'", d->path);
	if ((st.st_mode & S_IFMT) != type_bits(d->type) ||
	    (d->type != 'p' &&
	     st.st_rdev != makedev((unsigned int)d->major, (unsigned int)d->minor)))
		return error_set(err, EEXIST, "device '%s': something else is at that path",
				 d->path);
	return 0;
}

/*
 * In a user namespace, the container's own or one that we are in ourselves, the kernel refuses mknod
 * of devices: the host's node is bound instead.
 */
static int bind_device(struct launch *l, const struct oci_device *d, struct error *err)
{
	_cleanup_close_ int mount = mount_clone(AT_FDCWD, d->path, false, err);
	_cleanup_close_ int target = -EBADF;
	struct stat st;
	int r;

	if (mount < 0)
		return error_prefix(err, "device '%s'", d->path);
	if (fstat(mount, &st) < 0 || (st.st_mode & S_IFMT) != type_bits(d->type) ||
	    st.st_rdev != makedev((unsigned int)d->major, (unsigned int)d->minor))
		return error_set(err, ENODEV, "device '%s': the host has another device there",
				 d->path);
	target = mounts_open_target(l, d->path, true, err);
	if (target < 0)
		return target;
	r = mount_attach(mount, target);
	return r < 0 ? error_errno(err, r, "bind device '%s'", d->path) : 0;
}

static int make_device(struct launch *l, struct directory *in, const struct oci_device *d,
		       struct error *err)
{
	int dir;
	mode_t mode = type_bits(d->type) | (d->has_mode ? d->mode & 07777 : 0666);
	const char *name;

	if (l->in_user_ns && d->type != 'p')
		return bind_device(l, d, err);
	dir = open_parent(l, in, d->path, &name, err);
	if (dir < 0)
		return dir;
	/* The umask is 0 here (init.c), so the mode is exact from the first moment. */
	if (mknodat(dir, name, mode, makedev((unsigned int)d->major, (unsigned int)d->minor)) < 0) {
		if (errno == EEXIST)
			return check_existing(dir, name, d, err);
		if (errno == EPERM && d->type != 'p')
			return bind_device(l, d, err);
		return error_errno(err, errno, "make device '%s'", d->path);
	}
	if ((d->has_uid || d->has_gid) &&
	    fchownat(dir, name, d->has_uid ? d->uid : (uid_t)-1, d->has_gid ? d->gid : (gid_t)-1,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "give device '%s' its owner", d->path);
	return 0;
}

static bool dev_is_bound(const struct oci_config *config)
{
	for (size_t i = 0; i < config->n_mounts; i++)
		if (config->mounts[i].bind && strcmp(config->mounts[i].destination, "/dev") == 0)
			return true;
	return false;
}

static bool is_configured(const struct oci_config *config, const char *path)
{
	for (size_t i = 0; i < config->n_devices; i++)
		if (strcmp(config->devices[i].path, path) == 0)
			return true;
	return false;
}

static int make_symlinks(struct launch *l, struct directory *in, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(dev_symlinks); i++) {
		const char *name;
		int dir;

		if (dev_symlinks[i].only_if && access(dev_symlinks[i].only_if, F_OK) < 0)
			continue;
		dir = open_parent(l, in, dev_symlinks[i].name, &name, err);
		if (dir < 0)
			return dir;
		if (symlinkat(dev_symlinks[i].target, dir, name) < 0 && errno != EEXIST)
			return error_errno(err, errno, "make the symlink '%s'",
					   dev_symlinks[i].name);
	}
	return 0;
}

int devices_make(struct launch *l, struct error *err)
{
	_cleanup_(cleanup_directory) struct directory in = {.fd = -EBADF};
	bool own_dev = !dev_is_bound(l->config);
	int r;

	for (size_t i = 0; own_dev && i < ARRAY_SIZE(default_devices); i++) {
		if (is_configured(l->config, default_devices[i].path))
			continue;
		r = make_device(l, &in, &default_devices[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < l->config->n_devices; i++) {
		r = make_device(l, &in, &l->config->devices[i], err);
		if (r < 0)
			return error_prefix(err, "linux.devices[%zu]", i);
	}
	return own_dev ? make_symlinks(l, &in, err) : 0;
}
