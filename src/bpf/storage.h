/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who owns a block request, and who owns the writing back of a file.
 *
 * Block: the cgroup of the request's bio where the hierarchy is v2; a flush, which has no bio, and all
 * requests on v1 belong to whom the issuing context works for: the thread's account, or that of the
 * worker's item or of the inode it writes back. One that the disk's scheduler gets is noted then: whoever
 * hands it to the driver may be anybody, or an interrupt, which tells nothing about the request and on v1
 * leaves one that was not noted without an owner. What a request costs after it was issued is its
 * completion, in a hard interrupt, in a softirq, or in an interrupt from another CPU.
 *
 * dm-crypt's bios are its own, of the root's cgroup, and a thread of its own submits them: what tells whose they
 * are is the item that encrypted them, or rather who queued it.
 *
 * Writeback: on v2 the cgroup of the `wb`, which the kernel chooses by who dirties most of the inode. v1
 * knows none: the account that made the inode dirty, which is told once, when it comes to the list of
 * dirty inodes. Its error is that others who dirty the same file before it is clean pay nothing.
 */
#include "bpf/account.h"

/* dm-crypt's thread for writing (crypt_ctr() in drivers/md/dm-crypt.c) */
static __always_inline bool is_crypt_writer(const struct task_struct *task)
{
	return task->flags & PF_KTHREAD && task->comm[0] == 'd' && task->comm[1] == 'm' &&
	       task->comm[2] == 'c' && task->comm[3] == 'r' && task->comm[4] == 'y' &&
	       task->comm[5] == 'p' && task->comm[6] == 't' && task->comm[7] == '_';
}

/*
 * Where struct dm_crypt_io, the private part of such a bio, has its item. The types of a module are not at hand
 * before it is loaded; where the item should be elsewhere, nothing is noted under that address.
 */
#define CRYPT_IO_WORK 32

/* Who queued the item that encrypted the bio: the note stays, taken, until the same address is queued again. */
static __noinline __u32 crypt_slot(struct bio *bio, struct wire_cpu *c)
{
	struct owner_note *note;
	__u64 address;

	if (!bio || !c || !is_crypt_writer(bpf_get_current_task_btf()))
		return WIRE_SLOT_UNATTRIBUTED;
	address = (__u64)bio->bi_private + CRYPT_IO_WORK;
	note = bpf_map_lookup_elem(&works, &address);
	if (!note)
		return WIRE_SLOT_UNATTRIBUTED;
	cursor_count(c, WIRE_RULE_CRYPT);
	return account_resolve(note->slot, note->id, WIRE_SLOT_HOST);
}

/* Whose request it is, as the scheduler gets it or, where there is none, the driver. */
static __always_inline __u32 request_slot(struct request *request, struct wire_cpu *c)
{
	struct wire_frame *f = &c->frame[WIRE_TASK];
	struct bio *bio = request->bio;
	struct blkcg_gq *group;
	__u32 slot = crypt_slot(bio, c);

	if (slot != WIRE_SLOT_UNATTRIBUTED) {
		/* and until it sleeps the thread works for it */
		if (cursor_level(c) == WIRE_TASK)
			cursor_repoint(c, WIRE_TASK, slot, WIRE_WORK);
		return slot;
	}
	if (cfg_unified && bio) {
		group = bio->bi_blkg;
		if (group)
			return account_find(group->blkcg->css.cgroup, c);
	}
	if (cursor_level(c) != WIRE_TASK || f->kind == WIRE_IDLE)
		return WIRE_SLOT_UNATTRIBUTED;
	return f->slot;
}

/* Returns whether that could be told. */
static __always_inline bool request_note(struct request *request, struct wire_cpu *c)
{
	__u64 address = (__u64)request;
	__u32 slot = request_slot(request, c);

	if (slot == WIRE_SLOT_UNATTRIBUTED) {
		note_drop(&requests, &address);
		return false;
	}
	note_put(&requests, &address, slot, WIRE_BLOCK);
	return true;
}

SEC("tp_btf/block_rq_insert")
int BPF_PROG(block_rq_insert, struct request *request)
{
	struct wire_cpu *c = cpu_this();

	if (c)
		request_note(request, c);
	return 0;
}

