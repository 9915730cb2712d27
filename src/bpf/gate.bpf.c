// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gate: what arrives for a workspace whose debt is over its bound is dropped before it costs more, where the
 * host sends into the workspace's link (gate_link): the work of the workspace's own side is saved, that of the
 * host's is not. What comes from outside is dropped where it arrives (gate_uplink), if it is known by its address or its
 * connection whose it is: that saves both.
 *
 * And how the uplink's queueing discipline tells whose a packet is: uplink_mark writes the workspace's number
 * into the mark of what comes from its link, and signs it, and uplink_classify makes a class of that.
 *
 * What arrives at the uplink has no mark: whose it is, is known of connections by what was sent (uplink_learn, behind
 * the translation of addresses), and else by the addresses that packets had which went into a link (link_learn).
 * Where the uplink is a port of a bridge, what arrives for a workspace has a hardware address that is not the host's,
 * and the keeper tells whose that is, as the bridge knows it (keeper/stations.h). uplink_arrives makes a class of all
 * that. The first packets of a connection from outside to an address of the host's are nobody's.
 *
 * Counters and buckets are shared by all CPUs and changed by atomic additions. Two CPUs may fill a bucket for
 * the same while; compare-and-exchange lets one of them. A bucket can go below zero by one packet per CPU.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/gate.h"

char LICENSE[] SEC("license") = "GPL";

#define LINKS_MAX 16384
#define ELAPSED_MAX_NS 100000000ull /* five times what a bucket takes to fill (keeper/gate.c) */
/* A bucket of bytes may be as far below zero as can wait behind it: IFB_QUEUE (kernel/netlink_qdisc.c) of the largest packets. */
#define HOLD_DEBT_MAX (1000ll * 65536)
#define HOLD_ELAPSED_MAX_NS 10000000000ull /* times the rate it goes into 64 bits */
#define HEADERS_MAX 134			   /* bytes: Ethernet, IPv4 and TCP with all options */

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

/* What is received from an interface, by its index. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LINKS_MAX);
	__type(key, __u32);
	__type(value, struct gate_hold);
} holds SEC(".maps");

/* The class of a workspace's packets at the uplink, by its number: a handle, major number included. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} uplink_classes SEC(".maps");

/* The same for what arrives there. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} arrival_classes SEC(".maps");

/* IPv4 as the last four bytes of an address that is zero otherwise. */
struct address {
	__u32 words[4];
};

struct flow {
	struct address local, remote;
	__u16 local_port, remote_port;
	__u32 protocol;
};

#define FLOWS_MAX 65536
#define PLACES_MAX 16384

/* Whose a connection is, and whose an address is, as tags (gate.h). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS_MAX);
	__type(key, struct flow);
	__type(value, __u32);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PLACES_MAX);
	__type(key, struct address);
	__type(value, __u32);
} places SEC(".maps");

/* The keeper's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLACES_MAX);
	__type(key, struct gate_station);
	__type(value, __u32);
} stations SEC(".maps");

struct gate_vlans vlans;

/* ---- the bucket ---- */

