/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who owns what kswapd does: whoever woke it. A page that is asked for while little memory is free wakes it,
 * whoever asks; so of many who allocate each wakes it about as often as it allocates, and over many rounds
 * each pays for its part. The error is in the single round, which is all of one account's although others
 * used up memory before. A round that goes on by itself is still of who began it.
 *
 * What a thread reclaims itself, as the memory of its cgroup or of the machine is used up, is its own time.
 */
#include "bpf/work.h"

/* Keys of `works`, where addresses are otherwise, and of what is aligned: an odd number is none. */
static __always_inline __u64 reclaim_key(int node)
{
	return 1 + 2 * (__u64)(__u32)node;
}

/* A thread wants memory of a node, of which there is little. */
SEC("tp_btf/mm_vmscan_wakeup_kswapd")
int BPF_PROG(mm_vmscan_wakeup_kswapd, int node)
{
	work_note(cpu_this(), reclaim_key(node));
	return 0;
}

/* From here on what kswapd does is the host's. */
static __noinline int reclaim_ends(struct wire_cpu *c)
{
	__u32 pid = bpf_get_current_pid_tgid();

	if (!c)
		return 0;
	note_drop(&workers, &pid);
	cursor_repoint(c, WIRE_TASK, WIRE_SLOT_HOST, WIRE_OWN);
	return 0;
}

/*
 * kswapd begins a round. Before it sleeps for long, which is told below, it sleeps a tenth of a second and may be
 * woken from that by the host, which drops the note; one that has been taken tells that the round goes on.
 */
SEC("tp_btf/mm_vmscan_kswapd_wake")
int BPF_PROG(mm_vmscan_kswapd_wake, int node)
{
	struct wire_cpu *c = cpu_this();
	__u64 key = reclaim_key(node);
	__u32 slot, pid = bpf_get_current_pid_tgid();
	struct owner_note *note;

	if (!c || cursor_level(c) != WIRE_TASK)
		return 0;
	if (!note_take(&works, &key, WIRE_SLOT_HOST, &slot)) {
		note = bpf_map_lookup_elem(&works, &key);
		if (note && note->slot == WIRE_SLOT_HOST)
			reclaim_ends(c);
		return 0;
	}
	cursor_count(c, WIRE_RULE_RECLAIM);
	note_put(&workers, &pid, slot, WIRE_WORK);
	cursor_repoint(c, WIRE_TASK, slot, WIRE_WORK);
	return 0;
}

SEC("tp_btf/mm_vmscan_kswapd_sleep")
int BPF_PROG(mm_vmscan_kswapd_sleep, int node)
{
	struct wire_cpu *c = cpu_this();

	if (c && cursor_level(c) == WIRE_TASK)
		reclaim_ends(c);
	return 0;
}
