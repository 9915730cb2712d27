// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "calibrate/flow_run.h"

#define BUFFER_BYTES (256u << 10)
#define SOCKET_BUFFER_BYTES (1 << 20)
#define BACKLOG 1024

static char buffer[BUFFER_BYTES];

static int open_socket(const struct flow_spec *spec, volatile struct flow_counts *counts)
{
	int type = spec->kind == FLOW_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	int bytes = SOCKET_BUFFER_BYTES, on = 1;

	if (fd < 0)
		flow_run_fail(counts, errno);
	if (spec->kind == FLOW_UDP) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	} else {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	return fd;
}

static struct sockaddr_in socket_address(uint32_t address, uint32_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(address),
	};
}

static int listen_at(const struct flow_spec *spec, uint32_t address,
		     volatile struct flow_counts *counts)
{
	struct sockaddr_in at = socket_address(address, 0);
	socklen_t length = sizeof(at);
	int fd = open_socket(spec, counts);

	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &length) < 0 ||
	    (spec->kind != FLOW_UDP && listen(fd, BACKLOG) < 0))
		flow_run_fail(counts, errno);
	counts->port = ntohs(at.sin_port);
	counts->ready = 1;
	return fd;
}

static void receive_stream(int fd, volatile struct flow_counts *counts)
{
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
		counts->received++;
		counts->received_bytes += (uint64_t)n;
	}
}

/* One connection: a byte asked, a byte answered; the one who asked closes first. */
static void answer(int fd, volatile struct flow_counts *counts)
{
	if (recv(fd, buffer, 1, 0) == 1 && send(fd, buffer, 1, MSG_NOSIGNAL) == 1)
		recv(fd, buffer, 1, 0);
	counts->received++;
}

void flow_run_receiver(const struct flow_spec *spec, uint32_t address,
		       volatile struct flow_counts *counts)
{
	int listening = listen_at(spec, address, counts);

	for (;;) {
		_cleanup_close_ int fd = -EBADF;

		if (spec->kind == FLOW_UDP) {
			receive_stream(listening, counts);
			continue;
		}
		fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		if (spec->kind == FLOW_CONNECT)
			answer(fd, counts);
		else
			receive_stream(fd, counts);
	}
}

static int connect_to(const struct flow_spec *spec, uint32_t address,
		      volatile struct flow_counts *counts)
{
	const struct sockaddr_in at = socket_address(address, counts->port);
	int fd = open_socket(spec, counts);

	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		flow_run_fail(counts, errno);
	return fd;
}

/* Closed with a reset: no TIME_WAIT that would use up the ports. */
static void ask(const struct flow_spec *spec, uint32_t address, volatile struct flow_counts *counts)
{
	const struct linger reset = {.l_onoff = 1};
	int fd = connect_to(spec, address, counts);

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (send(fd, buffer, 1, MSG_NOSIGNAL) == 1 && recv(fd, buffer, 1, 0) == 1)
		counts->sent++;
	close(fd);
}

static void send_unit(const struct flow_spec *spec, int fd, volatile struct flow_counts *counts)
{
	size_t left = spec->size_bytes;
	ssize_t n;

	while (left > 0) {
		n = send(fd, buffer, left, MSG_NOSIGNAL);
		if (n <= 0) {
			/* a full queue of the device, or an answer of ICMP: the datagram is lost */
			if (spec->kind == FLOW_UDP && (errno == ENOBUFS || errno == ECONNREFUSED))
				return;
			flow_run_fail(counts, errno);
		}
		left -= (size_t)n;
	}
	counts->sent++;
	counts->sent_bytes += spec->size_bytes;
}

void flow_run_sender(const struct flow_spec *spec, uint32_t address,
		     volatile struct flow_counts *counts)
{
	int fd = spec->kind == FLOW_CONNECT ? -EBADF : connect_to(spec, address, counts);
	struct flow_pace pace;

	flow_pace_start(&pace, spec->rate);
	for (;;) {
		uint64_t units = flow_pace_wait(&pace, counts);

		while (units--) {
			if (spec->kind == FLOW_CONNECT)
				ask(spec, address, counts);
			else
				send_unit(spec, fd, counts);
		}
	}
}
