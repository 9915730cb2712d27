/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who owns a socket: what tells the packets of containers on the host's own network apart, whose a packet
 * is that a macvlan handed over unseen, and whose timer a TCP timer is.
 *
 * In a network namespace that an account holds, its owner. In the host's, on v2, the cgroup that the
 * socket was made in, which the kernel keeps (CONFIG_SOCK_CGROUP_DATA). v1 keeps no cgroup of the cpu
 * hierarchy there: a TCP socket belongs to the account whose thread connected it; one that was accepted, to
 * the account whose thread listens at its port; one of UDP to the account whose thread waits for it. What
 * was there before the ledger was switched on belongs to the account of a thread that has it open (of
 * several, the last one looked at).
 *
 * The error: what comes before the socket is known and never gets to one (a SYN that is refused, a segment
 * without a connection) is the host's.
 */
#include "bpf/netns.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define TCP_LISTEN 10

/* `kind` of a note in `socks` that was learned from who waits: when, in seconds or so, which wraps */
#define SOCK_LEARNED 0x80000000u
#define SOCK_NOW() ((__u32)(bpf_ktime_get_ns() >> 30) & ~SOCK_LEARNED)

/* keys of `socks`: the address of a socket, or a local port that is listened at */
#define SOCK_KEY_PORT (1ull << 32)

static __always_inline bool sock_is_on_host(const struct sock *sk)
{
	return sk->__sk_common.skc_net.net->ns.inum == book.host_netns;
}

static __always_inline __u32 sock_noted_slot(__u64 key)
{
	struct owner_note *note = bpf_map_lookup_elem(&socks, &key);

	return note ? account_resolve(note->slot, note->id, WIRE_SLOT_HOST)
		    : (__u32)WIRE_SLOT_UNATTRIBUTED;
}

/* ---- v1: who waits for a socket ---- */

extern const void ep_poll_callback __ksym __weak;
extern const void pollwake __ksym __weak;

#define CONTAINER_OF(address, type, member)                                                        \
	((type *)((__u64)(address)-bpf_core_field_offset(type, member)))

/* The first that waits in a queue, NULL if there is none. */
static __always_inline struct wait_queue_entry *queue_first(struct wait_queue_head *queue)
{
	struct list_head *first = BPF_CORE_READ(queue, head.next);

	if (!first ||
	    (__u64)first == (__u64)queue + bpf_core_field_offset(struct wait_queue_head, head))
		return NULL;
	return CONTAINER_OF(first, struct wait_queue_entry, entry);
}

/* The thread behind what waits: itself, or one in poll() or in epoll_wait(). NULL if none does now. */
static __always_inline struct task_struct *queue_waiter(struct wait_queue_head *queue)
{
	struct wait_queue_entry *entry = queue_first(queue);
	struct eventpoll *ep;
	const void *func;
	void *private;

	if (!entry)
		return NULL;
	func = BPF_CORE_READ(entry, func);
	if (func == &ep_poll_callback) {
		ep = BPF_CORE_READ(CONTAINER_OF(entry, struct eppoll_entry, wait), base, ep);
		entry = queue_first((void *)ep + bpf_core_field_offset(struct eventpoll, wq));
		if (!entry)
			return NULL;
	}
	private = BPF_CORE_READ(entry, private);
	if (func == &pollwake)
		return BPF_CORE_READ((struct poll_wqueues *)private, polling_task);
	return private;
}

/* The account of a thread that is read and not followed, as it may have gone. */
static __always_inline __u32 waiter_slot(struct task_struct *task)
{
	struct cgroup *cgroup;
	__u32 *found;
	__u64 id;

	if (cfg_unified)
		cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	else if (cfg_cpu_index == 0)
		cgroup = BPF_CORE_READ(task, cgroups, subsys[0], cgroup);
	else
		cgroup = BPF_CORE_READ(task, cgroups, subsys[1], cgroup);
	id = BPF_CORE_READ(cgroup, kn, id);
	if (BPF_CORE_READ(cgroup, level) <= 0)
		return WIRE_SLOT_HOST;
	found = bpf_map_lookup_elem(&accounts, &id);
	return found ? *found : (__u32)WIRE_SLOT_UNATTRIBUTED;
}

/*
 * Learns the owner of a socket from who waits for it and notes it for a while: addresses are used again, and
 * nothing tells when a socket of UDP is closed.
 */
