// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Apart from the keeper itself: `create` asks whether one runs, and must not be linked with all that it is.
 */
#include "keeper/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"

#define DEFAULT_DIRECTORY "/run/behalf-keeper"
#define STATUS_MAX_BYTES (64u << 20)
#define ANSWER_TIMEOUT_S 2 /* it answers in each of its rounds, ten times a second */

const char *keeper_directory(void)
{
	const char *path = secure_getenv("BEHALF_KEEPER");

	return path && *path ? path : DEFAULT_DIRECTORY;
}

int keeper_address(const char *path, struct sockaddr_un *address, struct error *err)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return error_set(err, ENAMETOOLONG, "the socket '%s': the path is too long", path);
	strcpy(address->sun_path, path);
	return 0;
}

static int receive_fd(int socket, struct error *err)
{
	char name[64];
	struct iovec data = {name, sizeof(name)};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0)
		return errno == EAGAIN ? error_set(err, EAGAIN, "the keeper does not answer")
				       : error_errno(err, errno, "hear from the keeper");
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return error_set(err, ECONNRESET, "the keeper has ended before it answered");
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

int keeper_connect(const char *path, struct error *err)
{
	const struct timeval patience = {.tv_sec = ANSWER_TIMEOUT_S};
	_cleanup_close_ int fd = -EBADF;
	struct sockaddr_un address;
	int r = keeper_address(path, &address, err);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* connect waits by this one when the keeper does not accept, as one that is stopped */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return error_set(err, ENOENT, "no keeper runs (nobody listens at '%s')",
					 path);
		return errno == EAGAIN ? error_set(err, EAGAIN, "the keeper does not answer")
				       : error_errno(err, errno, "ask the keeper at '%s'", path);
	}
	return take_fd(&fd);
}

int keeper_ask(const char *path, struct json_object **status, int *pid, struct error *err)
{
	_cleanup_close_ int fd = keeper_connect(path, err), memory = -EBADF;
	_cleanup_free_ char *text = NULL;
	struct ucred peer;
	socklen_t length = sizeof(peer);
	size_t size;
	int r;

	if (fd < 0)
		return fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
		*pid = peer.pid;
	memory = receive_fd(fd, err);
	if (memory < 0)
		return memory;
	/* its offset is where the keeper stopped writing */
	if (lseek(memory, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "read the keeper's answer");
	r = fd_read_all(memory, "the keeper's answer", STATUS_MAX_BYTES, &text, &size, err);
	return r < 0 ? r : json_parse("the keeper's answer", text, size, status, err);
}

bool keeper_runs(void)
{
	_cleanup_free_ char *path = string_format("%s/" KEEPER_SOCKET, keeper_directory());
	_cleanup_close_ int fd = path ? keeper_connect(path, NULL) : -EBADF;

	return fd >= 0;
}
