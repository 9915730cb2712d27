/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Accounts: from a cgroup to a slot, and what happens when a cgroup is removed.
 *
 * A cgroup gets a slot the first time one of its threads runs; the root's is WIRE_SLOT_HOST. When
 * it is removed its id leaves the table at once, so that nobody can come to the slot again, but
 * CPUs may still stand on it: the slot rests for CLOSED_REST_NS, then its totals are added to the
 * parent's (to the row that is no CPU's, where additions are atomic) and it can be used for
 * another cgroup. Slots rest in the order of removal, so a child is added before its parent goes.
 * Ids of cgroups are kernfs ids, 32 bits of which are a generation: they do not come again.
 *
 * Whoever notes a slot for longer than it rests keeps the cgroup's id beside it and compares.
 */
#include "bpf/cursor.h"

#define CLOSED_REST_NS 1000000000ull
#define CGROUP_DEPTH_MAX 24
#define CLOSE_BATCH 128
/* a reader has to read again when a fold came in between: they are done together, now and then */
#define FOLD_EVERY_NS 50000000ull

/* The cgroup of a task in the hierarchy that is accounted. */
static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
	if (cfg_unified)
		return task->cgroups->dfl_cgrp;
	if (cfg_cpu_index == 0)
		return task->cgroups->subsys[0]->cgroup;
	return task->cgroups->subsys[1]->cgroup;
}

static __always_inline bool cgroup_is_online(struct cgroup *cgroup)
{
	return cgroup->self.flags & CSS_ONLINE;
}

static __always_inline __u64 cgroup_parent_id(struct cgroup *cgroup)
{
	struct cgroup *parent = cgroup->self.parent->cgroup;

	return parent->level > 0 ? parent->kn->id : 0;
}

/* Takes a slot for a cgroup that has none. Returns 0 or what the caller should count. */
static __always_inline int account_open(struct cgroup *cgroup, __u64 id, __u32 *out)
{
	struct wire_slot_info *info;
	__u32 slot, *found;

	if (bpf_map_pop_elem(&free_slots, &slot)) {
		slot = __sync_fetch_and_add(&book.next_slot, 1);
		if (slot >= cfg_slots) {
			__sync_fetch_and_add(&book.next_slot, -1);
			return WIRE_FALLBACK_FULL;
		}
	}
	info = slot_info(slot);
	if (!info)
		return WIRE_FALLBACK_FULL;
	info->id = id;
	info->parent_id = cgroup_parent_id(cgroup);
	info->level = cgroup->level;
	info->opened_ns = bpf_ktime_get_ns();
	info->closed_ns = 0;
	info->parent_slot = WIRE_SLOT_HOST;
	info->state = WIRE_OPEN;
	if (bpf_map_update_elem(&accounts, &id, &slot, BPF_NOEXIST) == 0) {
		*out = slot;
		return 0;
	}
	/* another CPU was first */
	info->id = 0;
	info->state = WIRE_FREE;
	bpf_map_push_elem(&free_slots, &slot, BPF_ANY);
	found = bpf_map_lookup_elem(&accounts, &id);
	if (!found)
		return WIRE_FALLBACK_FULL;
	*out = *found;
	return 0;
}

/*
 * The slot of a cgroup, opened if need be. A cgroup that is removed already, or that finds the table
 * full, is answered with the nearest ancestor's.
 */
static __noinline __u32 account_find(struct cgroup *cgroup, struct wire_cpu *c)
{
	__u32 slot;

	for (int i = 0; i < CGROUP_DEPTH_MAX; i++) {
		__u32 *found;
		__u64 id;
		int counter;

		if (!cgroup || cgroup->level <= 0)
			return WIRE_SLOT_HOST;
		id = cgroup->kn->id;
		found = bpf_map_lookup_elem(&accounts, &id);
		if (found)
			return *found;
		counter = WIRE_FALLBACK_DEAD;
		if (cgroup_is_online(cgroup)) {
			counter = account_open(cgroup, id, &slot);
			if (counter == 0)
				return slot;
		}
		if (c && counter < WIRE_COUNTERS)
			c->counters[counter]++;
		cgroup = cgroup->self.parent->cgroup;
	}
	return WIRE_SLOT_HOST;
}

/* As account_find, remembered per CPU; only for the context switch, which nothing interrupts. */
static __always_inline __u32 account_find_cached(struct cgroup *cgroup, struct wire_cpu *c)
{
	struct wire_cgroup_hit *hit;
	__u32 epoch = *(volatile __u32 *)&book.epoch;
	__u64 address;

	*(volatile __u64 *)&c->cgroup_address = (__u64)cgroup;
	address = *(volatile __u64 *)&c->cgroup_address;
	hit = &c->cgroups[cache_index(address)];
	if (hit->cgroup == address && hit->epoch == epoch)
		return hit->slot;
	hit->slot = account_find(cgroup, c);
	hit->epoch = epoch;
	hit->cgroup = address;
	return hit->slot;
}

/* Whether a slot is still the open account of the cgroup that ID names (0: the host). */
static __always_inline bool account_is(__u32 slot, __u64 id)
{
	struct wire_slot_info *info;

	if (slot == WIRE_SLOT_HOST)
		return true;
	info = slot_info(slot);
	return info && info->id == id && info->state == WIRE_OPEN;
}

/* Where to post for a noted owner now: its slot, its parent's after it closed, or FALLBACK. */
static __always_inline __u32 account_resolve(__u32 slot, __u64 id, __u32 fallback)
{
	struct wire_slot_info *info;

	if (slot == WIRE_SLOT_HOST)
		return slot;
	info = slot_info(slot);
	if (!info || info->id != id)
		return fallback;
	return info->state == WIRE_OPEN ? slot : info->parent_slot;
}