static void fill(struct gate *gate, __u64 now_ns)
{
	__u64 filled_ns = gate->filled_ns, elapsed_ns = now_ns - filled_ns;
	__u64 more_ns;

	/* another CPU, with a later clock, has filled it in between */
	if ((__s64)elapsed_ns <= 0)
		return;
	/* more than the bucket holds is no use, and would not go into 64 bits */
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

static bool is_shut(const struct gate *gate, __u64 now_ns)
{
	return gate->renewed_ns && (__s64)(now_ns - gate->renewed_ns) <= (__s64)GATE_LEASE_NS;
}

/* Whether anything may be received; if not, it is counted. */
static bool has_tokens(struct gate *gate, __u64 now_ns, __u32 packets, __u32 bytes)
{
	fill(gate, now_ns);
	if (gate->tokens_ns > 0)
		return true;
	__sync_fetch_and_add(&gate->dropped, packets);
	__sync_fetch_and_add(&gate->dropped_bytes, bytes);
	return false;
}

/* Whether PACKETS of BYTES may be received. */
static bool admits(__u32 number, __u32 packets, __u32 bytes)
{
	struct gate *gate = bpf_map_lookup_elem(&gates, &number);
	__u64 now_ns;

	if (!gate || !gate->renewed_ns)
		return true;
	now_ns = bpf_ktime_get_ns();
	if (!is_shut(gate, now_ns))
		return true;
	if (!has_tokens(gate, now_ns, packets, bytes))
		return false;
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

/* ---- bytes on the wire ---- */

/* Of the headers of each segment; HEADERS_MAX where that cannot be told. */
static __u32 header_bytes(struct __sk_buff *skb)
{
	__u32 network = skb->protocol == bpf_htons(ETH_P_IPV6) ? sizeof(struct ipv6hdr) : 0;
	__u8 version, protocol, offset;

	if (bpf_skb_load_bytes_relative(skb, 0, &version, 1, BPF_HDR_START_NET) < 0 ||
	    bpf_skb_load_bytes_relative(skb, network ? 6 : 9, &protocol, 1, BPF_HDR_START_NET) < 0)
		return HEADERS_MAX;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		network = (version & 0xf) * 4;
	if (network && protocol == IPPROTO_UDP)
		return ETH_HLEN + network + 8;
	if (!network || protocol != IPPROTO_TCP ||
	    bpf_skb_load_bytes_relative(skb, network + 12, &offset, 1, BPF_HDR_START_NET) < 0)
		return HEADERS_MAX;
	return ETH_HLEN + network + (offset >> 4) * 4;
}

/*
 * As qdiscs and the wire have it, where each segment has headers (qdisc_pkt_len_init in net/core/dev.c). What is in a
 * tunnel or behind extension headers counts a little more than it is: who is counted too much is held a little
 * below its rate.
 */
static __u64 wire_bytes(struct __sk_buff *skb)
{
	__u32 length = skb->len, segment = skb->gso_size, segments = skb->gso_segs, headers;

	if (!segment)
		return length;
	headers = header_bytes(skb);
	/* from a source that is not trusted, a tap, they were not counted yet */
	if (!segments)
		segments = ((length > headers ? length - headers : length) + segment - 1) / segment;
	return segments > 1 ? length + (__u64)(segments - 1) * headers : length;
}

/* ---- holding back ---- */

static void fill_hold(struct gate_hold *hold)
{
	__u64 now_ns = bpf_ktime_get_ns(), filled_ns = hold->filled_ns;
	__u64 elapsed_ns = now_ns - filled_ns, more;

	/* another CPU, with a later clock, has filled it in between */
	if ((__s64)elapsed_ns <= 0)
		return;
	if (elapsed_ns > HOLD_ELAPSED_MAX_NS)
		elapsed_ns = HOLD_ELAPSED_MAX_NS;
	more = elapsed_ns * (hold->rate / 1000) / 1000000;
	if (!more || __sync_val_compare_and_swap(&hold->filled_ns, filled_ns, now_ns) != filled_ns)
		return;
	if (hold->tokens + (__s64)more > (__s64)hold->burst)
		hold->tokens = hold->burst;
	else
		__sync_fetch_and_add(&hold->tokens, more);
}

/* Whether it passes; else the next filter redirects it to where it waits. */
static bool passes(struct gate_hold *hold, struct __sk_buff *skb, __u64 bytes)
{
	fill_hold(hold);
	if (hold->tokens <= 0)
		hold->held = 1;
	else if (hold->tokens >= (__s64)hold->burst)
		hold->held = 0;
	/*
	 * What waits is a debt: what passed before that is gone would overtake it, and come on top of the rate. What
	 * is refused is none.
	 */
	if (hold->tokens > -HOLD_DEBT_MAX)
		__sync_fetch_and_add(&hold->tokens, -(__s64)bytes);
	if (hold->held)
		return false;
	__sync_fetch_and_add(&hold->passed_bytes, bytes);
	__sync_fetch_and_add(&hold->passed, packets_of(skb));
	/* what ends the search for filters makes a tc_index of this (tc_run in net/core/dev.c): the signature stays */
	skb->tc_classid = skb->tc_index;
	return true;
}

/* Of what comes from a link with a limit. */
SEC("tc")
int link_hold(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex;
	struct gate_hold *hold = bpf_map_lookup_elem(&holds, &index);

	return hold && passes(hold, skb, wire_bytes(skb)) ? TC_ACT_OK : TC_ACT_UNSPEC;
}

/*
 * Other bits of the mark are others'. A priority that names a class of ours was chosen by the sender itself, which is not
 * to be believed (htb_classify in net/sched/sch_htb.c); a veth pair takes it away by itself, other links do not.
 */
SEC("tc")
int uplink_mark(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex, *number = bpf_map_lookup_elem(&gate_links, &index);

	if (skb->priority >> 16 == GATE_QDISC_MAJOR)
		skb->priority = 0;
	if (!number)
		return TC_ACT_UNSPEC;
	skb->mark = (skb->mark & ~GATE_MARK_MASK) | (*number + 1) << GATE_MARK_SHIFT;
	skb->tc_index = GATE_INDEX(*number + 1);
	return TC_ACT_UNSPEC;
}

/* The number in its mark plus one; 0: the mark is not ours. */
static __u32 marked(const struct __sk_buff *skb)
{
	__u32 place = skb->mark >> GATE_MARK_SHIFT;

	return place && skb->tc_index == GATE_INDEX(place) ? place : 0;
}

SEC("tc")
int uplink_classify(struct __sk_buff *skb)
{
	__u32 number = marked(skb), *handle;

	if (!number--)
		return 0;
	handle = bpf_map_lookup_elem(&uplink_classes, &number);
	return handle ? *handle : 0;
}

/* Of what the uplink sends while it has no classes: they count it else. */
SEC("tc")
int uplink_count(struct __sk_buff *skb)
{
	__u32 number = marked(skb), *handle;
	struct gate *gate;

	if (!number--)
		return TC_ACT_UNSPEC;
	handle = bpf_map_lookup_elem(&uplink_classes, &number);
	gate = bpf_map_lookup_elem(&gates, &number);
	if (handle && !*handle && gate) {
		__sync_fetch_and_add(&gate->sent_bytes, wire_bytes(skb));
		__sync_fetch_and_add(&gate->sent, packets_of(skb));
	}
	return TC_ACT_UNSPEC;
}

/* ---- what arrives ---- */

/* A part of a datagram but the first has no ports; nor has what is behind extension headers here. */
static void read_ports(struct __sk_buff *skb, __u32 offset, struct flow *flow, bool sent)
{
	__u16 ports[2];

	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP &&
	    flow->protocol != IPPROTO_SCTP)
		return;
	if (bpf_skb_load_bytes_relative(skb, offset, ports, sizeof(ports), BPF_HDR_START_NET) < 0)
		return;
	flow->local_port = sent ? ports[0] : ports[1];
	flow->remote_port = sent ? ports[1] : ports[0];
}

static bool read_flow_v4(struct __sk_buff *skb, struct flow *flow, bool sent)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes_relative(skb, 0, &ip, sizeof(ip), BPF_HDR_START_NET) < 0)
		return false;
	flow->local.words[3] = sent ? ip.saddr : ip.daddr;
	flow->remote.words[3] = sent ? ip.daddr : ip.saddr;
	flow->protocol = ip.protocol;
	if (!(ip.frag_off & bpf_htons(0x1fff)))
		read_ports(skb, ip.ihl * 4, flow, sent);
	return true;
}

