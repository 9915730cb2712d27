// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who disturbs in bench/isolation, only inside what the bench has made: adversary KIND SECONDS [ADDRESS].
 *
 *	syn		SYN segments to ADDRESS, port 9003, from ever other ports
 *	broadcast	datagrams of 18 bytes to ADDRESS, a broadcast or multicast one
 *	loopback	datagrams of 18 bytes to itself
 *	fork		children that exit
 *	timer		timers that expire every 50 us, 64 of them
 *	pipe, unix	a byte back and forth between two processes
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
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

#define PORT 9003
#define TIMERS 64

static uint64_t end_ns;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int fail(const char *what)
{
	fprintf(stderr, "adversary: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static uint16_t checksum(const void *data, size_t size, uint32_t sum)
{
	const uint16_t *words = data;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The source that the kernel will fill in: the pseudo header has it. */
static int own_address(const struct sockaddr_in *to, uint32_t *address)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = -1;
	struct sockaddr_in own;
	socklen_t length = sizeof(own);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&own, &length) == 0) {
		*address = own.sin_addr.s_addr;
		r = 0;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

static uint32_t half_words(uint32_t address)
{
	return (address & 0xffff) + (address >> 16);
}

static int syn(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	struct tcphdr tcp = {.dest = htons(PORT), .doff = 5, .syn = 1, .window = htons(64000)};
	uint32_t own, pseudo;

	if (fd < 0 || own_address(to, &own) < 0)
		return fail("syn");
	pseudo = half_words(own) + half_words(to->sin_addr.s_addr) + htons(IPPROTO_TCP) +
		 htons(sizeof(tcp));
	for (uint32_t n = 1; n % 64 || now_ns() < end_ns; n++) {
		tcp.source = htons((uint16_t)(1024 + n % 60000));
		tcp.seq = n;
		tcp.check = 0;
		tcp.check = checksum(&tcp, sizeof(tcp), pseudo);
		sendto(fd, &tcp, sizeof(tcp), 0, (const struct sockaddr *)to, sizeof(*to));
	}
	return EXIT_SUCCESS;
}

static int datagrams(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;
	static const char data[18];

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)) < 0 ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return fail("datagrams");
	for (uint32_t n = 1; n % 64 || now_ns() < end_ns; n++)
		send(fd, data, sizeof(data), MSG_DONTWAIT);
	return EXIT_SUCCESS;
}

static int forks(void)
{
	while (now_ns() < end_ns) {
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
			return fail("timer");
		/* so that it is started again */
		(void)!read(fd, &expiries, sizeof(expiries));
	}
	while (now_ns() < end_ns) {
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
		return fail("fork");
	signal(SIGPIPE, SIG_IGN);
	if (pid == 0) {
		close(out);
		if (in != out)
			close(in);
		while (read(their_in, &byte, 1) == 1 && write(their_out, &byte, 1) == 1)
			;
		_exit(0);
	}
	while (now_ns() < end_ns && write(out, &byte, 1) == 1 && read(in, &byte, 1) == 1)
		;
	close(out);
	waitpid(pid, NULL, 0);
	return EXIT_SUCCESS;
}

static int pipes(void)
{
	int there[2], back[2];

	if (pipe(there) < 0 || pipe(back) < 0)
		return fail("pipe");
	return ping_pong(there[1], back[0], there[0], back[1]);
}

static int unix_sockets(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return fail("socketpair");
	return ping_pong(pair[0], pair[0], pair[1], pair[1]);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	const char *kind = argc > 2 ? argv[1] : "";

	end_ns = now_ns() + (uint64_t)(atof(argc > 2 ? argv[2] : "0") * 1e9);
	inet_pton(AF_INET, argc > 3 ? argv[3] : "127.0.0.1", &to.sin_addr);
	if (strcmp(kind, "syn") == 0)
		return syn(&to);
	if (strcmp(kind, "broadcast") == 0 || strcmp(kind, "loopback") == 0)
		return datagrams(&to);
	if (strcmp(kind, "fork") == 0)
		return forks();
	if (strcmp(kind, "timer") == 0)
		return timers();
	if (strcmp(kind, "pipe") == 0)
		return pipes();
	if (strcmp(kind, "unix") == 0)
		return unix_sockets();
	fprintf(stderr, "adversary KIND SECONDS [ADDRESS]\n");
	return EXIT_FAILURE;
}
