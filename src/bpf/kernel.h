/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel's types, as far as the programs look into them. Members are found by name when the
 * programs are loaded (CO-RE), so order and completeness do not matter here; names and kinds do.
 * Structs with a ___suffix are older or newer forms of the kernel's struct of that name.
 */
#include <stdbool.h>
#include <stddef.h>

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
	BPF_F_MMAPABLE = 1024,
};

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_QUEUE = 22,
};

/* include/linux/interrupt.h; the order is part of the kernel's trace format */
enum {
	HI_SOFTIRQ,
	TIMER_SOFTIRQ,
	NET_TX_SOFTIRQ,
	NET_RX_SOFTIRQ,
	BLOCK_SOFTIRQ,
	IRQ_POLL_SOFTIRQ,
	TASKLET_SOFTIRQ,
	SCHED_SOFTIRQ,
	HRTIMER_SOFTIRQ,
	RCU_SOFTIRQ,
};

/* include/linux/cgroup-defs.h: an enum without a name, which cannot be looked up */
#define CSS_ONLINE (1 << 1)

#define PF_WQ_WORKER 0x00000020
#define PF_KSWAPD 0x00020000
#define PF_KTHREAD 0x00200000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	__u64 net_cookie;
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
};

struct pid {
	unsigned int level;
};

struct kernfs_node {
	const char *name;
	__u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
	unsigned int flags;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup_subsys_state *subsys[2];
	struct cgroup *dfl_cgrp;
};

struct list_head {
	struct list_head *next;
};

struct task_struct {
	char comm[16];
	int pid;
	int tgid;
	unsigned int flags;
	__u64 utime;
	__u64 stime;
	struct task_struct *real_parent;
	struct css_set *cgroups;
	struct nsproxy *nsproxy;
	struct pid *thread_pid;
	struct list_head thread_node; /* of its process, in signal_struct.thread_head */
};

struct bpf_iter__task {
	struct task_struct *task;
};

struct rtnl_link_ops {
	const char *kind;
};

struct net_device {
	int ifindex;
	possible_net_t nd_net;
	const struct rtnl_link_ops *rtnl_link_ops;
};

/* since 6.10 the private part is a member */
struct net_device___priv {
	__u8 priv[0];
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock_common {
	__u16 skc_num; /* the local port */
	unsigned short skc_family;
	unsigned char skc_state;
	possible_net_t skc_net;
};

struct timer_list {
	void (*function)(struct timer_list *timer);
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	struct socket_wq *sk_wq;
	struct timer_list sk_timer;
	struct sock_cgroup_data sk_cgrp_data;
};

struct wait_queue_head {
	struct list_head head;
};

struct wait_queue_entry {
	void *private;
	void *func;
	struct list_head entry;
};

struct socket_wq {
	struct wait_queue_head wait;
};

struct poll_wqueues {
	struct task_struct *polling_task;
};

struct eventpoll {
	struct wait_queue_head wq;
};

struct epitem {
	struct eventpoll *ep;
};

struct eppoll_entry {
	struct epitem *base;
	struct wait_queue_entry wait;
};

struct inet_connection_sock {
	struct timer_list icsk_retransmit_timer;
	struct timer_list icsk_delack_timer;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned int len;
	int skb_iif; /* where it was received, 0: made here */
};

struct napi_struct {
	struct net_device *dev;
};

struct blkcg {
	struct cgroup_subsys_state css;
};

struct blkcg_gq {
	struct blkcg *blkcg;
};

struct bio {
	struct blkcg_gq *bi_blkg;
	void *bi_private;
};

struct request {
	struct bio *bio;
};

struct bdi_writeback {
	struct cgroup_subsys_state *memcg_css;
};

typedef struct {
	__s64 counter;
} atomic_long_t;

struct work_struct {
	atomic_long_t data;
	void *func;
};

struct delayed_work {
	struct work_struct work;
	struct timer_list timer;
};

struct hrtimer {
	void *function;
};

struct hrtimer_sleeper {
	struct hrtimer timer;
	struct task_struct *task;
};

struct signal_struct {
	struct list_head thread_head;
	struct hrtimer real_timer;
};

struct k_itimer {
	struct signal_struct *it_signal;
	union {
		struct {
			struct hrtimer timer;
		} real;
	} it;
};

struct timerfd_ctx {
	union {
		struct hrtimer tmr;
	} t;
	struct wait_queue_head wqh;
};

struct cfs_bandwidth {
	struct hrtimer period_timer;
};

struct task_group {
	struct cgroup_subsys_state css;
	struct cfs_bandwidth cfs_bandwidth;
};

struct tcp_sock {
	struct list_head tsq_node;
	struct hrtimer pacing_timer;
	struct hrtimer compressed_ack_timer;
};

/* since 6.16 */
struct tsq_work {
	struct work_struct work;
	struct list_head head;
};

struct file;

struct socket {
	struct sock *sk;
};

struct bpf_iter__task_file {
	struct task_struct *task;
	struct file *file;
};

struct cpumask {
	__u64 bits[1];
};

struct bpf_map;
struct inode;
struct writeback_control;

#pragma clang attribute pop
