// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An agent for SCMP_ACT_NOTIFY: takes one listener over the Unix socket it makes at the path given,
 * prints the process state that comes with it, and answers each system call with EXDEV until the
 * container has ended.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int take(int socket)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char text[16384];
	struct iovec payload = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr message = {
		.msg_iov = &payload,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t n = recvmsg(socket, &message, 0);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd;

	if (n <= 0 || !header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	text[n] = '\0';
	puts(text);
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM, 0), listener;

	if (argc != 2)
		return 2;
	strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(server, 1) < 0)
		return 1;
	alarm(20);
	listener = take(accept(server, NULL, NULL));
	if (listener < 0)
		return 1;
	for (;;) {
		struct seccomp_notif request;
		struct seccomp_notif_resp answer = {.error = -EXDEV};

		memset(&request, 0, sizeof(request));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) {
			if (errno == EINTR)
				continue;
			return 0;
		}
		answer.id = request.id;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}
