// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The `cgroup` mount of a container shows it its own groups and nothing above: binds of the
 * directories that its processes are in. On v1 these lie in a tmpfs, one per hierarchy and named as on
 * the host. A `cgroup2` mount is that of v2 alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/cgroup.h"
#include "kernel/mounts.h"
#include "runtime/mounts.h"

static int bind_directory(const char *directory, unsigned long flags, int target)
{
	_cleanup_close_ int mount = mount_clone(AT_FDCWD, directory, false, NULL);
	int r;

	if (mount < 0)
		return mount;
	r = mount_change(mount, false, mount_attributes(flags), 0, MS_PRIVATE);
	return r < 0 ? r : mount_attach(mount, target);
}

/*
 * With the host's cgroup namespace /proc/self/cgroup shows the host's paths, so there the whole
 * hierarchy is mounted and they fit.
 */
static int mount_unified(struct launch *l, const struct oci_mount *m, int target, struct error *err)
{
	const char *directory = cgroup_directory(l->cgroup, CGROUP_CORE);
	int r = -EPERM;

	if (!l->new_cgroup_ns) {
		_cleanup_close_ int mount =
			mount_new("cgroup2", "cgroup", m->flags, NULL, NULL, err);

		r = mount < 0 ? mount : mount_attach(mount, target);
	}
	if (r < 0)
		r = bind_directory(directory, m->flags, target);
	return r < 0 ? error_errno(err, r, "mount the cgroup at '%s'", m->destination) : 0;
}

/* "cpu,cpuacct" is one hierarchy that people look for under either name. */
static int link_controllers(int tmpfs, const char *name)
{
	_cleanup_free_ char *copy = strdup(name);
	char *rest = copy, *controller;

	if (!copy)
		return -ENOMEM;
	while ((controller = strsep(&rest, ",")))
		if (symlinkat(name, tmpfs, controller) < 0 && errno != EEXIST)
			return -errno;
	return 0;
}

/* DIRECTORY is the container's group in the hierarchy that is mounted at MOUNT on the host. */
static int add_hierarchy(int tmpfs, const char *mount, const char *directory, unsigned long flags)
{
	const char *slash = strrchr(mount, '/');
	const char *name = slash ? slash + 1 : mount;
	_cleanup_close_ int target = -EBADF;
	int r;

	if (mkdirat(tmpfs, name, 0755) < 0)
		return errno == EEXIST ? 0 : -errno; /* shared with another controller: done */
	target = openat(tmpfs, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return -errno;
	r = bind_directory(directory, flags, target);
	return r == 0 && strchr(name, ',') ? link_controllers(tmpfs, name) : r;
}

static int mount_legacy(struct launch *l, const struct oci_mount *m, int target, struct error *err)
{
	_cleanup_close_ int tmpfs = mount_new("tmpfs", "tmpfs",
					      m->flags & ~(unsigned long)MS_RDONLY, "mode=755",
					      l->config->mount_option, err);
	int r = tmpfs < 0 ? tmpfs : mount_attach(tmpfs, target);

	if (r < 0)
		return error_errno(err, r, "mount at '%s'", m->destination);
	for (int c = CGROUP_CORE; c < CGROUP_CONTROLLERS; c++) {
		const char *mount = cgroup_layout_mount(l->layout, (enum cgroup_controller)c);
		const char *directory = cgroup_directory(l->cgroup, (enum cgroup_controller)c);

		if (!mount || !directory)
			continue;
		r = add_hierarchy(tmpfs, mount, directory, m->flags);
		if (r < 0)
			return error_errno(err, r, "mount the cgroup '%s' at '%s'", mount,
					   m->destination);
	}
	if (!(m->flags & MS_RDONLY))
		return 0;
	r = mount_change(tmpfs, false, MOUNT_ATTR_RDONLY, 0, 0);
	return r < 0 ? error_errno(err, r, "make '%s' read-only", m->destination) : 0;
}

/* --cgroup-manager disabled, or a user who may make none: there is no group that could be shown. */
static int mount_nothing(struct launch *l, const struct oci_mount *m, int target, struct error *err)
{
	_cleanup_close_ int tmpfs = mount_new("tmpfs", "tmpfs", m->flags | MS_RDONLY,
					      "size=0k,mode=555", l->config->mount_option, err);
	int r = tmpfs < 0 ? tmpfs : mount_attach(tmpfs, target);

	return r < 0 ? error_errno(err, r, "mount at '%s'", m->destination) : 0;
}

int cgroup_mount_make(struct launch *l, const struct oci_mount *m, int target, struct error *err)
{
	/* Both types are the container's groups, as there are; beside v1 who says cgroup2 wants that. */
	bool version2 = strcmp(m->type, "cgroup2") == 0;

	if (cgroup_layout_mode(l->layout) == CGROUP_NONE)
		return error_set(err, ENODEV,
				 "mount of '%s' at '%s': no cgroup hierarchy is mounted", m->type,
				 m->destination);
	if (!l->cgroup || !cgroup_directory(l->cgroup, CGROUP_CORE))
		return mount_nothing(l, m, target, err);
	if (cgroup_layout_mode(l->layout) == CGROUP_UNIFIED ||
	    (version2 && cgroup_layout_version(l->layout, CGROUP_CORE) == 2))
		return mount_unified(l, m, target, err);
	if (version2)
		return error_set(err, ENODEV, "mount of 'cgroup2' at '%s': there is cgroup v1 only",
				 m->destination);
	return mount_legacy(l, m, target, err);
}
