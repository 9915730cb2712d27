// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a hostile container tries, as one static program:
 *
 *	hostile swap A B		exchanges two paths for ever, as fast as it can
 *	hostile write-through FD	tries to write to the file that FD (O_PATH) refers to
 *	hostile watch SECONDS COMM	looks for processes whose name begins with COMM, opens their
 *					program through /proc and tries to write to it
 *	hostile seize COMM		keeps hold of the program of the first one, and tries to write to it
 *					for two seconds after that process has ended
 *
 *	hostile spy SECONDS COMM	looks for the same, and tries to get at what they have: descriptors,
 *					directories, memory, environment, and to trace them
 *	hostile with-key NAME COMMAND	runs a command with a key of that name in its session's keyring
 *	hostile find-key NAME		tells whether the session has it
 *
 * Tries are told on standard output: "opened N" or "met N" (how many could be looked at), "WRITABLE" when
 * one could be opened for writing, "GOT WHAT" when a spy got something. Nothing is written to.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

static int seize_of(const char *pid, const char *wanted)
{
	char path[300];
	int fd;

	if (pid[0] < '1' || pid[0] > '9' || !has_name(pid, wanted))
		return -1;
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && is_of_the_image(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void seize(const char *wanted)
{
	int fd = -1;
	pid_t of = 0;

	while (fd < 0) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;

		while (proc && fd < 0 && (entry = readdir(proc))) {
			fd = seize_of(entry->d_name, wanted);
			of = (pid_t)atoi(entry->d_name);
		}
		if (proc)
			closedir(proc);
	}
	puts("opened 1");
	fflush(stdout);
	while (kill(of, 0) == 0)
		usleep(1000);
	puts(is_writable(fd, 2000) ? "tried: WRITABLE" : "tried");
}

/* Between two looks it may have become a program of the image, which may be looked at. */
static void got(const char *pid, const char *wanted, const char *what)
{
	if (has_name(pid, wanted)) {
		printf("GOT %s\n", what);
		fflush(stdout);
	}
}

static void try_to_trace(const char *pid, const char *wanted)
{
	pid_t number = (pid_t)atoi(pid);
	int pidfd = (int)syscall(SYS_pidfd_open, number, 0);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, 1, 0);

	if (fd >= 0) {
		got(pid, wanted, "a descriptor");
		close(fd);
	}
	close(pidfd);
	if (ptrace(PTRACE_SEIZE, number, NULL, NULL) < 0)
		return;
	got(pid, wanted, "to trace");
	ptrace(PTRACE_INTERRUPT, number, NULL, NULL);
	waitpid(number, NULL, __WALL);
	ptrace(PTRACE_DETACH, number, NULL, NULL);
}

static void spy_on(const char *pid, const char *wanted, int *met)
{
	static const struct {
		const char *name;
		int flags;
	} things[] = {
		{"exe", O_PATH},  {"cwd", O_PATH},	 {"root", O_PATH},   {"mem", O_RDWR},
		{"fd/3", O_PATH}, {"fd/4", O_PATH},	 {"fd/5", O_PATH},   {"fd/6", O_PATH},
		{"fd/7", O_PATH}, {"environ", O_RDONLY}, {"maps", O_RDONLY},
	};
	char path[300], byte[1];

	if (pid[0] < '1' || pid[0] > '9' || !has_name(pid, wanted))
		return;
	*met += 1;
	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/%s", pid, things[i].name);
		fd = open(path, things[i].flags | O_CLOEXEC);
		/* a file that can be opened and not read gives nothing away */
		if (fd >= 0 && (things[i].flags != O_RDONLY || read(fd, byte, 1) > 0))
			got(pid, wanted, things[i].name);
		if (fd >= 0)
			close(fd);
	}
	try_to_trace(pid, wanted);
}

static void look_around(int seconds, const char *wanted, int *count,
			void (*visit)(const char *pid, const char *wanted, int *count))
{
	time_t end = time(NULL) + seconds;

	while (time(NULL) < end) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;

		while (proc && (entry = readdir(proc)))
			visit(entry->d_name, wanted, count);
		if (proc)
			closedir(proc);
	}
}

static int with_key(const char *name, char **command)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
	    syscall(SYS_add_key, "user", name, "x", 1, KEY_SPEC_SESSION_KEYRING) < 0) {
		perror("hostile: add a key");
		return 1;
	}
	execvp(command[0], command);
	perror(command[0]);
	return 127;
}

static int find_key(const char *name)
{
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);

	puts(key < 0 ? "no key" : "key found");
	return 0;
}

int main(int argc, char **argv)
{
	int count = 0;

	if (argc == 4 && strcmp(argv[1], "swap") == 0) {
		swap(argv[2], argv[3]);
	} else if (argc == 3 && strcmp(argv[1], "write-through") == 0) {
		puts(is_writable(atoi(argv[2]), 200) ? "WRITABLE" : "opened 1");
	} else if (argc == 3 && strcmp(argv[1], "seize") == 0) {
		seize(argv[2]);
	} else if (argc == 4 && strcmp(argv[1], "watch") == 0) {
		look_around(atoi(argv[2]), argv[3], &count, look);
		printf("opened %d\n", count);
	} else if (argc == 4 && strcmp(argv[1], "spy") == 0) {
		look_around(atoi(argv[2]), argv[3], &count, spy_on);
		printf("met %d\n", count);
	} else if (argc >= 4 && strcmp(argv[1], "with-key") == 0) {
		return with_key(argv[2], argv + 3);
	} else if (argc == 3 && strcmp(argv[1], "find-key") == 0) {
		return find_key(argv[2]);
	} else {
		fprintf(stderr, "hostile: see the source for what it does\n");
		return 2;
	}
	return 0;
}
