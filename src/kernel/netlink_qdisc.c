// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink_qdisc.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "kernel/netlink.h"

/* One tick of the packet scheduler is 64 ns (include/net/pkt_sched.h, PSCHED_SHIFT). */
#define TICK_NS 64

/* HTB borrows and lends in portions of this time, and of at least the largest packet there is. */
#define BURST_NS 4000000u
#define BURST_MIN_BYTES 65536u

/* Packets that wait in a class, as at an Ethernet. An ifb's own 32 are too few for connections to be slowed by. */
#define IFB_QUEUE 1000u

static struct nlmsghdr *begin(char buffer[static NETLINK_BUFFER_BYTES], uint16_t type,
			      uint16_t flags, const struct tcmsg *about)
{
	struct nlmsghdr *request = netlink_begin(buffer, type, flags, sizeof(*about));

	memcpy(netlink_payload(request), about, sizeof(*about));
	return request;
}

/* ENOENT is what the kernel says of a kind of which it has no module. */
static int no_such_kind(int r)
{
	return r == -ENOENT ? -EOPNOTSUPP : r;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENODEV || r == -EINVAL;
}

static int read_qdisc(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *about = netlink_payload(message);
	struct netlink_qdisc *qdisc = data;
	const struct nlattr *attr;

	qdisc->handle = about->tcm_handle;
	netlink_for_each(attr, message, sizeof(*about)) {
		if (netlink_type(attr) == TCA_KIND)
			snprintf(qdisc->kind, sizeof(qdisc->kind), "%s", netlink_string(attr));
	}
	return NETLINK_STOP;
}

/*
 * A dump would be of all interfaces, whatever is asked for. Of one the kernel tells all who listen, and whoever asks with
 * NLM_F_ECHO; EINVAL is what it says of one that is none, as of an interface that is down (net/sched/sch_api.c).
 */
int netlink_qdisc_root(struct netlink *netlink, int index, struct netlink_qdisc *qdisc,
		       struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = {.tcm_ifindex = index, .tcm_parent = TC_H_ROOT};
	struct nlmsghdr *request = begin(buffer, RTM_GETQDISC, NLM_F_ECHO, &about);
	struct netlink_qdisc found = {0};
	int r = netlink_query(netlink, request, read_qdisc, &found);

	if (r < 0 && !is_gone(r))
		return error_errno(err, r, "look at the root qdisc of the interface of index %d",
				   index);
	*qdisc = found;
	return 0;
}

int netlink_qdisc_add_htb(struct netlink *netlink, int index, uint32_t handle,
			  uint32_t default_minor, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = {.tcm_ifindex = index, .tcm_parent = TC_H_ROOT, .tcm_handle = handle};
	struct nlmsghdr *request =
		begin(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &about);
	struct tc_htb_glob global = {
		.version = TC_HTB_PROTOVER, .rate2quantum = 10, .defcls = default_minor};
	struct nlattr *options;
	int r;

	netlink_put_string(request, TCA_KIND, "htb");
	options = netlink_nest_begin(request, TCA_OPTIONS);
	netlink_put(request, TCA_HTB_INIT, sizeof(global), &global);
	netlink_nest_end(request, options);
	r = netlink_request(netlink, request);
	if (r < 0)
		return error_errno(err, no_such_kind(r),
				   "set the qdisc htb of the interface of index %d", index);
	return 0;
}

