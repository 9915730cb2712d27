// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every request asks for an acknowledgement, so each exchange ends either with an NLMSG_ERROR (code 0
 * when all is well) or, for a dump, with NLMSG_DONE. Answers of an earlier request that was given up
 * halfway are told by their sequence number and skipped.
 */
#include "kernel/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "kernel/netns.h"

/* The kernel fills up to this much with one part of a dump (netlink(7)). */
#define NETLINK_PART_BYTES 32768

struct netlink {
	int socket;
	uint32_t port; /* what the kernel calls us */
	uint32_t sequence;
};

/* The kernel chooses a port that is free. */
static int bind_socket(struct netlink *netlink)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	socklen_t size = sizeof(address);

	if (bind(netlink->socket, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(netlink->socket, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	netlink->port = address.nl_pid;
	return 0;
}

static int open_protocol(int protocol, struct netlink **netlink, struct error *err)
{
	struct netlink *opened = calloc(1, sizeof(*opened));
	int r;

	if (!opened)
		return error_oom(err);
	opened->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	r = opened->socket < 0 ? -errno : bind_socket(opened);
	if (r < 0) {
		netlink_close(opened);
		return error_errno(err, r, "open a %s netlink socket",
				   protocol == NETLINK_ROUTE ? "route" : "generic");
	}
	*netlink = opened;
	return 0;
}

int netlink_open(struct netlink **netlink, struct error *err)
{
	return open_protocol(NETLINK_ROUTE, netlink, err);
}

int netlink_open_generic(struct netlink **netlink, struct error *err)
{
	return open_protocol(NETLINK_GENERIC, netlink, err);
}

int netlink_open_in(int netns_fd, struct netlink **netlink, struct error *err)
{
	_cleanup_netns_ int home = netns_enter(netns_fd, err);

	return home < 0 ? home : netlink_open(netlink, err);
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	if (netlink->socket >= 0)
		close(netlink->socket);
	free(netlink);
}

void cleanup_netlink(struct netlink **netlink)
{
	netlink_close(*netlink);
}

struct nlmsghdr *netlink_begin(char buffer[static NETLINK_BUFFER_BYTES], uint16_t type,
			       uint16_t flags, size_t extra_bytes)
{
	struct nlmsghdr *request;

	memset(buffer, 0, NLMSG_HDRLEN);
	request = (struct nlmsghdr *)buffer;
	request->nlmsg_len = NLMSG_HDRLEN;
	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	netlink_put_room(request, extra_bytes);
	return request;
}

struct hearing {
	netlink_seen *seen;
	void *data;
	bool stopped;
	bool interrupted; /* the dump is not of one moment */
};

/* The kernel's verdict, which ends an exchange. */
static int read_verdict(const struct nlmsghdr *message)
{
	const struct nlmsgerr *verdict = netlink_payload(message);

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*verdict)))
		return -EBADMSG;
	return verdict->error <= 0 ? verdict->error : -verdict->error;
}

/* Returns NETLINK_GO_ON, NETLINK_STOP when the exchange has ended, or its negative errno. */
static int hear(const struct nlmsghdr *message, struct hearing *hearing)
{
	int r;

	/* To the end all the same: the kernel refuses another dump while this one goes on (EBUSY). */
	hearing->interrupted |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	switch (message->nlmsg_type) {
	case NLMSG_ERROR:
		r = read_verdict(message);
		return r < 0 ? r : NETLINK_STOP;
	case NLMSG_DONE:
		return hearing->interrupted ? -EINTR : NETLINK_STOP;
	case NLMSG_NOOP:
	case NLMSG_OVERRUN:
		return NETLINK_GO_ON;
	}
	if (hearing->seen && !hearing->stopped && !hearing->interrupted)
		hearing->stopped = hearing->seen(message, hearing->data) == NETLINK_STOP;
	return NETLINK_GO_ON;
}

/* Whether a message begins at MESSAGE and ends within LEFT bytes. */
static bool is_whole(const struct nlmsghdr *message, size_t left)
{
	return left >= sizeof(*message) && message->nlmsg_len >= sizeof(*message) &&
	       message->nlmsg_len <= left;
}

static int hear_part(const char *part, size_t bytes, struct hearing *hearing)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)part;
	int r = NETLINK_GO_ON;

	while (r == NETLINK_GO_ON && is_whole(message, bytes)) {
		size_t step = NLMSG_ALIGN(message->nlmsg_len);

		r = hear(message, hearing);
		if (step >= bytes)
			break;
		bytes -= step;
		message = (const struct nlmsghdr *)((const char *)message + step);
	}
	return r;
}

/*
 * Returns the bytes of one part of an answer, or a negative errno. 0: it is not the kernel's; whoever has
 * CAP_NET_ADMIN in the namespace, as a container may, can send to our port.
 */
static ssize_t receive_part(const struct netlink *netlink, char *buffer)
{
	struct iovec whole = {.iov_base = buffer, .iov_len = NETLINK_PART_BYTES};
	struct sockaddr_nl sender = {0};
	struct msghdr header = {.msg_name = &sender,
				.msg_namelen = sizeof(sender),
				.msg_iov = &whole,
				.msg_iovlen = 1};
	ssize_t n;

	do
		n = recvmsg(netlink->socket, &header, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (sender.nl_pid)
		return 0;
	return header.msg_flags & MSG_TRUNC ? -ENOSPC : n;
}

static int receive(struct netlink *netlink, struct hearing *hearing)
{
	_cleanup_free_ char *buffer = malloc(NETLINK_PART_BYTES);
	const struct nlmsghdr *first = (const struct nlmsghdr *)buffer;
	ssize_t n;
	int r;

	if (!buffer)
		return -ENOMEM;
	do {
		n = receive_part(netlink, buffer);
		if (n < 0)
			return (int)n;
		r = NETLINK_GO_ON;
		/* Else it is what is left of an earlier exchange. */
		if (is_whole(first, (size_t)n) && first->nlmsg_seq == netlink->sequence &&
		    first->nlmsg_pid == netlink->port)
			r = hear_part(buffer, (size_t)n, hearing);
	} while (r == NETLINK_GO_ON);
	return r < 0 ? r : 0;
}

int netlink_query(struct netlink *netlink, struct nlmsghdr *request, netlink_seen *seen, void *data)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct hearing hearing = {.seen = seen, .data = data};
	ssize_t n;

	request->nlmsg_flags |= NLM_F_ACK;
	request->nlmsg_seq = ++netlink->sequence;
	do
		n = sendto(netlink->socket, request, request->nlmsg_len, 0,
			   (struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : receive(netlink, &hearing);
}

int netlink_request(struct netlink *netlink, struct nlmsghdr *request)
{
	return netlink_query(netlink, request, NULL, NULL);
}
