// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a hostile container tries, as one static program:
 *
 *	hostile swap A B		exchanges two paths for ever, as fast as it can
 *	hostile write-through FD	tries to write to the file that FD (O_PATH) refers to
 *	hostile watch SECONDS COMM	looks for processes whose name begins with COMM, opens their
 *					program through /proc and tries to write to it
 *
 * Tries are told on standard output: "opened N" (how many could be looked at), and "WRITABLE" when one
 * could be opened for writing. What is opened so is not written to.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void swap(const char *a, const char *b)
{
	for (;;)
		syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */);
}

/* Opening for writing fails with ETXTBSY while it is executed, so it is tried for a while. */
static int is_writable(int fd, int tries)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (; tries > 0; tries--) {
		int writer = open(path, O_WRONLY);

		if (writer >= 0) {
			close(writer);
			return 1;
		}
		if (errno == EROFS) {
			/* Is the protection a mount that can be changed? */
			mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
			mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL);
		}
		if (errno != ETXTBSY && errno != EROFS)
			return 0;
		usleep(1000);
	}
	return 0;
}

static int has_name(const char *pid, const char *wanted)
{
	char path[300], name[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	close(fd);
	return strncmp(name, wanted, strlen(wanted)) == 0;
}

/* The process may have become a program of the image between two looks: no success then. */
static int is_of_the_image(int fd)
{
	char link[64], path[4096];
	struct stat here, there;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	return stat(path, &here) == 0 && fstat(fd, &there) == 0 && here.st_dev == there.st_dev &&
	       here.st_ino == there.st_ino;
}

static void look(const char *pid, const char *wanted, int *opened)
{
	char path[300];
	int fd;

	if (pid[0] < '1' || pid[0] > '9' || !has_name(pid, wanted))
		return;
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	*opened += !is_of_the_image(fd);
	if (!is_of_the_image(fd) && is_writable(fd, 3)) {
		printf("WRITABLE %s\n", path);
		fflush(stdout);
	}
	close(fd);
}

static void watch(int seconds, const char *wanted)
{
	time_t end = time(NULL) + seconds;
	int opened = 0;

	while (time(NULL) < end) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;

		while (proc && (entry = readdir(proc)))
			look(entry->d_name, wanted, &opened);
		if (proc)
			closedir(proc);
	}
	printf("opened %d\n", opened);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "swap") == 0) {
		swap(argv[2], argv[3]);
	} else if (argc == 3 && strcmp(argv[1], "write-through") == 0) {
		puts(is_writable(atoi(argv[2]), 200) ? "WRITABLE" : "opened 1");
	} else if (argc == 4 && strcmp(argv[1], "watch") == 0) {
		watch(atoi(argv[2]), argv[3]);
	} else {
		fprintf(stderr, "hostile: see the source for what it does\n");
		return 2;
	}
	return 0;
}
