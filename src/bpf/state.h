/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The maps and settings of the kernel side. Maps are arrays that can be mapped into a reader, which
 * then reads without system calls and without disturbing a CPU; hash tables find a row in them.
 */
#include "bpf/wire.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define ACCOUNTS_MAX 4096
#define NETNS_MAX 4096
#define REQUESTS_MAX 8192
#define WORKS_MAX 4096
#define POLLERS_MAX 1024
#define SOCKS_MAX 16384
#define LISTENERS_MAX 4096
#define INODES_MAX 16384

/* Settings, fixed when the programs are loaded. */
const volatile __u32 cfg_cpus = 1;	/* possible CPUs */
const volatile __u32 cfg_slots = 64;	/* rows of the table of accounts */
const volatile bool cfg_unified = true; /* accounts are cgroups of v2 */
const volatile __u32 cfg_cpu_index = 0; /* of the v1 controller in css_set.subsys: 0 or 1 */
const volatile __s32 cfg_hierarchy = 0; /* hierarchy_id of the accounted hierarchy */

const volatile bool cfg_tick_is_irq = false; /* no irq_vectors tracepoints */

struct wire_book book SEC(".data.book");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs */
	__type(key, __u32);
	__type(value, struct wire_cpu);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* slots * (cpus + 1) */
	__type(key, __u32);
	__type(value, struct wire_totals);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* slots */
	__type(key, __u32);
	__type(value, struct wire_slot_info);
} slots SEC(".maps");

/* cgroup id -> slot */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ACCOUNTS_MAX);
	__type(key, __u64);
	__type(value, __u32);
} accounts SEC(".maps");

/* Slots to use again, and slots of removed cgroups whose totals are still their own. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, ACCOUNTS_MAX);
	__uint(key_size, 0);
	__uint(value_size, sizeof(__u32));
} free_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, ACCOUNTS_MAX);
	__uint(key_size, 0);
	__uint(value_size, sizeof(__u32));
} closed_slots SEC(".maps");

/* cookie of a network namespace -> its account */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NETNS_MAX);
	__type(key, __u64);
	__type(value, struct wire_netns);
} netns SEC(".maps");

/* cookies of network namespaces that outlive the account they belonged to -> who has its total */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NETNS_MAX);
	__type(key, __u64);
	__type(value, struct owner_note);
} netns_heirs SEC(".maps");

/* cookies of network namespaces that tasks of the root cgroup use: the host's */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NETNS_MAX);
	__type(key, __u64);
	__type(value, __u32);
} netns_of_host SEC(".maps");

/* address of a block request -> whose it is, from when the disk's scheduler has it, or the driver */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REQUESTS_MAX);
	__type(key, __u64);
	__type(value, struct owner_note);
} requests SEC(".maps");

/* address of what was put off (work item, timer of delayed work) -> who did, see bpf/work.h */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, WORKS_MAX);
	__type(key, __u64);
	__type(value, struct owner_note);
} works SEC(".maps");

/* pid of a kworker -> whom it is working for */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, WORKS_MAX);
	__type(key, __u32);
	__type(value, struct owner_note);
} workers SEC(".maps");

/* pid of a thread that polls a device -> whom it worked for last */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, POLLERS_MAX);
	__type(key, __u32);
	__type(value, struct owner_note);
} pollers SEC(".maps");

/* v1, host's network: a socket or a port that is listened at -> its owner, see bpf/sock.h */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOCKS_MAX);
	__type(key, __u64);
	__type(value, struct owner_note);
} socks SEC(".maps");

/* v1, host's network: a socket that listens -> the key of its port in `socks` */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LISTENERS_MAX);
	__type(key, __u64);
	__type(value, __u64);
} listeners SEC(".maps");

/* v1: address of a dirty inode -> who dirtied it */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, INODES_MAX);
	__type(key, __u64);
	__type(value, struct owner_note);
} inodes SEC(".maps");

/* cgroup id -> the kernel's own usage figure when the ledger was switched on; for readers */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * ACCOUNTS_MAX);
	__type(key, __u64);
	__type(value, __u64);
} baseline SEC(".maps");

static __always_inline __u64 cursor_now(const struct wire_cpu *c)
{
	return bpf_ktime_get_ns();
}

static __always_inline struct wire_totals *cursor_totals(const struct wire_cpu *c, __u32 slot)
{
	__u32 row = slot * (cfg_cpus + 1) + c->number;

	return bpf_map_lookup_elem(&totals, &row);
}

/* The cursor of this CPU, accounted or not. */
static __always_inline struct wire_cpu *cpu_any(void)
{
	__u32 number = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpus, &number);
}

/* The cursor of this CPU, NULL if it is not accounted. */
static __always_inline struct wire_cpu *cpu_this(void)
{
	struct wire_cpu *c = cpu_any();

	return c && c->started_ns ? c : NULL;
}

static __always_inline struct wire_slot_info *slot_info(__u32 slot)
{
	return bpf_map_lookup_elem(&slots, &slot);
}

/*
 * Both caches have 16 places, and that of devices two rows in each; objects of a slab differ in the middle bits
 * of their addresses.
 */
static __always_inline __u32 cache_index(__u64 address)
{
	_Static_assert(WIRE_CGROUP_CACHE == 16 && WIRE_DEVICE_CACHE == 32, "four bits");
	return (address * 0x9e3779b97f4a7c15ull) >> 60;
}

/* What was found out about owners and remembered per CPU is to be found out again. */
static __always_inline void owners_changed(void)
{
	__sync_fetch_and_add(&book.epoch, 1);
}
