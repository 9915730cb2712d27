// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
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

int path_make_directories_in_root(int root, const char *path, mode_t mode)
{
	_cleanup_close_ int at = path_open_in_root(root, "/", O_PATH | O_DIRECTORY, 0);
	_cleanup_free_ char *prefix = strdup(path);
	char *slash;

	if (!prefix)
		return -ENOMEM;
	if (at < 0)
		return at;
	/*
	 * Each prefix is looked up from ROOT again, so that symlinks in the middle are followed as
	 * the container would, and mkdirat acts on a descriptor that is known to be inside.
	 */
	slash = prefix + strspn(prefix, "/");
	while (*slash) {
		size_t length = strcspn(slash, "/");
		char after = slash[length];
		int fd;

		slash[length] = '\0';
		fd = path_open_in_root(root, prefix, O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOENT) {
			if (mkdirat(at, slash, mode) < 0 && errno != EEXIST)
				return -errno;
			fd = path_open_in_root(root, prefix, O_PATH | O_DIRECTORY, 0);
		}
		if (fd < 0)
			return fd;
		close(at);
		at = fd;
		slash[length] = after;
		slash += length;
		slash += strspn(slash, "/");
	}
	return 0;
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
