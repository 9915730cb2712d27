// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int netns_enter(int netns_fd, struct error *err)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return error_errno(err, errno, "open '/proc/thread-self/ns/net'");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "enter the network namespace");
	return take_fd(&home);
}

void netns_leave(const int *home)
{
	if (*home < 0)
		return;
	/* Going on in a namespace that is not ours would change somebody else's network. */
	if (setns(*home, CLONE_NEWNET) < 0)
		abort();
	close(*home);
}

uint64_t netns_cookie(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	struct stat st;

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0)
		return cookie;
	/* a kernel without cookies will have none later either */
	if (errno != ENOPROTOOPT)
		return 0;
	return stat("/proc/thread-self/ns/net", &st) == 0 ? st.st_ino : 0;
}
