// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"

/* MS_* flags that belong to the superblock, and their names for fsconfig(2) (fs/fs_context.c). */
static const struct {
	unsigned long flag;
	const char *name;
} superblock_flags[] = {
	{MS_SYNCHRONOUS, "sync"},  {MS_DIRSYNC, "dirsync"},    {MS_MANDLOCK, "mand"},
	{MS_LAZYTIME, "lazytime"}, {MS_I_VERSION, "iversion"}, {MS_SILENT, "silent"},
};

/* MS_* and MOUNT_ATTR_*, without the atime group. */
static const struct {
	unsigned long flag;
	uint64_t attribute;
} attribute_flags[] = {
	{MS_RDONLY, MOUNT_ATTR_RDONLY},		{MS_NOSUID, MOUNT_ATTR_NOSUID},
	{MS_NODEV, MOUNT_ATTR_NODEV},		{MS_NOEXEC, MOUNT_ATTR_NOEXEC},
	{MS_NODIRATIME, MOUNT_ATTR_NODIRATIME}, {MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
};

uint64_t mount_attributes(unsigned long flags)
{
	uint64_t attributes = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attribute_flags); i++)
		if (flags & attribute_flags[i].flag)
			attributes |= attribute_flags[i].attribute;
	/* MOUNT_ATTR_RELATIME is 0: the default, so it needs no bit (mount_setattr(2)). */
	if (flags & MS_NOATIME)
		attributes |= MOUNT_ATTR_NOATIME;
	else if (flags & MS_STRICTATIME)
		attributes |= MOUNT_ATTR_STRICTATIME;
	return attributes;
}

/* What the file system logged in its context: "e tmpfs: Unknown parameter 'x'". */
static int context_error(int context, int code, struct error *err, const char *what)
{
	char text[512];
	ssize_t n = read(context, text, sizeof(text) - 1);

	if (n <= 0)
		return error_errno(err, code, "%s", what);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, code, "%s: %s (%s)", what,
			 text[0] && text[1] == ' ' ? text + 2 : text, strerror(abs(code)));
}

static int configure(int context, const char *key, const char *value, struct error *err)
{
	int r;

	if (value)
		r = fsconfig(context, FSCONFIG_SET_STRING, key, value, 0);
	else
		r = fsconfig(context, FSCONFIG_SET_FLAG, key, NULL, 0);
	if (r < 0) {
		int code = errno;
		char what[256];

		snprintf(what, sizeof(what), "option '%s'", key);
		return context_error(context, code, err, what);
	}
	return 0;
}

static int configure_data(int context, const char *data, struct error *err)
{
	_cleanup_free_ char *copy = strdup(data);
	char *rest = copy, *option;

	if (!copy)
		return error_oom(err);
	while ((option = strsep(&rest, ","))) {
		char *value = strchr(option, '=');
		int r;

		if (!*option)
			continue;
		if (value)
			*value++ = '\0';
		r = configure(context, option, value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int configure_flags(int context, unsigned long flags, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(superblock_flags); i++) {
		int r;

		if (!(flags & superblock_flags[i].flag))
			continue;
		r = configure(context, superblock_flags[i].name, NULL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Apart from the other data, which ends at a comma. */
static int configure_label(int context, const char *label, struct error *err)
{
	const char *equals = strchr(label, '=');
	char name[16];
	int r;

	snprintf(name, sizeof(name), "%.*s", equals ? (int)(equals - label) : 0, label);
	r = configure(context, name, equals ? equals + 1 : label, err);
	return r < 0 ? error_prefix(err, "label '%s'", equals ? equals + 1 : label) : 0;
}

int mount_new(const char *type, const char *source, unsigned long flags, const char *data,
	      const char *label, struct error *err)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);
	int fd, r;

	if (context < 0)
		return error_errno(err, errno, "file system '%s'", type);
	if (source && *source) {
		r = configure(context, "source", source, err);
		if (r < 0)
			return r;
	}
	r = configure_flags(context, flags, err);
	if (r == 0 && data)
		r = configure_data(context, data, err);
	if (r == 0 && label)
		r = configure_label(context, label, err);
	if (r < 0)
		return r;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return context_error(context, errno, err, "mount");
	fd = fsmount(context, FSMOUNT_CLOEXEC, (unsigned int)mount_attributes(flags));
	if (fd < 0)
		return context_error(context, errno, err, "mount");
	return fd;
}

int mount_clone(int dirfd, const char *path, bool recursive, struct error *err)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT;
	int fd;

	if (!*path)
		flags |= AT_EMPTY_PATH;
	if (recursive)
		flags |= AT_RECURSIVE;
	fd = open_tree(dirfd, path, flags);
	if (fd < 0)
		return error_errno(err, errno, "bind '%s'", path);
	return fd;
}

int mount_attach(int mount, int target)
{
	if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
	    0)
		return -errno;
	return 0;
}

int mount_change(int mount, bool recursive, uint64_t set, uint64_t clear, unsigned long propagation)
{
	struct mount_attr attr = {
		.attr_set = set,
		.attr_clr = clear,
		.propagation = propagation,
	};

	/* The atime mode is a field, not bits: it is set only when the whole field is cleared. */
	if (set & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	if (mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
			  sizeof(attr)) < 0)
		return -errno;
	return 0;
}

int mount_map_ids(int mount, bool recursive, int user_ns)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)user_ns,
	};

	if (mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
			  sizeof(attr)) < 0)
		return -errno;
	return 0;
}
