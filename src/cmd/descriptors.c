// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int descriptors_check_preserved(unsigned int n, struct error *err)
{
	for (int fd = 3; fd < 3 + (int)n; fd++) {
		int flags = fcntl(fd, F_GETFD);

		/* What we opened ourselves is close-on-exec; what was inherited cannot be. */
		if (flags < 0 || (flags & FD_CLOEXEC))
			return error_set(err, EBADF, "--preserve-fds %u: descriptor %d is not open",
					 n, fd);
	}
	return 0;
}

int descriptors_open_standard(struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free one is FD, since those below are open by now. */
		if (open("/dev/null", O_RDWR) < 0)
			return error_errno(err, errno, "open '/dev/null'");
	}
	return 0;
}