static __noinline __u32 sock_learn(const struct sock *sk, struct wire_cpu *c)
{
	struct task_struct *task;
	struct owner_note note;
	__u64 key = (__u64)sk;
	__u32 slot;

	if (!sk || !c)
		return WIRE_SLOT_UNATTRIBUTED;
	task = queue_waiter((void *)sk->sk_wq + bpf_core_field_offset(struct socket_wq, wait));
	if (!task)
		return WIRE_SLOT_UNATTRIBUTED;
	slot = waiter_slot(task);
	if (slot == WIRE_SLOT_UNATTRIBUTED)
		return slot;
	note_owner(&note, slot, SOCK_LEARNED | SOCK_NOW());
	bpf_map_update_elem(&socks, &key, &note, BPF_ANY);
	cursor_count(c, WIRE_RULE_SOCKET_WAITER);
	return slot;
}

/* v1: from what is noted, or who waits. A note that was learned is looked at anew after a second. */
static __always_inline __u32 sock_known_slot(const struct sock *sk, struct wire_cpu *c)
{
	__u64 key = (__u64)sk;
	struct owner_note *note = bpf_map_lookup_elem(&socks, &key);
	__u32 learned;

	if (note && (!(note->kind & SOCK_LEARNED) || SOCK_NOW() == (note->kind & ~SOCK_LEARNED)))
		return account_resolve(note->slot, note->id, WIRE_SLOT_HOST);
	learned = sock_learn(sk, c);
	if (learned != WIRE_SLOT_UNATTRIBUTED)
		return learned;
	if (note)
		return account_resolve(note->slot, note->id, WIRE_SLOT_HOST);
	return sock_noted_slot(SOCK_KEY_PORT | sk->__sk_common.skc_num);
}

/* The owner of a socket on the host's network; WIRE_SLOT_UNATTRIBUTED when that is not known. */
static __noinline __u32 sock_host_slot(const struct sock *sk, struct wire_cpu *c)
{
	if (!sk || !c)
		return WIRE_SLOT_UNATTRIBUTED;
	if (cfg_unified)
		return account_find(sk->sk_cgrp_data.cgroup, c);
	return sock_known_slot(sk, c);
}

/* The waiting packet is the socket's, unless that only watches what passes, as packet sockets and netlink do. */
static __noinline int sock_settle(const struct sock *sk, struct wire_cpu *c)
{
	__u32 slot, rule = WIRE_RULE_SOCKET;

	if (!sk || !c)
		return 0;
	if (sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6)
		return 0;
	if (sock_is_on_host(sk)) {
		slot = sock_host_slot(sk, c);
	} else {
		slot = netns_slot(sk->__sk_common.skc_net.net->net_cookie);
		rule = WIRE_RULE_SOCKET_NETNS;
	}
	if (slot == WIRE_SLOT_UNATTRIBUTED) {
		cursor_count(c, WIRE_FALLBACK_SOCKET);
		return 0;
	}
	/* the host's own may still be handed on, into a container */
	if (slot == WIRE_SLOT_HOST)
		return 0;
	cursor_packet_settle(c, slot);
	c->counters[rule]++;
	return 0;
}

/*
 * A packet has reached its socket: if nobody owned it so far, the socket does. What is told of a socket
 * while no packet waits (its own system calls, packets with an owner) costs two comparisons.
 */
static __always_inline void sock_receives(const struct sock *sk)
{
	struct wire_cpu *c = cpu_this();

	if (!c || !c->frame[WIRE_SOFT].active || c->frame[WIRE_SOFT].slot != WIRE_SLOT_PACKET ||
	    c->frame[WIRE_HARD].active)
		return;
	sock_settle(sk, c);
}

/* Whom a socket is noted for on v1: the thread that runs. Returns whether that tells anything. */
static __always_inline bool sock_user(const struct wire_cpu *c, struct owner_note *note)
{
	if (cursor_level(c) != WIRE_TASK || c->frame[WIRE_TASK].kind != WIRE_OWN)
		return false;
	note_owner(note, c->frame[WIRE_TASK].slot, WIRE_NET_RX);
	return true;
}

static __always_inline void sock_note_listener(__u64 key, __u64 port, const struct owner_note *note)
{
	bpf_map_update_elem(&listeners, &key, &port, BPF_ANY);
	bpf_map_update_elem(&socks, &port, note, BPF_ANY);
}

/* v1: a thread connects a socket or listens with it; and the end of that. */
static __always_inline void sock_note(const struct sock *sk, int state)
{
	struct wire_cpu *c = cpu_this();
	__u64 key = (__u64)sk, port = SOCK_KEY_PORT | sk->__sk_common.skc_num;
	struct owner_note note;

	if (!c || !sock_is_on_host(sk))
		return;
	if (state == TCP_CLOSE) {
		/* what else has that port listens on: the entry of a listener's socket tells */
		if (bpf_map_lookup_elem(&listeners, &key)) {
			bpf_map_delete_elem(&socks, &port);
			bpf_map_delete_elem(&listeners, &key);
		}
		bpf_map_delete_elem(&socks, &key);
		return;
	}
	if (!sock_user(c, &note))
		return;
	if (state == TCP_LISTEN)
		sock_note_listener(key, port, &note);
	else if (state == TCP_SYN_SENT)
		bpf_map_update_elem(&socks, &key, &note, BPF_ANY);
}

