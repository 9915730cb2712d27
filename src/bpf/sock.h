/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who owns a socket: what tells the packets of containers on the host's own network apart, and whose
 * timer a TCP timer is.
 *
 * In a network namespace that an account holds, its owner. In the host's, on v2, the cgroup that the
 * socket was made in, which the kernel keeps (CONFIG_SOCK_CGROUP_DATA). v1 keeps no cgroup of the cpu
 * hierarchy there: a TCP socket belongs to the account whose thread connected it; one that was accepted,
 * to the account whose thread listens at its port. So on v1 these are the host's: TCP sockets that were
 * connected, or listened, before the ledger was switched on, and all of UDP.
 *
 * The error: a segment that finds its socket in use by a thread is put on the socket's backlog, and told of
 * only when the thread takes it, in its own time. What it cost in the softirq stays the host's.
 */
#include "bpf/netns.h"

#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define TCP_LISTEN 10

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

/* The owner of a socket on the host's network; WIRE_SLOT_UNATTRIBUTED when that is not known. */
static __noinline __u32 sock_host_slot(const struct sock *sk, struct wire_cpu *c)
{
	__u32 slot;

	if (!sk || !c)
		return WIRE_SLOT_UNATTRIBUTED;
	if (cfg_unified)
		return account_find(sk->sk_cgrp_data.cgroup, c);
	slot = sock_noted_slot((__u64)sk);
	if (slot == WIRE_SLOT_UNATTRIBUTED)
		slot = sock_noted_slot(SOCK_KEY_PORT | sk->__sk_common.skc_num);
	return slot;
}

/*
 * A packet has reached its socket: if nobody owned it so far, the socket does. What is told of a socket
 * while no packet waits (its own system calls, packets with an owner) costs two comparisons.
 */
static __always_inline void sock_receives(const struct sock *sk)
{
	struct wire_cpu *c = cpu_this();
	__u32 slot;

	if (!c || !c->frame[WIRE_SOFT].active || c->frame[WIRE_SOFT].slot != WIRE_SLOT_PACKET ||
	    c->frame[WIRE_HARD].active)
		return;
	slot = sock_host_slot(sk, c);
	if (slot == WIRE_SLOT_UNATTRIBUTED) {
		cursor_count(c, WIRE_FALLBACK_SOCKET);
		return;
	}
	/* the host's own may still be handed on, into a container */
	if (slot == WIRE_SLOT_HOST)
		return;
	cursor_packet_settle(c, slot);
	cursor_count(c, WIRE_RULE_SOCKET);
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
	if (cursor_level(c) != WIRE_TASK || c->frame[WIRE_TASK].kind != WIRE_OWN)
		return;
	note_owner(&note, c->frame[WIRE_TASK].slot, WIRE_NET_RX);
	if (state == TCP_LISTEN) {
		bpf_map_update_elem(&listeners, &key, &port, BPF_ANY);
		bpf_map_update_elem(&socks, &port, &note, BPF_ANY);
	} else if (state == TCP_SYN_SENT) {
		bpf_map_update_elem(&socks, &key, &note, BPF_ANY);
	}
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, const struct sock *sk, int old, int state)
{
	if (state == TCP_CLOSE || state == TCP_LISTEN || state == TCP_SYN_SENT)
		sock_note(sk, state);
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

/* The owner of a socket whose address was computed, so that it is read and not followed. */
static __noinline __u32 timer_slot(struct sock *sk, struct wire_cpu *c)
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

/* What a retransmission or a delayed acknowledgement costs is its socket's. */
SEC("tp_btf/timer_expire_entry")
int BPF_PROG(timer_expire_entry, struct timer_list *timer)
{
	struct wire_cpu *c = cpu_this();
	struct sock *sk;
	__u32 slot = WIRE_SLOT_HOST;

	if (!c || !c->frame[WIRE_SOFT].active || c->frame[WIRE_SOFT].kind != WIRE_TIMER ||
	    c->frame[WIRE_HARD].active)
		return 0;
	sk = timer_sock(timer);
	if (sk) {
		slot = timer_slot(sk, c);
		cursor_count(c, slot == WIRE_SLOT_HOST ? WIRE_FALLBACK_TIMER : WIRE_RULE_TIMER);
	}
	cursor_repoint(c, WIRE_SOFT, slot, WIRE_TIMER);
	return 0;
}