/* What a bucket of RATE_BYTES per second holds, as the time to fill it in ticks. */
static uint32_t bucket_ticks(uint64_t rate_bytes, uint32_t burst_ns)
{
	double bytes = (double)rate_bytes * (burst_ns ? burst_ns : BURST_NS) / 1e9, ticks;

	if (bytes < BURST_MIN_BYTES)
		bytes = BURST_MIN_BYTES;
	ticks = bytes * 1e9 / (double)rate_bytes / TICK_NS;
	return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

/* Rates of 32 bits and more are told in an attribute of their own. */
static struct tc_ratespec rate_spec(uint64_t rate_bytes)
{
	return (struct tc_ratespec){
		.linklayer = TC_LINKLAYER_ETHERNET, /* and no table of rates is needed */
		.rate = rate_bytes < UINT32_MAX ? (uint32_t)rate_bytes : UINT32_MAX,
	};
}

int netlink_class_set_htb(struct netlink *netlink, int index, const struct qdisc_htb_class *htb,
			  struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = {
		.tcm_ifindex = index, .tcm_parent = htb->parent, .tcm_handle = htb->handle};
	struct nlmsghdr *request = begin(buffer, RTM_NEWTCLASS, NLM_F_CREATE, &about);
	struct tc_htb_opt opt = {
		.rate = rate_spec(htb->rate_bytes),
		.ceil = rate_spec(htb->ceil_bytes),
		.buffer = bucket_ticks(htb->rate_bytes, htb->burst_ns),
		.cbuffer = bucket_ticks(htb->ceil_bytes, 0),
		.quantum = htb->quantum,
	};
	struct nlattr *options;
	int r;

	netlink_put_string(request, TCA_KIND, "htb");
	options = netlink_nest_begin(request, TCA_OPTIONS);
	netlink_put(request, TCA_HTB_PARMS, sizeof(opt), &opt);
	if (htb->rate_bytes >= UINT32_MAX)
		netlink_put_u64(request, TCA_HTB_RATE64, htb->rate_bytes);
	if (htb->ceil_bytes >= UINT32_MAX)
		netlink_put_u64(request, TCA_HTB_CEIL64, htb->ceil_bytes);
	netlink_nest_end(request, options);
	r = netlink_request(netlink, request);
	if (r < 0)
		return error_errno(err, r, "set the class %x:%x of the interface of index %d",
				   htb->handle >> 16, htb->handle & 0xffff, index);
	return 0;
}

static void read_counts(const struct nlattr *stats, struct qdisc_counts *counts)
{
	const struct nlattr *attr;

	netlink_for_each_nested(attr, stats) {
		const void *payload = netlink_value(attr);
		struct gnet_stats_basic basic;
		struct gnet_stats_queue queue;

		if (netlink_type(attr) == TCA_STATS_BASIC &&
		    netlink_length(attr) >= sizeof(basic)) {
			memcpy(&basic, payload, sizeof(basic));
			counts->bytes = basic.bytes;
			counts->packets = basic.packets;
		}
		if (netlink_type(attr) == TCA_STATS_QUEUE &&
		    netlink_length(attr) >= sizeof(queue)) {
			memcpy(&queue, payload, sizeof(queue));
			counts->drops = queue.drops;
			counts->waiting = queue.qlen;
		}
	}
}

static struct qdisc_counts counts_of(const struct nlmsghdr *message)
{
	struct qdisc_counts counts = {0};
	const struct nlattr *attr;

	netlink_for_each(attr, message, sizeof(struct tcmsg)) {
		if (netlink_type(attr) == TCA_STATS2)
			read_counts(attr, &counts);
	}
	return counts;
}

struct wanted_class {
	uint32_t handle;
	bool found;
	struct qdisc_counts counts;
};

static int read_class(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *about = netlink_payload(message);
	struct wanted_class *wanted = data;

	if (about->tcm_handle != wanted->handle)
		return NETLINK_GO_ON;
	wanted->found = true;
	wanted->counts = counts_of(message);
	return NETLINK_STOP;
}

/* A single class is told to those only who listen for changes, so all are asked for. */
int netlink_class_counts(struct netlink *netlink, int index, uint32_t handle,
			 struct qdisc_counts *counts, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = {.tcm_ifindex = index};
	struct wanted_class wanted = {.handle = handle};
	int r = netlink_query(netlink, begin(buffer, RTM_GETTCLASS, NLM_F_DUMP, &about), read_class,
			      &wanted);

	if (r == 0 && !wanted.found)
		r = -ENOENT;
	if (r < 0)
		return error_errno(err, r, "read the class %x:%x of the interface of index %d",
				   handle >> 16, handle & 0xffff, index);
	*counts = wanted.counts;
	return 0;
}

struct all_classes {
	netlink_take_counts *take;
	void *data;
};

static int take_class(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *about = netlink_payload(message);
	const struct qdisc_counts counts = counts_of(message);
	const struct all_classes *all = data;

	all->take(all->data, about->tcm_handle, &counts);
	return NETLINK_GO_ON;
}

int netlink_class_all_counts(struct netlink *netlink, int index, netlink_take_counts *take,
			     void *data, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = {.tcm_ifindex = index};
	struct all_classes all = {take, data};
	int r = netlink_query(netlink, begin(buffer, RTM_GETTCLASS, NLM_F_DUMP, &about), take_class,
			      &all);

	return r < 0 ? error_errno(err, r, "read the classes of the interface of index %d", index)
		     : 0;
}

struct all_roots {
	uint32_t handle;
	netlink_take_root *take;
	void *data;
};

static int take_root(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *about = netlink_payload(message);
	const struct all_roots *all = data;
	struct qdisc_counts counts;

	if (about->tcm_parent != TC_H_ROOT || about->tcm_handle != all->handle)
		return NETLINK_GO_ON;
	counts = counts_of(message);
	all->take(all->data, about->tcm_ifindex, &counts);
	return NETLINK_GO_ON;
}

int netlink_qdisc_all_roots(struct netlink *netlink, uint32_t handle, netlink_take_root *take,
			    void *data, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = {0};
	struct all_roots all = {handle, take, data};
	int r = netlink_query(netlink, begin(buffer, RTM_GETQDISC, NLM_F_DUMP, &about), take_root,
			      &all);

	return r < 0 ? error_errno(err, r, "list the qdiscs of all interfaces") : 0;
}

static int delete (struct netlink *netlink, uint16_t type, const struct tcmsg *about,
		   const char *what, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	int r = netlink_request(netlink, begin(buffer, type, 0, about));

	if (r < 0 && !is_gone(r))
		return error_errno(err, r, "remove a %s of the interface of index %d", what,
				   about->tcm_ifindex);
	return 0;
}

int netlink_class_delete(struct netlink *netlink, int index, uint32_t handle, struct error *err)
{
	struct tcmsg about = {.tcm_ifindex = index, .tcm_handle = handle};

	return delete (netlink, RTM_DELTCLASS, &about, "class", err);
}

int netlink_qdisc_delete_root(struct netlink *netlink, int index, struct error *err)
{
	struct tcmsg about = {.tcm_ifindex = index, .tcm_parent = TC_H_ROOT};

	return delete (netlink, RTM_DELQDISC, &about, "qdisc", err);
}

static const struct tcmsg clsact = {.tcm_parent = TC_H_CLSACT,
				    .tcm_handle = QDISC_HANDLE(TC_H_CLSACT >> 16, 0)};

int netlink_qdisc_add_clsact(struct netlink *netlink, int index, bool *made, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = clsact;
	struct nlmsghdr *request;
	int r;

	about.tcm_ifindex = index;
	request = begin(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &about);
	netlink_put_string(request, TCA_KIND, "clsact");
	r = netlink_request(netlink, request);
	if (r < 0 && r != -EEXIST)
		return error_errno(err, no_such_kind(r),
				   "set the qdisc clsact of the interface of index %d", index);
	*made = r == 0;
	return 0;
}

int netlink_qdisc_delete_clsact(struct netlink *netlink, int index, struct error *err)
{
	struct tcmsg about = clsact;

	about.tcm_ifindex = index;
	return delete (netlink, RTM_DELQDISC, &about, "qdisc", err);
}

static uint32_t side_handle(enum qdisc_side side)
{
	return TC_H_MAKE(TC_H_CLSACT, side == QDISC_RECEIVES ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

/* The priority and the protocol of what a filter looks at share a word (net/sched/cls_api.c). */
static uint32_t filter_info(uint16_t priority)
{
	return TC_H_MAKE((uint32_t)priority << 16, __builtin_bswap16(ETH_P_ALL));
}

static void put_mirred(struct nlmsghdr *request, int to)
{
	struct tc_mirred mirred = {
		.action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)to};
	struct nlattr *actions = netlink_nest_begin(request, TCA_U32_ACT);
	struct nlattr *first = netlink_nest_begin(request, 1);
	struct nlattr *options;

	netlink_put_string(request, TCA_ACT_KIND, "mirred");
	options = netlink_nest_begin(request, TCA_ACT_OPTIONS);
	netlink_put(request, TCA_MIRRED_PARMS, sizeof(mirred), &mirred);
	netlink_nest_end(request, options);
	netlink_nest_end(request, first);
	netlink_nest_end(request, actions);
}

int netlink_filter_redirect(struct netlink *netlink, int index, uint16_t priority, int to,
			    struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = {.tcm_ifindex = index,
			      .tcm_parent = side_handle(QDISC_RECEIVES),
			      .tcm_info = filter_info(priority)};
	struct nlmsghdr *request = begin(buffer, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &about);
	/* one key that every packet has: 0 under the mask 0 */
	struct {
		struct tc_u32_sel sel;
		struct tc_u32_key key;
	} all = {.sel = {.flags = TC_U32_TERMINAL, .nkeys = 1}};
	struct nlattr *options;
	int r;

	netlink_put_string(request, TCA_KIND, "u32");
	options = netlink_nest_begin(request, TCA_OPTIONS);
	netlink_put(request, TCA_U32_SEL, sizeof(all), &all);
	put_mirred(request, to);
	netlink_nest_end(request, options);
	r = netlink_request(netlink, request);
	if (r < 0)
		return error_errno(err, no_such_kind(r),
				   "redirect what comes from the interface of index %d", index);
	return 0;
}

static int add_program(struct netlink *netlink, const struct tcmsg *about, uint32_t flags,
		       int program_fd, const char *name, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = begin(buffer, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, about);
	struct nlattr *options;
	int r;

	netlink_put_string(request, TCA_KIND, "bpf");
	options = netlink_nest_begin(request, TCA_OPTIONS);
	netlink_put_u32(request, TCA_BPF_FD, (uint32_t)program_fd);
	netlink_put_string(request, TCA_BPF_NAME, name);
	if (flags)
		netlink_put_u32(request, TCA_BPF_FLAGS, flags);
	netlink_nest_end(request, options);
	r = netlink_request(netlink, request);
	if (r < 0)
		return error_errno(err, no_such_kind(r),
				   "put the filter %s on the interface of index %d", name,
				   about->tcm_ifindex);
	return 0;
}

int netlink_filter_program(struct netlink *netlink, int index, enum qdisc_side side,
			   uint16_t priority, int program_fd, const char *name, struct error *err)
{
	struct tcmsg about = {.tcm_ifindex = index,
			      .tcm_parent = side_handle(side),
			      .tcm_info = filter_info(priority)};

	return add_program(netlink, &about, TCA_BPF_FLAG_ACT_DIRECT, program_fd, name, err);
}

int netlink_filter_classify(struct netlink *netlink, int index, uint32_t qdisc, uint16_t priority,
			    int program_fd, const char *name, struct error *err)
{
	struct tcmsg about = {
		.tcm_ifindex = index, .tcm_parent = qdisc, .tcm_info = filter_info(priority)};

	return add_program(netlink, &about, 0, program_fd, name, err);
}

int netlink_filter_delete(struct netlink *netlink, int index, enum qdisc_side side,
			  uint16_t priority, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = {.tcm_ifindex = index,
			      .tcm_parent = side_handle(side),
			      .tcm_info = filter_info(priority)};
	int r = netlink_request(netlink, begin(buffer, RTM_DELTFILTER, 0, &about));

	/* in a block that is shared with other interfaces there can be none (net/sched/cls_api.c, __tcf_block_find) */
	if (r < 0 && !is_gone(r) && r != -EOPNOTSUPP)
		return error_errno(err, r, "remove a filter of the interface of index %d", index);
	return 0;
}

static int count_filter(const struct nlmsghdr *message, void *data)
{
	++*(int *)data;
	return NETLINK_GO_ON;
}

int netlink_filter_count(struct netlink *netlink, int index, enum qdisc_side side,
			 struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct tcmsg about = {.tcm_ifindex = index, .tcm_parent = side_handle(side)};
	int n = 0, r;

	r = netlink_query(netlink, begin(buffer, RTM_GETTFILTER, NLM_F_DUMP, &about), count_filter,
			  &n);
	if (r < 0)
		return error_errno(err, r, "list the filters of the interface of index %d", index);
	return n;
}

int netlink_ifb_create(struct netlink *netlink, const char *name, struct error *err)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = netlink_begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
						 sizeof(struct ifinfomsg));
	struct ifinfomsg *link = netlink_payload(request);
	struct nlattr *info;
	int r;

	if (strlen(name) >= IFNAMSIZ)
		return error_errno(err, ENAMETOOLONG, "make the interface '%s'", name);
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	netlink_put_string(request, IFLA_IFNAME, name);
	netlink_put_u32(request, IFLA_TXQLEN, IFB_QUEUE);
	info = netlink_nest_begin(request, IFLA_LINKINFO);
	netlink_put_string(request, IFLA_INFO_KIND, "ifb");
	netlink_nest_end(request, info);
	r = netlink_request(netlink, request);
	if (r < 0)
		return error_errno(err, r, "make the interface '%s'", name);
	return 0;
}