/* also: a segment that makes or ends a connection */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, const struct sock *sk, int old, int state)
{
	sock_receives(sk);
	if (!cfg_unified && (state == TCP_CLOSE || state == TCP_LISTEN || state == TCP_SYN_SENT))
		sock_note(sk, state);
	return 0;
}

/* v1, run once: sockets that are there already belong to who has them open */
SEC("iter/task_file")
int claim_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct owner_note note;
	struct socket *socket;
	struct sock *sk;
	__u64 key, port;
	__u32 slot;
	bool tcp;
	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != book.host_netns)
		return 0;
	tcp = BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
	slot = account_find(task_cgroup(task), NULL);
	note_owner(&note, slot, tcp ? 0 : SOCK_LEARNED | SOCK_NOW());
	key = (__u64)sk;
	bpf_map_update_elem(&socks, &key, &note, BPF_ANY);
	if (tcp && BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN) {
		port = SOCK_KEY_PORT | BPF_CORE_READ(sk, __sk_common.skc_num);
		sock_note_listener(key, port, &note);
	}
	return 0;
}

/* every segment of an established connection, also one that carries only an acknowledgement */
SEC("tp_btf/tcp_probe")
int BPF_PROG(tcp_probe, struct sock *sk, const struct sk_buff *skb)
{
	sock_receives(sk);
	return 0;
}

/* UDP and what else has data to read */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(sk_data_ready, const struct sock *sk)
{
	sock_receives(sk);
	return 0;
}

/* the same before 6.3, which has no tracepoint there */
SEC("fentry/sock_def_readable")
int BPF_PROG(sock_def_readable, const struct sock *sk)
{
	sock_receives(sk);
	return 0;
}

/* a datagram that finds its socket's queue full */
SEC("tp_btf/udp_fail_queue_rcv_skb")
int BPF_PROG(udp_fail_queue_rcv_skb, int status, const struct sock *sk)
{
	sock_receives(sk);
	return 0;
}

/* a segment that finds its socket in use by a thread, which will look at it later, in its own time */
SEC("fentry/tcp_add_backlog")
int BPF_PROG(tcp_add_backlog, const struct sock *sk)
{
	sock_receives(sk);
	return 0;
}

/* ---- timers with a socket ---- */

/* the kernel's functions, whose addresses tell whose timer it is; 0 where there is none of that name */
extern const void tcp_write_timer __ksym __weak;
extern const void tcp_delack_timer __ksym __weak;
extern const void tcp_keepalive_timer __ksym __weak;

/* The socket of a TCP timer, NULL if it is another kind of timer. */
static __always_inline struct sock *timer_sock(const struct timer_list *timer)
{
	const void *function = (const void *)timer->function;
	__u64 offset;

	if (!function)
		return NULL;
	if (function == &tcp_write_timer) {
		if (!bpf_core_field_exists(struct inet_connection_sock, icsk_retransmit_timer))
			return NULL;
		offset = bpf_core_field_offset(struct inet_connection_sock, icsk_retransmit_timer);
	} else if (function == &tcp_delack_timer) {
		offset = bpf_core_field_offset(struct inet_connection_sock, icsk_delack_timer);
	} else if (function == &tcp_keepalive_timer) {
		offset = bpf_core_field_offset(struct sock, sk_timer);
	} else {
		return NULL;
	}
	return (struct sock *)((__u64)timer - offset);
}

/* The owner of a socket whose address may have been computed: it is read and not followed. */
static __noinline __u32 sock_owner_slot(struct sock *sk, struct wire_cpu *c)
{
	struct net *net;
	__u32 slot;

	if (!c)
		return WIRE_SLOT_HOST;
	net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	if (BPF_CORE_READ(net, ns.inum) != book.host_netns) {
		slot = netns_slot(BPF_CORE_READ(net, net_cookie));
		return slot == WIRE_SLOT_UNATTRIBUTED ? (__u32)WIRE_SLOT_HOST : slot;
	}
	if (cfg_unified) {
		__u64 id = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
		__u32 *found = bpf_map_lookup_elem(&accounts, &id);

		return found ? *found : (__u32)WIRE_SLOT_HOST;
	}
	slot = sock_noted_slot((__u64)sk);
	if (slot == WIRE_SLOT_UNATTRIBUTED)
		slot = sock_noted_slot(SOCK_KEY_PORT | BPF_CORE_READ(sk, __sk_common.skc_num));
	return slot == WIRE_SLOT_UNATTRIBUTED ? (__u32)WIRE_SLOT_HOST : slot;
}
