// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/shape.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"

/* An ifb, HTB with a class at its root, and a redirection to it from itself; all goes with the namespace. */
static int try_all(struct error *err)
{
	const struct qdisc_htb_class class = {.parent = QDISC_HANDLE(SHAPE_MAJOR, 0),
					      .handle = QDISC_HANDLE(SHAPE_MAJOR, 1),
					      .rate_bytes = 125000,
					      .ceil_bytes = 125000};
	struct netlink *netlink;
	struct netlink_link ifb;
	bool made;
	int r = netlink_open(&netlink, err);

	if (r == 0)
		r = netlink_ifb_create(netlink, "probe0", err);
	if (r == 0)
		r = netlink_link_by_name(netlink, "probe0", &ifb, err);
	if (r == 0)
		r = netlink_qdisc_add_htb(netlink, ifb.index, class.parent, 1, err);
	if (r == 0)
		r = netlink_class_set_htb(netlink, ifb.index, &class, err);
	if (r == 0)
		r = netlink_qdisc_add_clsact(netlink, ifb.index, &made, err);
	if (r == 0)
		r = netlink_filter_redirect(netlink, ifb.index, 1, ifb.index, err);
	return r;
}

int shape_probe(struct error *err)
{
	struct error tried = {0};
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			error_errno(&tried, errno, "make a network namespace");
		else
			try_all(&tried);
		_exit(write(ends[1], &tried, sizeof(tried)) == sizeof(tried) ? 0 : 1);
	}
	close(ends[1]);
	if (pid < 0 || read(ends[0], &tried, sizeof(tried)) != sizeof(tried))
		error_set(&tried, EAGAIN, "the kernel could not be asked whether it limits links");
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!tried.code)
		return 0;
	*err = tried;
	return -tried.code;
}
