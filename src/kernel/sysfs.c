// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

int sysfs_open(struct error *err)
{
	_cleanup_close_ int fs = (int)syscall(SYS_fsopen, "sysfs", 1 /* FSOPEN_CLOEXEC */);
	int mount = -1;

	if (fs >= 0 && syscall(SYS_fsconfig, fs, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, fs, 1 /* FSMOUNT_CLOEXEC */, 0);
	return mount < 0 ? error_errno(err, errno, "mount a sysfs") : mount;
}

int sysfs_open_in(int netns_fd, struct error *err)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int mount;

	if (home < 0)
		return error_errno(err, errno, "open '/proc/thread-self/ns/net'");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "enter the network namespace");
	mount = sysfs_open(err);
	/* Going on in a namespace that is not ours would change somebody else's network. */
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	return mount;
}
