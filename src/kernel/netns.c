// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

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