static bool read_flow_v6(struct __sk_buff *skb, struct flow *flow, bool sent)
{
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes_relative(skb, 0, &ip, sizeof(ip), BPF_HDR_START_NET) < 0)
		return false;
	__builtin_memcpy(sent ? &flow->local : &flow->remote, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(sent ? &flow->remote : &flow->local, &ip.daddr, sizeof(ip.daddr));
	flow->protocol = ip.nexthdr;
	read_ports(skb, sizeof(ip), flow, sent);
	return true;
}

/* SENT: the source is on this side. */
static bool read_flow(struct __sk_buff *skb, struct flow *flow, bool sent)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return read_flow_v4(skb, flow, sent);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return read_flow_v6(skb, flow, sent);
	return false;
}

/* Written only when it is new: maps are dear, packets are many. */
static void learn(void *map, const void *key, __u32 number)
{
	const struct gate *gate = bpf_map_lookup_elem(&gates, &number);
	__u32 *known = bpf_map_lookup_elem(map, key), tag;

	if (!gate)
		return;
	tag = (__u32)gate->generation << GATE_TAG_SHIFT | number;
	if (!known)
		bpf_map_update_elem(map, key, &tag, BPF_ANY);
	else if (*known != tag)
		*known = tag;
}

/* Whose KEY is; NULL: it is not known, or has gone. */
static struct gate *owner_in(void *map, const void *key, __u32 *number)
{
	const __u32 *tag = bpf_map_lookup_elem(map, key);
	struct gate *gate;

