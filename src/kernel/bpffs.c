// SPDX-License-Identifier: GPL-2.0-or-later
/* The file system that keeps BPF objects alive without a process. */
#include "kernel/bpffs.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>

bool bpffs_is_mounted(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

int bpffs_ensure(bool *mounted, struct error *err)
{
	if (bpffs_is_mounted(BPFFS_PATH)) {
		*mounted = false;
		return 0;
	}
	if (mount("bpf", BPFFS_PATH, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return error_errno(err, errno, "mount a BPF file system at '%s'", BPFFS_PATH);
	*mounted = true;
	return 0;
}

int bpffs_unmount(struct error *err)
{
	if (umount2(BPFFS_PATH, 0) < 0 && errno != EBUSY)
		return error_errno(err, errno, "unmount '%s'", BPFFS_PATH);
	return 0;
}
