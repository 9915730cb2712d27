// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mounts of a configuration. The container's root may be hostile: symlinks that lead out of it,
 * or a directory that another container swaps while we work (CVE-2021-30465). So each target is
 * looked up once, inside the root (openat2), and the detached mount is attached to that very
 * descriptor; nothing here goes back to a path.
 */
#include "runtime/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/strings.h"
#include "kernel/mounts.h"
#include "runtime/copyup.h"
#include "runtime/labels.h"

int mounts_open_target(struct launch *l, const char *destination, bool file, struct error *err)
{
	int fd = path_open_in_root(l->rootfs, destination, O_PATH, 0);
	int r;

	if (fd == -ENOENT) {
		r = file ? path_make_file_in_root(l->rootfs, destination, 0644)
			 : path_make_directories_in_root(l->rootfs, destination, 0755);
		if (r < 0)
			return error_errno(err, r, "make the mount point '%s'", destination);
		fd = path_open_in_root(l->rootfs, destination, O_PATH, 0);
	}
	if (fd < 0)
		return error_errno(err, fd, "open the mount point '%s'", destination);
	return fd;
}

/*
 * proc and sysfs are where labels and limits are written and masks are laid. Mounted through a
 * symlink of the image they would be somewhere else (CVE-2019-19921, CVE-2023-27561).
 */
static int refuse_symlink(struct launch *l, const struct oci_mount *m, struct error *err)
{
	_cleanup_close_ int fd =
		path_open_in_root(l->rootfs, m->destination, O_PATH | O_NOFOLLOW, 0);
	struct stat st;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return error_errno(err, fd, "open the mount point '%s'", m->destination);
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(err, EINVAL, "mount of '%s' at '%s': not an ordinary directory",
				 m->type, m->destination);
	return 0;
}

static bool is_type(const struct oci_mount *m, const char *type)
{
	return m->type && strcmp(m->type, type) == 0;
}

/* A tmpfs that is to be read-only stays writable until devices and copies are in it. */
static bool finishes_late(const struct oci_mount *m)
{
	return !m->bind && is_type(m, "tmpfs") && (m->flags & MS_RDONLY);
}

int mounts_attach(struct launch *l, const struct oci_mount *m, int mount, bool file,
		  struct error *err)
{
	_cleanup_close_ int target = mounts_open_target(l, m->destination, file, err);
	int r;

	if (target < 0)
		return target;
	if (m->tmpcopyup) {
		r = copyup_tree(target, mount, err);
		if (r < 0)
			return r;
	}
	r = mount_attach(mount, target);
	if (r < 0)
		return error_errno(err, r, "mount at '%s'", m->destination);
	if (!m->propagation)
		return 0;
	r = mount_change(mount, m->propagation & MS_REC, 0, 0,
			 m->propagation & ~(unsigned long)MS_REC);
	if (r < 0)
		return error_errno(err, r, "set the propagation of '%s'", m->destination);
	return 0;
}

/*
 * In a user namespace the flags of the host's mounts are locked (mount_namespaces(7)). Taking nosuid,
 * nodev, noexec or read-only away is refused; the mode of access times, which most ask for without
 * caring, stays as it is.
 */
static int change_unlocked(int mount, uint64_t set, uint64_t clear)
{
	const uint64_t times = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;

	if (!((set | clear) & times))
		return -EPERM;
	return mount_change(mount, false, set & ~times, clear & ~times, 0);
}

int mounts_clone_bind(struct launch *l, const struct oci_mount *m, bool *file, struct error *err)
{
	_cleanup_close_ int mount = -EBADF;
	struct stat st;
	uint64_t set = mount_attributes(m->flags), clear = mount_attributes(m->clear_flags);
	int r;

	if (!m->source)
		return error_set(err, EINVAL, "mount at '%s': a bind mount needs a source",
				 m->destination);
	if (m->idmap && !l->mapped_mounts)
		return error_set(
			err, EOPNOTSUPP,
			"mount at '%s': a mount of a running container cannot be id-mapped",
			m->destination);
	if (m->idmap)
		mount = fcntl(l->mapped_mounts[m - l->config->mounts], F_DUPFD_CLOEXEC, 3);
	else
		mount = mount_clone(l->bundle, m->source, m->flags & MS_REC, NULL);
	if (mount < 0)
		return error_errno(err, mount, "bind '%s' to '%s'", m->source, m->destination);
	if (fstat(mount, &st) < 0)
		return error_errno(err, errno, "look at '%s'", m->source);
	/* An untouched atime mode stays the source's own; MS_RELATIME asks for the default one. */
	if (m->flags & MS_RELATIME)
		clear |= MOUNT_ATTR__ATIME;
	if (set || clear) {
		r = mount_change(mount, false, set, clear & ~set, 0);
		if (r == -EPERM)
			r = change_unlocked(mount, set, clear & ~set);
		if (r < 0)
			return error_errno(err, r, "set the options of the bind mount at '%s'",
					   m->destination);
	}
	if (m->recursive_set || m->recursive_clear) {
		r = mount_change(mount, true, m->recursive_set, m->recursive_clear, 0);
		if (r < 0)
			return error_errno(err, r, "set the recursive options of '%s'",
					   m->destination);
	}
	*file = !S_ISDIR(st.st_mode);
	return take_fd(&mount);
}

