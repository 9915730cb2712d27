// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/sysfs.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/netns.h"

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
	_cleanup_netns_ int home = netns_enter(netns_fd, err);

	return home < 0 ? home : sysfs_open(err);
}
