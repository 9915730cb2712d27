// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who disturbs in bench/isolation, only inside what the bench has made: adversary KIND SECONDS [WHERE].
 *
 *	syn ADDRESS		SYN segments to port 9003, from ever other ports
 *	broadcast ADDRESS	datagrams of 18 bytes to an address of many
 *	loopback		datagrams of 18 bytes to itself
 *	fork			children that exit
 *	timer			timers that expire every 50 us, 64 of them
 *	pipe, unix		a byte back and forth between two processes
 *	reclaim FILE		reads a file that has no blocks, far larger than its memory
 *	sqpoll CPU		an io_uring of which the kernel's side polls there
 */
#include "adversary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMERS 64
#define FILE_BYTES (512ll << 20)
#define READ_BYTES (256u << 10)

static uint64_t end_ns;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool adversary_is_over(void)
{
	return now_ns() >= end_ns;
}

int adversary_fail(const char *what)
{
	fprintf(stderr, "adversary: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static int forks(void)
{
	while (!adversary_is_over()) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	return EXIT_SUCCESS;
}

static int timers(void)
{
	const struct itimerspec often = {{0, 50000}, {0, 50000}};

	for (int i = 0; i < TIMERS; i++) {
		int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		uint64_t expiries;

		if (fd < 0 || timerfd_settime(fd, 0, &often, NULL) < 0)
			return adversary_fail("timer");
		/* so that it is started again */
		(void)!read(fd, &expiries, sizeof(expiries));
	}
	while (!adversary_is_over()) {
		uint64_t expiries;

		for (int fd = 3; fd < 3 + TIMERS; fd++)
			(void)!read(fd, &expiries, sizeof(expiries));
		usleep(50);
	}
	return EXIT_SUCCESS;
}

/* A byte goes round until the time is over; the child ends with the end of its input. */
static int ping_pong(int out, int in, int their_in, int their_out)
{
	pid_t pid = fork();
	char byte = 0;

	if (pid < 0)
		return adversary_fail("fork");
	signal(SIGPIPE, SIG_IGN);
	if (pid == 0) {
		close(out);
		if (in != out)
			close(in);
		while (read(their_in, &byte, 1) == 1 && write(their_out, &byte, 1) == 1)
			;
		_exit(0);
	}
	while (!adversary_is_over() && write(out, &byte, 1) == 1 && read(in, &byte, 1) == 1)
		;
	close(out);
	waitpid(pid, NULL, 0);
	return EXIT_SUCCESS;
}

static int pipes(void)
{
	int there[2], back[2];

	if (pipe(there) < 0 || pipe(back) < 0)
		return adversary_fail("pipe");
	return ping_pong(there[1], back[0], there[0], back[1]);
}

static int unix_sockets(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return adversary_fail("socketpair");
	return ping_pong(pair[0], pair[0], pair[1], pair[1]);
}

/* Each page it reads takes one from those it has read. */
static int reclaim(const char *path)
{
	static char data[READ_BYTES];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, FILE_BYTES) < 0)
		return adversary_fail(path);
	for (off_t at = 0; !adversary_is_over(); at = (at + READ_BYTES) % FILE_BYTES) {
		if (pread(fd, data, READ_BYTES, at) < 0)
			return adversary_fail(path);
	}
	return EXIT_SUCCESS;
}

static int disturb(const char *kind, const char *where)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ADVERSARY_PORT)};

	inet_pton(AF_INET, where ? where : "127.0.0.1", &to.sin_addr);
	if (strcmp(kind, "syn") == 0)
		return adversary_syn(&to);
	if (strcmp(kind, "broadcast") == 0 || strcmp(kind, "loopback") == 0)
		return adversary_datagrams(&to);
	if (strcmp(kind, "fork") == 0)
		return forks();
	if (strcmp(kind, "timer") == 0)
		return timers();
	if (strcmp(kind, "pipe") == 0)
		return pipes();
	if (strcmp(kind, "unix") == 0)
		return unix_sockets();
	if (strcmp(kind, "reclaim") == 0 && where)
		return reclaim(where);
	if (strcmp(kind, "sqpoll") == 0 && where)
		return adversary_sqpoll((unsigned int)atoi(where));
	fprintf(stderr, "adversary KIND SECONDS [WHERE]\n");
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc > 2)
		end_ns = now_ns() + (uint64_t)(atof(argv[2]) * 1e9);
	return disturb(argc > 2 ? argv[1] : "", argc > 3 ? argv[3] : NULL);
}
