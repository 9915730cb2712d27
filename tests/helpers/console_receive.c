// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * console_receive SOCKET [INPUT]: what an engine does with --console-socket. Listens on SOCKET (and
 * makes it), takes the descriptor that comes, copies what comes out of it to standard output until the
 * terminal is closed, and writes INPUT to it once something has come. "name: NAME" and
 * "device: MAJOR:MINOR" of the descriptor are the first lines.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static int receive(int connection, char *name, size_t size)
{
	char space[CMSG_SPACE(sizeof(int))];
	struct iovec payload = {name, size - 1};
	struct msghdr message = {
		.msg_iov = &payload,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *header;
	ssize_t n = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	int fd;

	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	name[n] = '\0';
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void copy(int terminal, const char *input)
{
	char buffer[4096];
	ssize_t n;

	while ((n = read(terminal, buffer, sizeof(buffer))) > 0) {
		if (write(STDOUT_FILENO, buffer, (size_t)n) != n)
			return;
		if (input && write(terminal, input, strlen(input)) < 0)
			perror("write to the terminal");
		input = NULL;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int connection, terminal;
	char name[256];
	struct stat st;

	if (argc < 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0) {
		perror(argv[1]);
		return 1;
	}
	connection = accept(listener, NULL, NULL);
	terminal = receive(connection, name, sizeof(name));
	if (terminal < 0 || fstat(terminal, &st) < 0) {
		fprintf(stderr, "no descriptor came\n");
		return 1;
	}
	printf("name: %s\ndevice: %u:%u\n", name, major(st.st_rdev), minor(st.st_rdev));
	fflush(stdout);
	copy(terminal, argc > 2 ? argv[2] : NULL);
	return 0;
}