	if (!tag)
		return NULL;
	*number = *tag & GATE_TAG_NUMBER;
	gate = bpf_map_lookup_elem(&gates, number);
	return gate && gate->generation == *tag >> GATE_TAG_SHIFT ? gate : NULL;
}

/* As the bridge takes it (br_allowed_ingress in net/bridge/br_vlan.c). */
static __u16 vlan_of(const struct __sk_buff *skb)
{
	__u16 tag = skb->vlan_present ? skb->vlan_tci & 0xfff : 0;

	if (!vlans.filters)
		return 0;
	return tag && skb->vlan_proto == vlans.protocol ? tag : vlans.untagged;
}

static struct gate *owner_of_station(struct __sk_buff *skb, __u32 *number)
{
	struct gate_station station = {};

	/* what is for the host itself is for somebody else only by its address, which was looked at */
	if (skb->pkt_type != PACKET_OTHERHOST ||
	    bpf_skb_load_bytes_relative(skb, 0, station.address, sizeof(station.address),
					BPF_HDR_START_MAC) < 0)
		return NULL;
	station.vlan = vlan_of(skb);
	return owner_in(&stations, &station, number);
}

/* By the connection, or else by the address, or else by that of the hardware. */
static struct gate *owner_of(struct __sk_buff *skb, const struct flow *flow, __u32 *number)
{
	struct gate *gate = owner_in(&flows, flow, number);

	if (!gate)
		gate = owner_in(&places, &flow->local, number);
	return gate ? gate : owner_of_station(skb, number);
}

SEC("tc")
int uplink_learn(struct __sk_buff *skb)
{
	__u32 number = marked(skb);
	struct flow flow = {};

	if (!read_flow(skb, &flow, true))
		return TC_ACT_UNSPEC;
	if (number)
		learn(&flows, &flow, number - 1);
	/* somebody else's now: a workspace in debt could have used all the ports there are before */
	else if (bpf_map_lookup_elem(&flows, &flow))
		bpf_map_delete_elem(&flows, &flow);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int link_learn(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex, *number = bpf_map_lookup_elem(&gate_links, &index);
	struct flow flow = {};

	/*
	 * Addresses of many are nobody's. Nor does a link tell of what came over the bridge from another one: until the
	 * bridge has learned where an address is, that goes into all of them; where it is then, the bridge tells.
	 */
	if (number && skb->pkt_type != PACKET_BROADCAST && skb->pkt_type != PACKET_MULTICAST &&
	    skb->pkt_type != PACKET_OTHERHOST && read_flow(skb, &flow, false))
		learn(&places, &flow.local, *number);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int uplink_arrives(struct __sk_buff *skb)
{
	struct flow flow = {};
	__u32 number = 0, *handle;

	if (!read_flow(skb, &flow, false) || !owner_of(skb, &flow, &number))
		return 0;
	handle = bpf_map_lookup_elem(&arrival_classes, &number);
	return handle ? *handle : 0;
}

/* What it lets pass is paid for at the link. */
SEC("tc")
int gate_uplink(struct __sk_buff *skb)
{
	struct flow flow = {};
	__u32 number = 0;
	struct gate *gate;
	__u64 now_ns;

	if (!read_flow(skb, &flow, false))
		return TC_ACT_UNSPEC;
	gate = owner_of(skb, &flow, &number);
	if (!gate || !gate->renewed_ns)
		return TC_ACT_UNSPEC;
	now_ns = bpf_ktime_get_ns();
	return !is_shut(gate, now_ns) || has_tokens(gate, now_ns, packets_of(skb), skb->len)
		       ? TC_ACT_UNSPEC
		       : TC_ACT_SHOT;
}

/* Of what arrives at the uplink: classes do not see what passes, and it is counted here. */
SEC("tc")
int uplink_hold(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex, number = 0;
	struct gate_hold *hold = bpf_map_lookup_elem(&holds, &index);
	struct flow flow = {};
	struct gate *gate;
	__u64 bytes;

	if (!hold)
		return TC_ACT_UNSPEC;
	bytes = wire_bytes(skb);
	if (!passes(hold, skb, bytes))
		return TC_ACT_UNSPEC;
	gate = read_flow(skb, &flow, false) ? owner_of(skb, &flow, &number) : NULL;
	if (gate) {
		__sync_fetch_and_add(&gate->arrived_bytes, bytes);
		__sync_fetch_and_add(&gate->arrived, packets_of(skb));
	}
	return TC_ACT_OK;
}
