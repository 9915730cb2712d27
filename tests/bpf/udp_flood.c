// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A bounded load of small datagrams.
 *
 *	udp_flood send ADDRESS PORT BYTES SECONDS [PER_SECOND]
 *	udp_flood receive PORT SECONDS [spin | poll]
 *	udp_flood watch SECONDS
 *
 * Prints how many were sent, received or seen by who watches all links. A receiver that spins never sleeps,
 * so nobody ever pays for waking it; one that polls looks at its device itself, for as long as it waits.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int fail(const char *what)
{
	fprintf(stderr, "udp_flood: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static int send_all(int fd, size_t bytes, uint64_t end_ns, uint64_t per_second)
{
	static char data[65536];
	uint64_t sent = 0, start_ns = now_ns(), now = start_ns;

	while (now < end_ns) {
		for (int i = 0; i < 32; i++)
			sent += send(fd, data, bytes, 0) >= 0;
		now = now_ns();
		/* one sleep, until it is time */
		while (per_second && now < end_ns &&
		       sent * 1000000000u / per_second > now - start_ns) {
			usleep((useconds_t)((sent * 1000000000u / per_second - (now - start_ns)) /
					    1000) +
			       1);
			now = now_ns();
		}
	}
	printf("%llu\n", (unsigned long long)sent);
	return EXIT_SUCCESS;
}

/* SO_PREFER_BUSY_POLL is newer than some headers. */
static int poll_busily(int fd)
{
	const int wait_us = 100000, prefer = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &wait_us, sizeof(wait_us)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, 69, &prefer, sizeof(prefer)) < 0)
		return fail("busy polling");
	return EXIT_SUCCESS;
}

static int receive_all(int fd, uint64_t end_ns, int flags)
{
	const struct timeval timeout = {.tv_usec = 100000};
	static char data[65536];
	uint64_t received = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	do {
		for (int i = 0; i < 32; i++)
			received += recv(fd, data, sizeof(data), flags) >= 0;
	} while (now_ns() < end_ns);
	printf("%llu\n", (unsigned long long)received);
	return EXIT_SUCCESS;
}

static uint64_t seconds_ns(const char *text)
{
	return (uint64_t)(strtod(text, NULL) * 1e9);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail("socket");
	if (argc >= 6 && strcmp(argv[1], "send") == 0) {
		address.sin_port = htons((uint16_t)atoi(argv[3]));
		if (inet_pton(AF_INET, argv[2], &address.sin_addr) != 1 ||
		    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			return fail(argv[2]);
		return send_all(fd, strtoul(argv[4], NULL, 10), now_ns() + seconds_ns(argv[5]),
				argc > 6 ? strtoul(argv[6], NULL, 10) : 0);
	}
	if (argc >= 4 && strcmp(argv[1], "receive") == 0) {
		address.sin_port = htons((uint16_t)atoi(argv[2]));
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			return fail(argv[2]);
		if (argc > 4 && strcmp(argv[4], "poll") == 0 && poll_busily(fd) != EXIT_SUCCESS)
			return EXIT_FAILURE;
		return receive_all(fd, now_ns() + seconds_ns(argv[3]),
				   argc > 4 && strcmp(argv[4], "spin") == 0 ? MSG_DONTWAIT : 0);
	}
	if (argc == 3 && strcmp(argv[1], "watch") == 0) {
		fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
		return fd < 0 ? fail("packet socket")
			      : receive_all(fd, now_ns() + seconds_ns(argv[2]), 0);
	}
	fprintf(stderr, "usage: udp_flood send ADDRESS PORT BYTES SECONDS [PER_SECOND]\n"
			"       udp_flood receive PORT SECONDS [spin | poll]\n"
			"       udp_flood watch SECONDS\n");
	return EXIT_FAILURE;
}
