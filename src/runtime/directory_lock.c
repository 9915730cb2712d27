// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/directory_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* -ESTALE when the directory was removed while we looked at it. */
static int try_lock(const char *path, bool make, bool wait, int *dir)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	int r;

	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return make && errno == ENOENT ? -ESTALE : -errno;
	do
		r = flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
	while (r < 0 && errno == EINTR);
	if (r < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_nlink == 0)
		return make ? -ESTALE : -ENOENT;
	*dir = take_fd(&fd);
	return 0;
}

int directory_lock(const char *path, bool make, bool wait, int *dir)
{
	int r;

	do
		r = try_lock(path, make, wait, dir);
	while (r == -ESTALE);
	return r;
}
