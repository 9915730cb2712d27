// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kill_after MICROSECONDS COMMAND [ARG...]: starts COMMAND, kills it (SIGKILL) after that time, and says
 * "killed", or "ended N" when it was faster. Without the kill (MICROSECONDS 0): how long it took, in us.
 * Our standard output is not COMMAND's: what it leaves running would keep our reader waiting.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	long delay_us = argc > 2 ? atol(argv[1]) : 0, start_us = now_us();
	posix_spawn_file_actions_t files;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (argc < 3 || posix_spawnp(&pid, argv[2], &files, NULL, argv + 2, environ) != 0)
		return 2;
	if (delay_us > 0) {
		/* Turning gives instants that a timer's slack would round together. */
		while (now_us() - start_us < delay_us)
			;
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) < 0)
		return 2;
	if (WIFSIGNALED(status))
		puts("killed");
	else if (delay_us > 0)
		printf("ended %d\n", WEXITSTATUS(status));
	else
		printf("%ld\n", now_us() - start_us);
	return 0;
}