/* Its bios are another request's now, and it is never issued (attempt_merge() in block/blk-merge.c). */
SEC("tp_btf/block_rq_merge")
int BPF_PROG(block_rq_merge, struct request *request)
{
	__u64 address = (__u64)request;

	note_drop(&requests, &address);
	return 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(block_rq_issue, struct request *request)
{
	struct wire_cpu *c = cpu_this();
	__u64 address = (__u64)request;
	struct owner_note *note = bpf_map_lookup_elem(&requests, &address);

	/* else noted when the scheduler got it, or issued once before, and requeued */
	if (c && (!note || note->kind == NOTE_TAKEN) && !request_note(request, c))
		cursor_count(c, WIRE_FALLBACK_ISSUE);
	return 0;
}

/*
 * A completion without a note after one with an owner, in the same interrupt, is a sequel of it: the
 * requests that waited for a flush, which were never issued themselves, or the rest of a request.
 */
SEC("tp_btf/block_rq_complete")
int BPF_PROG(block_rq_complete, struct request *request)
{
	struct wire_cpu *c = cpu_this();
	__u64 address = (__u64)request;
	__u32 slot = WIRE_SLOT_UNATTRIBUTED;
	struct wire_totals *totals;
	struct wire_frame *f;

	if (!c)
		return 0;
	if (c->frame[WIRE_HARD].active)
		f = &c->frame[WIRE_HARD];
	else if (c->frame[WIRE_SOFT].active)
		f = &c->frame[WIRE_SOFT];
	else {
		/* in a thread, which pays itself; whoever counts what is under way must not find it for ever */
		note_drop(&requests, &address);
		return 0;
	}
	if (!note_take(&requests, &address, WIRE_SLOT_UNATTRIBUTED, &slot) && f->kind == WIRE_BLOCK)
		slot = f->slot;
	cursor_count(c, slot == WIRE_SLOT_UNATTRIBUTED ? WIRE_FALLBACK_BLOCK : WIRE_RULE_BLOCK);
	totals = cursor_totals(c, slot);
	if (totals)
		__sync_fetch_and_add(&totals->requests, 1);
	if (c->frame[WIRE_HARD].active)
		cursor_adopt(c, WIRE_HARD, slot, WIRE_BLOCK);
	else if (c->frame[WIRE_SOFT].kind == WIRE_BLOCK)
		cursor_adopt(c, WIRE_SOFT, slot, WIRE_BLOCK);
	return 0;
}

/* ---- writeback ---- */

/* A kernel thread that writes back works for SLOT from here on, and goes on so when it comes back. */
static __always_inline void writeback_for(struct wire_cpu *c, __u32 slot)
{
	__u32 pid = bpf_get_current_pid_tgid();
	struct owner_note *note = bpf_map_lookup_elem(&workers, &pid);

	/* a thread of a container that writes back itself (sync, fsync) does so in its own time */
	if (!note || note->kind == NOTE_TAKEN)
		return;
	note_owner(note, slot, WIRE_WRITEBACK);
	cursor_repoint(c, WIRE_TASK, slot, WIRE_WRITEBACK);
}

/* v1: told once per inode, when it was clean until now. */
SEC("tp_btf/writeback_dirty_inode_enqueue")
int BPF_PROG(writeback_dirty_inode_enqueue, struct inode *inode)
{
	struct wire_cpu *c = cpu_this();
	__u64 address = (__u64)inode;

	if (!c || cursor_level(c) != WIRE_TASK || c->frame[WIRE_TASK].kind == WIRE_IDLE)
		return 0;
	note_put(&inodes, &address, c->frame[WIRE_TASK].slot, WIRE_WRITEBACK);
	return 0;
}

/* The flusher begins a round: on v1 for whoever woke it, until it comes to an inode. */
SEC("tp_btf/writeback_start")
int BPF_PROG(writeback_start, struct bdi_writeback *wb)
{
	struct wire_cpu *c = cpu_this();

	if (!c || cursor_level(c) != WIRE_TASK)
		return 0;
	if (cfg_unified && wb->memcg_css) {
		writeback_for(c, account_find(wb->memcg_css->cgroup, c));
		cursor_count(c, WIRE_RULE_WRITEBACK);
	} else {
		writeback_for(c, c->frame[WIRE_TASK].slot);
	}
	return 0;
}

SEC("tp_btf/writeback_single_inode_start")
int BPF_PROG(writeback_single_inode_start, struct inode *inode, struct writeback_control *wbc)
{
	struct wire_cpu *c = cpu_this();
	__u64 address = (__u64)inode;
	struct owner_note *note;
	__u32 slot = WIRE_SLOT_HOST;

	if (!c || cursor_level(c) != WIRE_TASK)
		return 0;
	if (cfg_unified)
		return 0;
	note = bpf_map_lookup_elem(&inodes, &address);
	if (note)
		slot = account_resolve(note->slot, note->id, slot);
	cursor_count(c, note ? WIRE_RULE_WRITEBACK : WIRE_FALLBACK_WRITEBACK);
	writeback_for(c, slot);
	return 0;
}