static int make_bind(struct launch *l, const struct oci_mount *m, struct error *err)
{
	bool file;
	_cleanup_close_ int mount = mounts_clone_bind(l, m, &file, err);

	return mount < 0 ? mount : mounts_attach(l, m, mount, file, err);
}

/*
 * A new sysfs belongs to a network namespace; a container without rights over its own (the host's)
 * sees the host's /sys read-only instead, as every runtime does.
 */
static int sysfs_fallback(const struct oci_mount *m, struct error *err)
{
	_cleanup_close_ int mount = mount_clone(AT_FDCWD, "/sys", true, err);
	int r;

	if (mount < 0)
		return mount;
	r = mount_change(mount, false, mount_attributes(m->flags | MS_RDONLY), 0, 0);
	if (r < 0)
		return error_errno(err, r, "set the options of '%s'", m->destination);
	return take_fd(&mount);
}

/*
 * The group of terminals, gid=5 in everybody's default configuration, may not be there in a user
 * namespace with few ids. Then they belong to the group of who opens them.
 */
static int devpts_without_group(const struct oci_mount *m, unsigned long flags, const char *label,
				struct error *err)
{
	const char *option = m->data ? strstr(m->data, "gid=") : NULL;
	_cleanup_free_ char *rest = NULL;
	size_t digits;

	if (!option || (option != m->data && option[-1] != ','))
		return -EINVAL;
	option += strlen("gid=");
	digits = strspn(option, "0123456789");
	if (!digits || (option[digits] && option[digits] != ','))
		return -EINVAL;
	rest = string_format("%.*s%s", (int)(option - strlen("gid=") - m->data), m->data,
			     option + digits);
	if (!rest)
		return error_oom(err);
	/* An empty option is skipped (kernel/mounts.c). */
	return mount_new(m->type, m->source, flags, rest, label, err);
}

/* linux.mountLabel, but where the kernel's own labels of files are the point, as runc and crun have it. */
static const char *label_of(const struct launch *l, const struct oci_mount *m)
{
	return is_type(m, "proc") || is_type(m, "sysfs") || is_type(m, "mqueue")
		       ? NULL
		       : l->config->mount_option;
}

static int make_new(struct launch *l, const struct oci_mount *m, struct error *err)
{
	_cleanup_close_ int mount = -EBADF;
	const char *label = label_of(l, m);
	unsigned long flags = m->flags;
	int r;

	if (finishes_late(m))
		flags &= ~(unsigned long)MS_RDONLY;
	mount = mount_new(m->type, m->source, flags, m->data, label, err);
	if (mount == -EINVAL && is_type(m, "devpts"))
		mount = devpts_without_group(m, flags, label, err);
	if (mount == -EPERM && is_type(m, "sysfs"))
		mount = sysfs_fallback(m, err);
	if (mount < 0)
		return error_prefix(err, "mount '%s' at '%s'", m->type, m->destination);
	/* It takes no label when it is mounted, its root does afterwards. */
	if (is_type(m, "mqueue") && l->config->mount_label) {
		r = labels_set_file(mount, l->config->mount_label, err);
		if (r < 0)
			return error_prefix(err, "mount 'mqueue' at '%s'", m->destination);
	}
	if (m->recursive_set || m->recursive_clear) {
		r = mount_change(mount, true, m->recursive_set, m->recursive_clear, 0);
		if (r < 0)
			return error_errno(err, r, "set the recursive options of '%s'",
					   m->destination);
	}
	return mounts_attach(l, m, mount, false, err);
}

static int make_mount(struct launch *l, const struct oci_mount *m, struct error *err)
{
	_cleanup_close_ int target = -EBADF;
	int r;

	if (m->bind)
		return make_bind(l, m, err);
	if (!m->type)
		return error_set(err, EINVAL, "mount at '%s': no type", m->destination);
	if (is_type(m, "proc") || is_type(m, "sysfs")) {
		r = refuse_symlink(l, m, err);
		if (r < 0)
			return r;
	}
	if (is_type(m, "cgroup") || is_type(m, "cgroup2")) {
		target = mounts_open_target(l, m->destination, false, err);
		return target < 0 ? target : cgroup_mount_make(l, m, target, err);
	}
	return make_new(l, m, err);
}

int mounts_make(struct launch *l, struct error *err)
{
	for (size_t i = 0; i < l->config->n_mounts; i++) {
		int r = make_mount(l, &l->config->mounts[i], err);

		if (r < 0)
			return error_prefix(err, "mounts[%zu]", i);
	}
	return 0;
}

int mounts_finish(struct launch *l, struct error *err)
{
	for (size_t i = 0; i < l->config->n_mounts; i++) {
		const struct oci_mount *m = &l->config->mounts[i];
		_cleanup_close_ int fd = -EBADF;
		int r;

		if (!finishes_late(m))
			continue;
		fd = path_open_in_root(l->rootfs, m->destination, O_PATH, 0);
		r = fd < 0 ? fd : mount_change(fd, false, MOUNT_ATTR_RDONLY, 0, 0);
		if (r < 0)
			return error_errno(err, r, "make '%s' read-only", m->destination);
	}
	return 0;
}
