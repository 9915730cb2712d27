/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Requests to the kernel's routing netlink (rtnetlink(7)). A socket speaks to the network namespace it
 * was opened in, whatever namespace its owner is in later.
 */
#include <stdint.h>

#include "base/error.h"
#include "kernel/netlink_message.h"

struct netlink;

/* A socket in the caller's network namespace. The caller's to netlink_close. */
int netlink_open(struct netlink **netlink, struct error *err);

/* The same to generic netlink, whose requests netlink_begin begins with the number of a family as TYPE. */
int netlink_open_generic(struct netlink **netlink, struct error *err);

/*
 * A socket in the network namespace NETNS_FD (a descriptor of /proc/PID/ns/net). The calling thread
 * is in that namespace for the moment of opening only.
 */
int netlink_open_in(int netns_fd, struct netlink **netlink, struct error *err);

void netlink_close(struct netlink *netlink);
void cleanup_netlink(struct netlink **netlink);
#define _cleanup_netlink_ __attribute__((cleanup(cleanup_netlink)))

/*
 * Begins a request of TYPE (RTM_*) with FLAGS (NLM_F_*, NLM_F_REQUEST is added) in BUFFER and
 * reserves EXTRA_BYTES of zeroes behind the header, at netlink_payload().
 */
struct nlmsghdr *netlink_begin(char buffer[static NETLINK_BUFFER_BYTES], uint16_t type,
			       uint16_t flags, size_t extra_bytes);

/*
 * Sends REQUEST and waits for the kernel's verdict. Returns 0 or the kernel's negative errno, with
 * nothing said: callers know better what the object is called.
 */
int netlink_request(struct netlink *netlink, struct nlmsghdr *request);

/* What a function that looks at messages answers. */
enum netlink_verdict { NETLINK_STOP, NETLINK_GO_ON };

typedef int netlink_seen(const struct nlmsghdr *message, void *data);

/*
 * As netlink_request, and calls SEEN for each message of the answer; a dump when REQUEST has
 * NLM_F_DUMP. SEEN returns NETLINK_GO_ON, or NETLINK_STOP to hear no more (the rest is read and
 * dropped). -EINTR: what was dumped changed meanwhile.
 */
int netlink_query(struct netlink *netlink, struct nlmsghdr *request, netlink_seen *seen,
		  void *data);
