// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static ssize_t read_retry(int fd, char *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	return n;
}

int fd_read_all(int fd, const char *name, size_t limit_bytes, char **text, size_t *size,
		struct error *err)
{
	_cleanup_free_ char *buffer = NULL;
	size_t capacity = 4096, used = 0;
	ssize_t n;

	for (;;) {
		/* One byte more than the limit is read, so that reaching it can be told. */
		if (!buffer || used + 1 >= capacity) {
			char *grown = realloc(buffer, capacity *= 2);

			if (!grown)
				return error_oom(err);
			buffer = grown;
		}
		n = read_retry(fd, buffer + used, capacity - used - 1);
		if (n < 0)
			return error_errno(err, errno, "read '%s'", name);
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > limit_bytes)
			return error_set(err, EFBIG, "'%s' is larger than %zu bytes", name,
					 limit_bytes);
	}
	buffer[used] = '\0';
	*text = take_ptr(buffer);
	if (size)
		*size = used;
	return 0;
}

int file_read_at(int dirfd, const char *path, size_t limit_bytes, char **text, size_t *size,
		 struct error *err)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_errno(err, errno, "open '%s'", path);
	return fd_read_all(fd, path, limit_bytes, text, size, err);
}

int file_write_at(int dirfd, const char *path, const char *text, struct error *err)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return error_errno(err, errno, "open '%s'", path);
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_errno(err, errno, "write '%s' to '%s'", text, path);
	return 0;
}

int fd_write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int file_create_at(int dirfd, const char *path, const char *text, mode_t mode, struct error *err)
{
	_cleanup_close_ int fd =
		openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

	return r < 0 ? error_errno(err, r, "write '%s'", path) : 0;
}

int file_replace_at(int dirfd, const char *path, const char *text, mode_t mode, bool durable,
		    struct error *err)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (asprintf(&temporary, "%s.%d.tmp", path, getpid()) < 0)
		return error_oom(err);
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return error_errno(err, errno, "create '%s'", temporary);
	r = fd_write_all(fd, text, strlen(text));
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, temporary, 0);
		return error_errno(err, r, "write '%s'", path);
	}
	return 0;
}

void fd_raise_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int fd_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

int fd_send(int socket, int fd, const char *name, struct error *err)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec payload = {.iov_base = (void *)name, .iov_len = strlen(name)};
	struct msghdr message = {
		.msg_iov = &payload,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
		return error_errno(err, errno, "send the descriptor of '%s'", name);
	return 0;
}
