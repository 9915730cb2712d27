// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every request asks for an acknowledgement, so each exchange ends either with an NLMSG_ERROR (code 0
 * when all is well) or, for a dump, with NLMSG_DONE. Answers of an earlier request that was given up
 * halfway are told by their sequence number and skipped.
 */
#include "kernel/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* The kernel fills up to this much with one part of a dump (netlink(7)). */
#define NETLINK_PART_BYTES 32768

struct netlink {
	struct mnl_socket *socket;
	uint32_t sequence;
};

int netlink_open(struct netlink **netlink, struct error *err)
{
	struct netlink *opened = calloc(1, sizeof(*opened));
	int r;

	if (!opened)
		return error_oom(err);
	opened->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!opened->socket || mnl_socket_bind(opened->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = error_errno(err, errno, "open a route netlink socket");
		netlink_close(opened);
		return r;
	}
	*netlink = opened;
	return 0;
}

int netlink_open_in(int netns_fd, struct netlink **netlink, struct error *err)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (home < 0)
		return error_errno(err, errno, "open '/proc/thread-self/ns/net'");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "enter the network namespace");
	r = netlink_open(netlink, err);
	/* Going on in a namespace that is not ours would change somebody else's network. */
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	return r;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
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

	memset(buffer, 0, NETLINK_BUFFER_BYTES);
	request = mnl_nlmsg_put_header(buffer);
	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	mnl_nlmsg_put_extra_header(request, extra_bytes);
	return request;
}

struct hearing {
	mnl_cb_t seen;
	void *data;
	bool stopped;
};

static int hear(const struct nlmsghdr *message, void *data)
{
	struct hearing *hearing = data;

	if (hearing->seen && !hearing->stopped)
		hearing->stopped = hearing->seen(message, hearing->data) <= MNL_CB_STOP;
	return MNL_CB_OK;
}

static int receive(struct netlink *netlink, struct hearing *hearing)
{
	unsigned int port = mnl_socket_get_portid(netlink->socket);
	_cleanup_free_ char *buffer = malloc(NETLINK_PART_BYTES);
	const struct nlmsghdr *first;
	ssize_t n;
	int r;

	if (!buffer)
		return -ENOMEM;
	for (;;) {
		n = mnl_socket_recvfrom(netlink->socket, buffer, NETLINK_PART_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		/*
		 * Checked here and not by mnl_cb_run, whose errno for a stranger's message is one
		 * that the kernel answers with as well.
		 */
		first = (const struct nlmsghdr *)buffer;
		if (!mnl_nlmsg_ok(first, (int)n) || !mnl_nlmsg_seq_ok(first, netlink->sequence) ||
		    !mnl_nlmsg_portid_ok(first, port))
			continue;
		r = mnl_cb_run(buffer, (size_t)n, 0, 0, hear, hearing);
		if (r < 0)
			return -errno;
		if (r == MNL_CB_STOP)
			return 0;
	}
}

int netlink_query(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t seen, void *data)
{
	struct hearing hearing = {.seen = seen, .data = data};
	ssize_t n;

	request->nlmsg_flags |= NLM_F_ACK;
	request->nlmsg_seq = ++netlink->sequence;
	do
		n = mnl_socket_sendto(netlink->socket, request, request->nlmsg_len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return receive(netlink, &hearing);
}

int netlink_request(struct netlink *netlink, struct nlmsghdr *request)
{
	return netlink_query(netlink, request, NULL, NULL);
}
