// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gate: what arrives for a workspace whose debt is over its bound is dropped before it costs more. Where:
 *
 *	gate_link	what the host sends into the workspace's link (tc, by interface): the work of
 *			the workspace's own side is saved, that of the host's is not
 *	gate_xdp	what an interface to the outside receives (XDP, by destination): all but the driver's
 *			work is saved
 *	gate_uplink	the same where XDP cannot be had (tc)
 *
 * And how the uplink's queueing discipline tells whose a packet is: uplink_mark writes the workspace's number
 * into the mark of what comes from its link, and uplink_classify makes a class of that.
 *
 * Counters and buckets are shared by all CPUs and changed by atomic additions. Two CPUs may fill a bucket for
 * the same while; compare-and-exchange lets one of them. A bucket can go below zero by one packet per CPU.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/gate.h"

char LICENSE[] SEC("license") = "GPL";

#define ADDRESSES_MAX 16384

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
	__uint(max_entries, ADDRESSES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} gate_links SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ADDRESSES_MAX);
	__type(key, struct gate_address);
	__type(value, __u32);
} gate_addresses SEC(".maps");

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

	/* ten buckets full are a full one; also for a clock that seems to run backwards */
	if (elapsed_ns > 1000000000)
		elapsed_ns = 1000000000;
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

/* ---- whose a packet is ---- */

static void map_ipv4(struct gate_address *address, __be32 ipv4)
{
	__builtin_memset(address, 0, sizeof(*address));
	address->bytes[10] = address->bytes[11] = 0xff;
	__builtin_memcpy(address->bytes + 12, &ipv4, sizeof(ipv4));
}

/* Where a frame goes, or false when it is neither IPv4 nor IPv6. Of VLANs the inner frame counts. */
static bool look(void *data, void *end, struct gate_address *to)
{
	struct ethhdr *eth = data;
	__be16 protocol;
	void *next = eth + 1;

	if (next > end)
		return false;
	protocol = eth->h_proto;
	if (protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD)) {
		if (next + 4 > end)
			return false;
		protocol = *(__be16 *)(next + 2);
		next += 4;
	}
	if (protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = next;

		if ((void *)(ip + 1) > end)
			return false;
		map_ipv4(to, ip->daddr);
		return true;
	}
	if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = next;

		if ((void *)(ip + 1) > end)
			return false;
		__builtin_memcpy(to, &ip->daddr, sizeof(*to));
		return true;
	}
	return false;
}

static bool admits_address(void *data, void *end, __u32 packets, __u32 bytes)
{
	struct gate_address to;
	__u32 *number;

	if (!look(data, end, &to))
		return true;
	number = bpf_map_lookup_elem(&gate_addresses, &to);
	return !number || admits(*number, packets, bytes);
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

SEC("tc")
int gate_uplink(struct __sk_buff *skb)
{
	return admits_address((void *)(long)skb->data, (void *)(long)skb->data_end, packets_of(skb),
			      skb->len)
		       ? TC_ACT_UNSPEC
		       : TC_ACT_SHOT;
}

SEC("xdp")
int gate_xdp(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;

	return admits_address(data, end, 1, end - data) ? XDP_PASS : XDP_DROP;
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
