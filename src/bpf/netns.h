/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who owns packets: from a network namespace to an account, and from a device to a network
 * namespace.
 *
 * A namespace belongs to the account whose tasks run programs in it. Others come there too: the
 * engine that prepares it, a plugin that sets addresses, an operator with nsenter. So a claim has a
 * rank, and the better one wins:
 *
 *	0	a task of the root cgroup (kept in a table of its own: any other claim wins)
 *	1	a task of another cgroup
 *	+1	that has a mount namespace of its own
 *	+2	that is in a pid namespace of its own
 *
 * Claims of that rank are made when a program is started in a namespace, and when a task moves to a cgroup. A
 * task that has entered or made a namespace may be no more than the runtime's, which is in the namespaces of a
 * container already, but in the cgroup of the engine's monitor still: until then, and for the tick, which
 * finds tasks in namespaces that nobody has claimed, the rank is 1. Among equals the first keeps it, unless
 * its account has closed: in a pod that is the container that holds the namespace. One that outlives its
 * account (a mount or a socket keeps it) is the heir's, as the account's total is, until another claims
 * it. A reader of /proc may decide better and writes its decision with
 * NETNS_RANK_DECIDED.
 */
#include "bpf/account.h"

#define NETNS_RANK_DECIDED 16
#define LOOPBACK_IFINDEX 1

/* flags of a cached device */
#define DEVICE_ALONE 1 /* its packets come singly from a queue: no driver, no GRO before them */
#define DEVICE_UPPER 2 /* stands on other devices and sees their packets again */
#define DEVICE_VETH 4  /* the host's end of a container's pair */

static __always_inline __u32 claim_rank(struct task_struct *task)
{
	__u32 rank = 1;

	if (task->nsproxy->mnt_ns->ns.inum != book.host_mntns)
		rank += 1;
	if (task->thread_pid->level > 0)
		rank += 2;
	return rank;
}

/* TASK, which is in CGROUP, uses NET. RUNS: and a program is started there, or the cgroup is where it is to stay. */
static __noinline int netns_claim(struct net *net, struct cgroup *cgroup, struct task_struct *task,
				  bool runs)
{
	struct wire_cpu *c = cpu_any();
	struct wire_netns claim = {}, *held;
	struct wire_slot_info *info;
	__u64 cookie;

	if (!net || !cgroup || !task || !c || net->ns.inum == book.host_netns)
		return 0;
	cookie = net->net_cookie;
	claim.slot = account_find(cgroup, c);
	if (claim.slot == WIRE_SLOT_HOST) {
		bpf_map_update_elem(&netns_of_host, &cookie, &claim.slot, BPF_ANY);
		return 0;
	}
	info = slot_info(claim.slot);
	if (!info)
		return 0;
	claim.owner_id = info->id;
	claim.inum = net->ns.inum;
	claim.rank = runs ? claim_rank(task) : 1;
	held = bpf_map_lookup_elem(&netns, &cookie);
	if (held) {
		if (held->slot == claim.slot && held->owner_id == claim.owner_id) {
			if (claim.rank > held->rank)
				held->rank = claim.rank;
			return 0;
		}
		if (account_is(held->slot, held->owner_id) && claim.rank <= held->rank) {
			held->claims++;
			cursor_count(c, WIRE_NETNS_SHARED);
			return 0;
		}
	}
	if (bpf_map_update_elem(&netns, &cookie, &claim, BPF_ANY))
		cursor_count(c, WIRE_FALLBACK_NETNS_FULL);
	owners_changed();
	return 0;
}

static __always_inline __u32 netns_slot(__u64 cookie)
{
	struct wire_netns *held = bpf_map_lookup_elem(&netns, &cookie);

	if (!held) {
		struct owner_note *heir = bpf_map_lookup_elem(&netns_heirs, &cookie);

		if (heir)
			return account_resolve(heir->slot, heir->id, WIRE_SLOT_UNATTRIBUTED);
		return bpf_map_lookup_elem(&netns_of_host, &cookie) ? WIRE_SLOT_HOST
								    : WIRE_SLOT_UNATTRIBUTED;
	}
	return account_resolve(held->slot, held->owner_id, WIRE_SLOT_UNATTRIBUTED);
}

/* The device's private part: a member since 6.10, behind the aligned struct before. */
static __always_inline const void *device_private(const struct net_device *device)
{
	__u64 offset;

	if (bpf_core_field_exists(((struct net_device___priv *)0)->priv))
		offset = bpf_core_field_offset(((struct net_device___priv *)0)->priv);
	else
		offset = (bpf_core_type_size(struct net_device) + 31) & ~31ull;
	return (const void *)device + offset;
}

/* Notes the host's end of a pair that leads into a namespace, for people to see. */
static __always_inline void netns_note_link(__u64 cookie, __u32 ifindex)
{
	struct wire_netns *held = bpf_map_lookup_elem(&netns, &cookie);

	if (!held)
		return;
#pragma unroll
	for (int i = 0; i < WIRE_LINKS; i++) {
		if (held->links[i] == ifindex)
			return;
		if (!held->links[i]) {
			held->links[i] = ifindex;
			return;
		}
	}
}

