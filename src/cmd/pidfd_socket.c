// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/pidfd_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/fd.h"

int pidfd_socket_connect(const char *path, int *fd, struct error *err)
{
	_cleanup_close_ int sock = -EBADF;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG, "--pidfd-socket '%s': path too long", path);
	strcpy(address.sun_path, path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, errno, "--pidfd-socket: connect to '%s'", path);
	*fd = take_fd(&sock);
	return 0;
}

int pidfd_socket_send(int fd, int pidfd, struct error *err)
{
	int r = fd_send(fd, pidfd, "pidfd", err);

	return r < 0 ? error_prefix(err, "--pidfd-socket") : 0;
}
