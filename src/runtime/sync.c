// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/sync.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

struct message {
	uint32_t type;
	int32_t code;
	char text[sizeof(((struct error *)0)->text)];
};

int sync_pair(int pair[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, errno, "make a socket pair");
	return 0;
}

static int send_message(int socket, const struct message *message, size_t size, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec payload = {.iov_base = (void *)message, .iov_len = size};
	struct msghdr header = {.msg_iov = &payload, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *c = &control.header;

		header.msg_control = &control;
		header.msg_controllen = sizeof(control.space);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		n = sendmsg(socket, &header, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int sync_send(int socket, enum sync_type type, int fd)
{
	struct message message = {.type = type};

	return send_message(socket, &message, offsetof(struct message, text), fd);
}

int sync_send_error(int socket, const struct error *error)
{
	struct message message = {.type = SYNC_ERROR, .code = error->code};
	size_t length = strnlen(error->text, sizeof(error->text) - 1);

	memcpy(message.text, error->text, length);
	return send_message(socket, &message, offsetof(struct message, text) + length + 1, -1);
}

int sync_receive(int socket, int *fd, struct error *err)
{
	struct message message;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec payload = {.iov_base = &message, .iov_len = sizeof(message)};
	struct msghdr header = {
		.msg_iov = &payload,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};
	_cleanup_close_ int received = -EBADF;
	bool reset = false;
	struct cmsghdr *c;
	ssize_t n;

	for (;;) {
		n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
		if (n >= 0 || (errno != EINTR && errno != ECONNRESET) || reset)
			break;
		/* It went without having read all, told once; what it has said before is still there. */
		reset = errno == ECONNRESET;
	}
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n < 0)
		return error_errno(err, errno, "read from the other side of the start");
	if (n == 0)
		return 0;
	if (n < (ssize_t)offsetof(struct message, text))
		return error_set(err, EPROTO, "short message while starting");
	c = CMSG_FIRSTHDR(&header);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&received, CMSG_DATA(c), sizeof(int));
	if (message.type == SYNC_ERROR) {
		message.text[sizeof(message.text) - 1] = '\0';
		return error_set(err, message.code, "%s", message.text);
	}
	if (fd)
		*fd = take_fd(&received);
	return (int)message.type;
}

int sync_expect(int socket, enum sync_type wanted, struct error *err)
{
	int type = sync_receive(socket, NULL, err);

	if (type < 0)
		return type;
	if (type == 0)
		return error_set(err, EPIPE, "the other side of the start ended unexpectedly");
	if (type != (int)wanted)
		return error_set(err, EPROTO, "unexpected message %d while starting", type);
	return 0;
}

int sync_await_end(int socket, struct error *err)
{
	int type = sync_receive(socket, NULL, err);

	if (type > 0)
		return error_set(err, EPROTO, "unexpected message %d while starting", type);
	return type;
}