/* drivers/net/veth.c: the peer is the first member of struct veth_priv */
static __always_inline struct net_device *veth_peer(const struct net_device *device)
{
	struct net_device *peer = NULL;

	bpf_probe_read_kernel(&peer, sizeof(peer), device_private(device));
	return peer;
}

/* The account at the other end of a veth pair whose one end is the host's. */
static __always_inline __u32 veth_slot(const struct net_device *device)
{
	struct net_device *peer = veth_peer(device);
	struct net *net;
	__u64 cookie;

	if (!peer)
		return WIRE_SLOT_PACKET;
	net = BPF_CORE_READ(peer, nd_net.net);
	if (!net || BPF_CORE_READ(net, ns.inum) == book.host_netns)
		return WIRE_SLOT_PACKET;
	cookie = BPF_CORE_READ(net, net_cookie);
	netns_note_link(cookie, (__u32)device->ifindex);
	return netns_slot(cookie);
}

/* The same pair seen from the container's end. */
static __always_inline void veth_note_peer(const struct net_device *device, __u64 cookie)
{
	struct net_device *peer = veth_peer(device);

	if (peer && BPF_CORE_READ(peer, nd_net.net, ns.inum) == book.host_netns)
		netns_note_link(cookie, (__u32)BPF_CORE_READ(peer, ifindex));
}

static __noinline int device_find(const struct net_device *device, struct wire_device_hit *hit)
{
	struct net *net;
	char kind[8] = "";

	if (!device || !hit)
		return 0;
	net = device->nd_net.net;
	hit->flags = 0;
	hit->slot = WIRE_SLOT_PACKET;
	hit->counter = WIRE_RULE_HOST_PACKET;
	if (device->rtnl_link_ops)
		bpf_probe_read_kernel_str(kind, sizeof(kind), device->rtnl_link_ops->kind);
	if (device->ifindex == LOOPBACK_IFINDEX)
		hit->flags |= DEVICE_ALONE;
	if (kind[0] == 'v' && kind[1] == 'e' && kind[2] == 't' && kind[3] == 'h' && !kind[4]) {
		hit->flags |= DEVICE_ALONE;
		if (net->ns.inum != book.host_netns) {
			veth_note_peer(device, net->net_cookie);
		} else {
			hit->slot = veth_slot(device);
			if (hit->slot != WIRE_SLOT_PACKET)
				hit->flags |= DEVICE_VETH;
			hit->counter = WIRE_RULE_VETH_FROM;
		}
	} else if (kind[0]) {
		hit->flags |= DEVICE_UPPER;
	}
	if (net->ns.inum != book.host_netns) {
		hit->slot = netns_slot(net->net_cookie);
		hit->counter = WIRE_RULE_NETNS;
	}
	if (hit->slot == WIRE_SLOT_UNATTRIBUTED)
		hit->counter = WIRE_FALLBACK_NETNS;
	return 0;
}

static __always_inline bool device_hit_is(const struct wire_device_hit *hit, __u64 address,
					  __u32 epoch, const struct net_device *device)
{
	return hit->device == address && hit->epoch == epoch &&
	       hit->ifindex == (__u32)device->ifindex;
}

/*
 * Finds the owner and remembers it in the first of two places; what was there moves to the second. So two
 * devices that a packet passes do not put each other out, whatever their addresses.
 */
static __noinline int device_learn(const struct net_device *device, struct wire_device_hit *hit,
				   __u64 address, __u32 epoch)
{
	if (!device || !hit)
		return 0;
	hit[1] = hit[0];
	device_find(device, hit);
	hit->ifindex = (__u32)device->ifindex;
	hit->epoch = epoch;
	hit->device = address;
	return 0;
}

/* Who owns what a device receives; remembered per CPU. On the softirq level only. */
static __always_inline struct wire_device_hit *device_owner(const struct net_device *device,
							    struct wire_cpu *c)
{
	struct wire_device_hit *hit;
	__u32 epoch = *(volatile __u32 *)&book.epoch;
	__u64 address;

	*(volatile __u64 *)&c->device_address = (__u64)device;
	address = *(volatile __u64 *)&c->device_address;
	hit = &c->devices[2 * cache_index(address)];
	if (device_hit_is(hit, address, epoch, device))
		return hit;
	if (device_hit_is(hit + 1, address, epoch, device))
		return hit + 1;
	device_learn(device, hit, address, epoch);
	return hit;
}

/*
 * The container whose end of a pair has the number INDEX in the host's namespace, if this CPU has received from
 * it lately; WIRE_SLOT_PACKET if not.
 */
static __noinline __u32 device_slot_by_index(const struct wire_cpu *c, __u32 index)
{
	__u32 epoch = *(volatile __u32 *)&book.epoch;

	if (!c || !index)
		return WIRE_SLOT_PACKET;
	for (int i = 0; i < WIRE_DEVICE_CACHE; i++) {
		const struct wire_device_hit *hit = &c->devices[i];

		if (hit->ifindex == index && hit->epoch == epoch && hit->flags & DEVICE_VETH)
			return hit->slot;
	}
	return WIRE_SLOT_PACKET;
}
