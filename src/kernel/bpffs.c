// SPDX-License-Identifier: GPL-2.0-or-later
/* The file system that keeps BPF objects alive without a process. */
#include "kernel/bpffs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define SOURCE "behalf"
#define MOUNTINFO_LIMIT_BYTES (16u << 20)

bool bpffs_is_mounted(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

int bpffs_ensure(struct error *err)
{
	if (bpffs_is_mounted(BPFFS_PATH))
		return 0;
	if (mount(SOURCE, BPFFS_PATH, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return error_errno(err, errno, "mount a BPF file system at '%s'", BPFFS_PATH);
	return 0;
}

/* Whether the mount on top at BPFFS_PATH is marked: its line is the last of that path. */
static bool is_ours(void)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	bool ours = false;

	if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_LIMIT_BYTES, &text, NULL,
			 NULL) < 0)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, " " BPFFS_PATH " "))
			ours = strstr(line, " - bpf " SOURCE " ");
	}
	return ours;
}

/* Whether something is pinned; the kernel's own files have dots in their names. */
static bool is_in_use(void)
{
	_cleanup_closedir_ DIR *dir = opendir(BPFFS_PATH);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!strchr(entry->d_name, '.'))
			return true;
	}
	return !dir;
}

int bpffs_release(struct error *err)
{
	if (!bpffs_is_mounted(BPFFS_PATH) || !is_ours() || is_in_use())
		return 0;
	if (umount2(BPFFS_PATH, 0) < 0 && errno != EBUSY)
		return error_errno(err, errno, "unmount '%s'", BPFFS_PATH);
	return 0;
}
