// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink_watch.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/netlink_message.h"
#include "kernel/netlink_peers.h"

/* What is told of one interface, with all its attributes. */
#define TOLD_BYTES 16384

/* What has happened beyond that is seen by the next look. */
#define TOLD_AT_ONCE 256

int netlink_watch_open(struct netlink_watch *watch, struct error *err)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return error_errno(err, errno, "open a route netlink socket");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = error_errno(err, errno, "listen to changes of network interfaces");

		close(fd);
		return r;
	}
	watch->socket = fd;
	return 0;
}

void netlink_watch_close(struct netlink_watch *watch)
{
	if (watch->socket >= 0)
		close(watch->socket);
	*watch = NETLINK_WATCH_CLOSED;
}

/* One that says of what kind it is and is no pair's is none. */
static bool is_of_pair(const struct nlmsghdr *message)
{
	const struct nlattr *attr, *nested;

	netlink_for_each(attr, message, sizeof(struct ifinfomsg)) {
		if (netlink_type(attr) != IFLA_LINKINFO)
			continue;
		netlink_for_each_nested(nested, attr) {
			if (netlink_type(nested) == IFLA_INFO_KIND)
				return netlink_is_pair(netlink_string(nested));
		}
	}
	return true;
}

static bool tells_of_pair(const char *told, size_t bytes)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)told;

	if (bytes < NLMSG_LENGTH(sizeof(struct ifinfomsg)) || message->nlmsg_len > bytes)
		return true;
	return (message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_DELLINK) &&
	       is_of_pair(message);
}

bool netlink_watch_changed(const struct netlink_watch *watch)
{
	char told[TOLD_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool changed = watch->socket < 0;

	for (int i = 0; i < TOLD_AT_ONCE && watch->socket >= 0; i++) {
		ssize_t n = recv(watch->socket, told, sizeof(told), 0);

		if (n < 0 && errno == EAGAIN)
			break;
		/* what could not be kept for us is lost (ENOBUFS) */
		changed |= n < 0 || tells_of_pair(told, (size_t)n);
	}
	return changed;
}
