/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Traffic control of an interface (tc(8)): the queueing disciplines, classes and filters that shape and
 * classify. Handles are the kernel's: MAJOR << 16 | MINOR. Sentences name the interface by its index.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct netlink;

#define QDISC_HANDLE(major, minor) ((uint32_t)(major) << 16 | (uint32_t)(minor))

/* Where programs and filters go: what the host receives from the interface, and what it sends. */
enum qdisc_side { QDISC_RECEIVES, QDISC_SENDS };

struct netlink_qdisc {
	char kind[16];	 /* "noqueue", "htb", ...; empty: none */
	uint32_t handle; /* 0: the kernel's default, nobody chose it */
};

/* The root qdisc of the interface. */
int netlink_qdisc_root(struct netlink *netlink, int index, struct netlink_qdisc *qdisc,
		       struct error *err);

/*
 * A new root qdisc of kind HTB (tc-htb(8)) with HANDLE; what no filter classifies goes to its class
 * DEFAULT_MINOR. Whatever root there is gives way: look first. -EOPNOTSUPP: the kernel has no HTB.
 */
int netlink_qdisc_add_htb(struct netlink *netlink, int index, uint32_t handle,
			  uint32_t default_minor, struct error *err);

struct qdisc_htb_class {
	uint32_t parent, handle;
	uint64_t rate_bytes; /* per second: always there */
	uint64_t ceil_bytes; /* per second: never more */
	uint32_t quantum;    /* bytes: what is left is lent in this proportion; 0: by rate */
	uint32_t burst_ns;   /* so much of its rate is kept for one who did not use it; 0: 4 ms */
};

/* Makes or changes a class. */
int netlink_class_set_htb(struct netlink *netlink, int index, const struct qdisc_htb_class *htb,
			  struct error *err);

struct qdisc_counts {
	uint64_t bytes, packets; /* sent */
	uint64_t drops;
	uint32_t waiting; /* packets, now */
};

/* What a class has let through. -ENOENT when it is not there. */
int netlink_class_counts(struct netlink *netlink, int index, uint32_t handle,
			 struct qdisc_counts *counts, struct error *err);

/* The same of all classes: TAKE is called with each. */
typedef void netlink_take_counts(void *data, uint32_t handle, const struct qdisc_counts *counts);
int netlink_class_all_counts(struct netlink *netlink, int index, netlink_take_counts *take,
			     void *data, struct error *err);

/* What the root of each interface that has one, of HANDLE, has let through: TAKE is called with its index. */
typedef void netlink_take_root(void *data, int index, const struct qdisc_counts *counts);
int netlink_qdisc_all_roots(struct netlink *netlink, uint32_t handle, netlink_take_root *take,
			    void *data, struct error *err);

/* 0 also when there is no such class. */
int netlink_class_delete(struct netlink *netlink, int index, uint32_t handle, struct error *err);

/* The kernel's default takes its place. 0 also when there is none, or no such interface. */
int netlink_qdisc_delete_root(struct netlink *netlink, int index, struct error *err);

/* A place for filters on both sides ("clsact"). *MADE: it was not there. */
int netlink_qdisc_add_clsact(struct netlink *netlink, int index, bool *made, struct error *err);

/* With all filters that are there, others' too. 0 also when there is none. */
int netlink_qdisc_delete_clsact(struct netlink *netlink, int index, struct error *err);

/*
 * A filter by the number PRIORITY (1 .. 65535), which must be free, that hands what the host receives from
 * the interface of INDEX to the interface of index TO instead, as if that one sent it (tc-mirred(8)).
 */
int netlink_filter_redirect(struct netlink *netlink, int index, uint16_t priority, int to,
			    struct error *err);

/*
 * A filter that is the program PROGRAM_FD (BPF_PROG_TYPE_SCHED_CLS); NAME is what tc(8) shows. On a side of the
 * interface its verdict is what becomes of the packet (direct action).
 */
int netlink_filter_program(struct netlink *netlink, int index, enum qdisc_side side,
			   uint16_t priority, int program_fd, const char *name, struct error *err);

/* The same as a classifier of the qdisc QDISC: what the program returns is the class. */
int netlink_filter_classify(struct netlink *netlink, int index, uint32_t qdisc, uint16_t priority,
			    int program_fd, const char *name, struct error *err);

/* Removes the filters of PRIORITY on a side. 0 also when there are none, or no such interface. */
int netlink_filter_delete(struct netlink *netlink, int index, enum qdisc_side side,
			  uint16_t priority, struct error *err);

/* How many filters there are on a side, anybody's; or a negative errno. */
int netlink_filter_count(struct netlink *netlink, int index, enum qdisc_side side,
			 struct error *err);

/*
 * An intermediate functional block (ifb): what is redirected to it passes through its root qdisc, and goes on
 * as if received where it came from. Switched on. -EEXIST; -EOPNOTSUPP: the kernel has none.
 */
int netlink_ifb_create(struct netlink *netlink, const char *name, struct error *err);
