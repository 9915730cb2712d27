// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A storm of context switches: two processes on one CPU send each other a byte through pipes, so that
 * neither goes on without the other.
 *
 *	ping_pong CPU SECONDS
 *
 * Prints how many switches that were.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int answer(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1) {
		if (write(to, &byte, 1) != 1)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* Returns the number of rounds, 0 on failure. */
static uint64_t ask(int to, int from, uint64_t end_ns)
{
	uint64_t rounds = 0;
	char byte = 0;

	while (now_ns() < end_ns) {
		for (int i = 0; i < 64; i++) {
			if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
				return 0;
			rounds++;
		}
	}
	return rounds;
}

int main(int argc, char **argv)
{
	int there[2], back[2];
	uint64_t rounds;
	cpu_set_t cpus;
	pid_t pid;

	if (argc != 3) {
		fprintf(stderr, "usage: ping_pong CPU SECONDS\n");
		return EXIT_FAILURE;
	}
	CPU_ZERO(&cpus);
	CPU_SET((size_t)atoi(argv[1]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0 || pipe2(there, O_CLOEXEC) < 0 ||
	    pipe2(back, O_CLOEXEC) < 0) {
		perror("ping_pong");
		return EXIT_FAILURE;
	}
	pid = fork();
	if (pid == 0) {
		close(there[1]);
		return answer(there[0], back[1]);
	}
	rounds = pid < 0 ? 0
			 : ask(there[1], back[0],
			       now_ns() + strtoull(argv[2], NULL, 10) * UINT64_C(1000000000));
	close(there[1]);
	waitpid(pid, NULL, 0);
	printf("%llu\n", 2 * (unsigned long long)rounds);
	return rounds ? EXIT_SUCCESS : EXIT_FAILURE;
}
