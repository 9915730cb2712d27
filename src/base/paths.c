// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

int path_open_in_root(int root, const char *path, uint64_t flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = flags & (O_CREAT | O_TMPFILE) & ~(uint64_t)O_DIRECTORY ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* EAGAIN: a rename or mount raced with the lookup of ".." (openat2(2)); try again. */
	for (int tries = 0; tries < 64; tries++) {
		fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	return -errno;
}

/* As MAXSYMLINKS of the kernel (include/linux/namei.h). */
#define LINKS_MAX 40

/*
 * Where the symlink NAME of DIR, the directory PARENT, leads: a path for ROOT, which resolves it as the
 * kernel would. -EINVAL when it is no symlink.
 */
static int read_link(int dir, const char *parent, const char *name, char **path)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (target[0] == '/')
		*path = strdup(target);
	else if (asprintf(path, "%s/%s", parent, target) < 0)
		*path = NULL;
	return *path ? 0 : -ENOMEM;
}

static int make_directories(int root, const char *path, mode_t mode, unsigned int links);

/*
 * NAME of AT, the directory PARENT, is missing, or a symlink to something that is: then that is made, as
 * the container would see it.
 */
static int make_directory(int root, int at, const char *parent, const char *name, mode_t mode,
			  unsigned int links)
{
	_cleanup_free_ char *target = NULL;
	int r;

	if (mkdirat(at, name, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	r = read_link(at, parent, name, &target);
	if (r == -EINVAL) /* somebody else has made it meanwhile */
		return 0;
	return r < 0 ? r : links == 0 ? -ELOOP : make_directories(root, target, mode, links - 1);
}

/*
 * Each prefix is looked up from ROOT again, so that symlinks in the middle are followed as the container
 * would, and mkdirat acts on a descriptor that is known to be inside.
 */
static int make_directories(int root, const char *path, mode_t mode, unsigned int links)
{
	_cleanup_close_ int at = path_open_in_root(root, "/", O_PATH | O_DIRECTORY, 0);
	_cleanup_free_ char *prefix = strdup(path), *parent = strdup("/");
	char *name;

	if (!prefix || !parent)
		return -ENOMEM;
	if (at < 0)
		return at;
	name = prefix + strspn(prefix, "/");
	while (*name) {
		size_t length = strcspn(name, "/");
		char after = name[length];
		int fd, r;

		name[length] = '\0';
		fd = path_open_in_root(root, prefix, O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOENT) {
			r = make_directory(root, at, parent, name, mode, links);
			if (r < 0)
				return r;
			fd = path_open_in_root(root, prefix, O_PATH | O_DIRECTORY, 0);
		}
		if (fd < 0)
			return fd;
		close(at);
		at = fd;
		free(parent);
		parent = strdup(prefix);
		if (!parent)
			return -ENOMEM;
		name[length] = after;
		name += length;
		name += strspn(name, "/");
	}
	return 0;
}

int path_make_directories_in_root(int root, const char *path, mode_t mode)
{
	return make_directories(root, path, mode, LINKS_MAX);
}

static int make_file(int root, const char *path, mode_t mode, unsigned int links)
{
	_cleanup_free_ char *parent = NULL, *target = NULL;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	_cleanup_close_ int dir = -EBADF, fd = -EBADF;
	int r;

	parent = slash ? strndup(path, (size_t)(slash - path)) : strdup("/");
	if (!parent)
		return -ENOMEM;
	if (!path_is_component(name))
		return -EISDIR;
	r = make_directories(root, parent, 0755, LINKS_MAX);
	if (r < 0)
		return r;
	dir = path_open_in_root(root, *parent ? parent : "/", O_PATH | O_DIRECTORY, 0);
	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd >= 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	r = read_link(dir, parent, name, &target);
	if (r == -EINVAL)
		return 0;
	return r < 0 ? r : links == 0 ? -ELOOP : make_file(root, target, mode, links - 1);
}

int path_make_file_in_root(int root, const char *path, mode_t mode)
{
	return make_file(root, path, mode, LINKS_MAX);
}

int path_make_directories(const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

bool path_is_component(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}