/* Notes an owner so that account_resolve finds it again. */
static __always_inline void note_owner(struct owner_note *note, __u32 slot, __u32 kind)
{
	struct wire_slot_info *info = slot_info(slot);

	note->slot = slot;
	note->id = info ? info->id : 0;
	note->kind = kind;
}

/* Notes an owner in a table, where there may be a note under that key already. */
static __always_inline void note_put(void *table, const void *key, __u32 slot, __u32 kind)
{
	struct owner_note *there = bpf_map_lookup_elem(table, key), note;

	if (there) {
		note_owner(there, slot, kind);
		return;
	}
	note_owner(&note, slot, kind);
	bpf_map_update_elem(table, key, &note, BPF_ANY);
}

/* Where to post for what is noted under a key, once. Returns whether something is; FALLBACK is for an account that is gone. */
static __always_inline bool note_take(void *table, const void *key, __u32 fallback, __u32 *slot)
{
	struct owner_note *note = bpf_map_lookup_elem(table, key);

	if (!note || note->kind == NOTE_TAKEN)
		return false;
	*slot = account_resolve(note->slot, note->id, fallback);
	note->kind = NOTE_TAKEN;
	return true;
}

/* What is noted under a key is not so any more. */
static __always_inline void note_drop(void *table, const void *key)
{
	struct owner_note *note = bpf_map_lookup_elem(table, key);

	if (!note)
		return;
	note->kind = NOTE_TAKEN;
	note->slot = WIRE_SLOT_HOST;
}

struct fold {
	__u32 from;
	__u32 to;
};

/* Adds one row of a closed slot to its parent's last row and clears it. */
static long fold_row(__u32 row, struct fold *fold)
{
	__u32 from_row = fold->from * (cfg_cpus + 1) + row;
	__u32 to_row = fold->to * (cfg_cpus + 1) + cfg_cpus;
	__u64 *from = bpf_map_lookup_elem(&totals, &from_row);
	__u64 *to = bpf_map_lookup_elem(&totals, &to_row);

	if (!from || !to)
		return 1;
	for (unsigned int i = 0; i < sizeof(struct wire_totals) / sizeof(__u64); i++) {
		__u64 value = from[i];

		if (!value)
			continue;
		__sync_fetch_and_add(&to[i], value);
		from[i] = 0;
	}
	return 0;
}

/*
 * The namespaces of a closed account are its heir's until somebody else claims them: a mount, a socket or an
 * engine can keep one alive. They are remembered where the oldest give way: not every kernel tells when a
 * namespace goes.
 */
static long netns_inherit(struct bpf_map *map, const __u64 *cookie, const struct wire_netns *held,
			  void *unused)
{
	const struct wire_slot_info *info = slot_info(held->slot);
	struct owner_note heir;

	if (!info || info->id != held->owner_id || info->state != WIRE_CLOSED)
		return 0;
	note_owner(&heir, info->parent_slot, WIRE_NET_RX);
	bpf_map_update_elem(&netns_heirs, cookie, &heir, BPF_ANY);
	bpf_map_delete_elem(map, cookie);
	return 0;
}

/* Whether the slot that closed first has rested. */
static __always_inline bool account_has_rested(__u64 now)
{
	struct wire_slot_info *info;
	__u32 slot;

	if (bpf_map_peek_elem(&closed_slots, &slot))
		return false;
	info = slot_info(slot);
	return info && now - info->closed_ns >= CLOSED_REST_NS;
}

/* Gives back the slot that closed first; 1 when it has not rested yet, or there is none. */
static long fold_first(__u32 unused, const __u64 *now)
{
	struct wire_slot_info *info;
	struct fold fold;
	__u32 slot;

	if (!account_has_rested(*now) || bpf_map_pop_elem(&closed_slots, &slot))
		return 1;
	info = slot_info(slot);
	if (!info)
		return 1;
	fold.from = slot;
	fold.to = info->parent_slot;
	__sync_fetch_and_add(&book.fold_begun, 1);
	bpf_loop(cfg_cpus + 1, fold_row, &fold, 0);
	info->state = WIRE_FREE;
	info->id = 0;
	__sync_fetch_and_add(&book.fold_ended, 1);
	bpf_map_push_elem(&free_slots, &slot, BPF_ANY);
	return 0;
}

/* Gives back slots that have rested. One CPU at a time. */
static __noinline int accounts_fold(void)
{
	__u64 now = bpf_ktime_get_ns();

	if (now - *(volatile __u64 *)&book.folded_ns < FOLD_EVERY_NS ||
	    __sync_val_compare_and_swap(&book.closing, 0, 1) != 0)
		return 0;
	book.folded_ns = now;
	if (account_has_rested(now)) {
		bpf_for_each_map_elem(&netns, netns_inherit, NULL, 0)
			;
		bpf_loop(CLOSE_BATCH, fold_first, &now, 0);
	}
	book.closing = 0;
	return 0;
}

/* A cgroup was removed: its account closes. */
static __always_inline void account_close(struct cgroup *cgroup, struct wire_cpu *c)
{
	__u64 id = cgroup->kn->id;
	struct wire_slot_info *info;
	__u32 *found, slot;

	found = bpf_map_lookup_elem(&accounts, &id);
	if (!found)
		return;
	slot = *found;
	info = slot_info(slot);
	if (!info)
		return;
	info->parent_slot = account_find(cgroup->self.parent->cgroup, c);
	info->closed_ns = bpf_ktime_get_ns();
	info->state = WIRE_CLOSED;
	bpf_map_delete_elem(&accounts, &id);
	owners_changed();
	bpf_map_push_elem(&closed_slots, &slot, BPF_ANY);
	if (c)
		cursor_count(c, WIRE_ACCOUNTS_CLOSED);
}
