// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pidfd_kill SOCKET SIGNAL: what an engine does with --pidfd-socket. Listens on SOCKET (and makes it),
 * takes the descriptor that comes, and sends SIGNAL through it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int receive(int connection)
{
	char space[CMSG_SPACE(sizeof(int))], name[64];
	struct iovec payload = {name, sizeof(name)};
	struct msghdr message = {
		.msg_iov = &payload,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	ssize_t n = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	int fd;

	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int connection, pidfd;

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0) {
		perror(argv[1]);
		return 1;
	}
	connection = accept(listener, NULL, NULL);
	pidfd = connection < 0 ? -1 : receive(connection);
	if (pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, atoi(argv[2]), NULL, 0) < 0) {
		perror("pidfd");
		return 1;
	}
	return 0;
}
