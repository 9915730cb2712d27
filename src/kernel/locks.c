// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/locks.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int flock_holder(int fd)
{
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	unsigned long inode;
	struct stat st;
	char line[256];
	int pid;

	if (!locks || fstat(fd, &st) < 0)
		return 0;
	while (fgets(line, sizeof(line), locks)) {
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %*x:%*x:%lu", &pid, &inode) == 2 &&
		    inode == st.st_ino)
			return pid;
	}
	return 0;
}
