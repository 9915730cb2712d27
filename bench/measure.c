// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What commands cost, one after the other: measure COMMAND [ARG...] [-- COMMAND [ARG...]]...
 * Prints "WALL_NS CPU_NS MAX_RSS_KB" for all of them together. A command that fails is said, with
 * exit status 1.
 *
 * CPU time is that of the commands and of everything that comes to be our child when its parent has
 * gone (a container that was only started, or an init that ends after who waited for its program): that has
 * a second to end; what never does is not waited for, so the last command has to end it. The memory is that of the largest single process. A new program's maximum begins with
 * that of the memory it was forked from (exec_mmap in fs/exec.c), so this program is linked statically
 * and allocates nothing: it stays below anything that is measured.
 */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

struct cost {
	uint64_t wall_ns, cpu_ns;
	long max_rss_kb;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

static void add(struct cost *cost, const struct rusage *usage)
{
	cost->cpu_ns += timeval_ns(usage->ru_utime) + timeval_ns(usage->ru_stime);
	if (usage->ru_maxrss > cost->max_rss_kb)
		cost->max_rss_kb = usage->ru_maxrss;
}

/* Returns the exit status of the command itself. */
static int run(char **argv, struct cost *cost)
{
	uint64_t start_ns = now_ns();
	struct rusage usage;
	int status;
	pid_t pid, ended;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0)
		return 127;
	do {
		ended = wait4(-1, &status, 0, &usage);
		if (ended > 0)
			add(cost, &usage);
	} while (ended > 0 && ended != pid);
	cost->wall_ns += now_ns() - start_ns;
	return ended == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Those that have come to be our children. */
static void add_others(struct cost *cost)
{
	static const struct timespec pause = {.tv_nsec = 1000000};
	struct rusage usage;
	pid_t ended;

	for (int patience = 1000; patience && (ended = wait4(-1, NULL, WNOHANG, &usage)) >= 0;) {
		if (ended > 0) {
			add(cost, &usage);
			continue;
		}
		nanosleep(&pause, NULL);
		patience--;
	}
}

int main(int argc, char **argv)
{
	struct cost cost = {0};
	int status;

	if (argc < 2) {
		fprintf(stderr, "Usage: measure COMMAND [ARG...] [-- COMMAND [ARG...]]...\n");
		return 1;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (int i = 1; i < argc; i++) {
		char **command = argv + i;

		while (argv[i] && strcmp(argv[i], "--") != 0)
			i++;
		argv[i] = NULL;
		status = run(command, &cost);
		if (status != 0) {
			fprintf(stderr, "measure: %s: status %d\n", command[0], status);
			return 1;
		}
	}
	add_others(&cost);
	printf("%llu %llu %ld\n", (unsigned long long)cost.wall_ns, (unsigned long long)cost.cpu_ns,
	       cost.max_rss_kb);
	return 0;
}
