// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gate: what arrives for a workspace whose debt is over its bound is dropped before it costs more, where the
 * host sends into the workspace's link (gate_link): the work of the workspace's own side is saved, that of the
 * host's is not.
 *
 * And how the uplink's queueing discipline tells whose a packet is: uplink_mark writes the workspace's number
 * into the mark of what comes from its link, and uplink_classify makes a class of that.
 *
 * Counters and buckets are shared by all CPUs and changed by atomic additions. Two CPUs may fill a bucket for
 * the same while; compare-and-exchange lets one of them. A bucket can go below zero by one packet per CPU.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "bpf/gate.h"

char LICENSE[] SEC("license") = "GPL";

#define LINKS_MAX 16384
#define ELAPSED_MAX_NS 100000000ull /* five times what a bucket takes to fill (keeper/gate.c) */

/* By the number that the keeper gave the workspace. It writes into the array, element by element. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct gate);
} gates SEC(".maps");

/* The gate of an interface, by its index. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LINKS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} gate_links SEC(".maps");

/* The class of a workspace's packets at the uplink, by its number: a handle, major number included. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} uplink_classes SEC(".maps");

/* ---- the bucket ---- */

static void fill(struct gate *gate, __u64 now_ns)
{
	__u64 filled_ns = gate->filled_ns, elapsed_ns = now_ns - filled_ns;
	__u64 more_ns;

	/* more than the bucket holds is no use, and would not go into 64 bits; also for a clock that seems to run backwards */
	if (elapsed_ns > ELAPSED_MAX_NS)
		elapsed_ns = ELAPSED_MAX_NS;
	more_ns = elapsed_ns * gate->rate / 1000000000;
	/* too little to count: it is left for the next packet */
	if (!more_ns ||
	    __sync_val_compare_and_swap(&gate->filled_ns, filled_ns, now_ns) != filled_ns)
		return;
	if (gate->tokens_ns + (__s64)more_ns > (__s64)gate->burst_ns)
		gate->tokens_ns = gate->burst_ns;
	else
		__sync_fetch_and_add(&gate->tokens_ns, more_ns);
}

/* Whether PACKETS of BYTES may be received. */
static bool admits(__u32 number, __u32 packets, __u32 bytes)
{
	struct gate *gate = bpf_map_lookup_elem(&gates, &number);
	__u64 now_ns;

	if (!gate || !gate->renewed_ns)
		return true;
	now_ns = bpf_ktime_get_ns();
	if ((__s64)(now_ns - gate->renewed_ns) > (__s64)GATE_LEASE_NS)
		return true;
	fill(gate, now_ns);
	if (gate->tokens_ns <= 0) {
		__sync_fetch_and_add(&gate->dropped, packets);
		__sync_fetch_and_add(&gate->dropped_bytes, bytes);
		return false;
	}
	__sync_fetch_and_add(&gate->tokens_ns, -(__s64)(gate->packet_ns * packets));
	__sync_fetch_and_add(&gate->passed, packets);
	return true;
}

/* ---- programs ---- */

static __u32 packets_of(const struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}

SEC("tc")
int gate_link(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex, *number = bpf_map_lookup_elem(&gate_links, &index);

	return !number || admits(*number, packets_of(skb), skb->len) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* Other bits of the mark are others'. */
SEC("tc")
int uplink_mark(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex, *number = bpf_map_lookup_elem(&gate_links, &index);

	if (number)
		skb->mark = (skb->mark & ~GATE_MARK_MASK) | (*number + 1) << GATE_MARK_SHIFT;
	return TC_ACT_UNSPEC;
}

SEC("tc")
int uplink_classify(struct __sk_buff *skb)
{
	__u32 number = skb->mark >> GATE_MARK_SHIFT, *handle;

	if (!number--)
		return 0;
	handle = bpf_map_lookup_elem(&uplink_classes, &number);
	return handle ? *handle : 0;
}
