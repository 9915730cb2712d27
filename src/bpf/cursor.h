/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The cursor of one CPU: theory of operation.
 *
 * A CPU is in one of three contexts: a task, a softirq that interrupted it, a hard interrupt that
 * interrupted either. Each context, here called level, has a clock of its own that stands still
 * while a higher level runs:
 *
 *	hard	now
 *	soft	now - hard_ns
 *	task	now - hard_ns - soft_ns
 *
 * where hard_ns and soft_ns are what activations of those levels took in all, added when one ends.
 * Each level has a frame {since, slot, kind}: the time since `since`, on the level's clock, belongs to
 * account `slot` and is posted there at the next boundary. Since a level's clock runs exactly while
 * no other level's does, and posting moves `since` by what it posts, every nanosecond of the CPU
 * is posted once:
 *
 *	sum of posted + sum of open intervals = now - started
 *
 * That holds without locks and atomic operations although an interrupt can come in the middle of a
 * boundary. What a level writes (its frame, its fields of the totals, its own clock's sum) no other
 * level writes. What a lower level reads of a higher one is a sum that only grows; if an interrupt
 * comes between reading `now` and reading the sum, one posting is short by the interrupt's length
 * and the next is long by it, because postings telescope: each adds t - since and sets since = t.
 * Differences may be negative for a moment; the sums are unsigned and wrap the right way.
 *
 * In the softirqs that handle packets, an interval can have an owner that is known only later:
 *
 *	WIRE_SLOT_POLL		before a poll's first packet (driver, GRO). Waits in poll_ns, and is
 *				split over the owners of the poll's packets, by segments, at its end.
 *	WIRE_SLOT_PACKET	a packet that nobody owns yet, which is to say one that the host's own
 *				device received. Waits in packet_ns until an owner is told
 *				(cursor_packet_settle) or the packet is done. Then it is the host's, and
 *				noted in a ring: if it turns up in a container's namespace soon, what
 *				it cost moves there (cursor_packet_handed), and so does its part of the
 *				poll. That needs no hook on transmission, which all packets would pay.
 *
 * The file is compiled into the kernel-side programs, into the reader (which finishes a copy of a
 * cursor to see its open intervals) and into tests, which drive it with random events. The includer
 * defines, before including:
 *
 *	cursor_now(cpu)			the clock in nanoseconds
 *	cursor_totals(cpu, slot)	this CPU's row of that account, or NULL
 *
 * A function reads the clock only if it has to post.
 */
#include "bpf/wire.h"

#include <stdbool.h>

#define CURSOR_FUNCTION static inline __attribute__((always_inline, unused))
/* what is rare or large is a function of its own in the kernel too */
#define CURSOR_CALL static __attribute__((noinline, unused))
#define CURSOR_BARRIER() __asm__ volatile("" ::: "memory")
/* the verifier follows one register; the compiler would test one copy and use another */
#define CURSOR_OPAQUE(value) __asm__ volatile("" : "+r"(value))

CURSOR_FUNCTION void cursor_count(struct wire_cpu *c, enum wire_counter counter)
{
	c->counters[counter]++;
}

/*
 * A boundary, which LEVEL is in. A reader on another CPU sees from begun, ended and moving that its copy is torn:
 * from the first two that something has moved, and from the last that something is half done. That takes more
 * than begun being ahead of ended, as an interrupt can come in the middle of a boundary, and ends one of its own.
 */
CURSOR_FUNCTION void cursor_begin(struct wire_cpu *c, enum wire_level level)
{
	*(volatile __u8 *)&c->moving[level] = 1;
	CURSOR_BARRIER();
	*(volatile __u64 *)&c->begun = c->begun + 1;
	CURSOR_BARRIER();
}

CURSOR_FUNCTION void cursor_end(struct wire_cpu *c, enum wire_level level)
{
	CURSOR_BARRIER();
	*(volatile __u64 *)&c->ended = c->begun;
	CURSOR_BARRIER();
	*(volatile __u8 *)&c->moving[level] = 0;
}

CURSOR_FUNCTION __u64 cursor_clock(const struct wire_cpu *c, enum wire_level level, __u64 now)
{
	if (level == WIRE_HARD)
		return now;
	if (level == WIRE_SOFT)
		return now - c->hard_ns;
	return now - c->hard_ns - c->soft_ns;
}

/* The highest level that is active. */
CURSOR_FUNCTION enum wire_level cursor_level(const struct wire_cpu *c)
{
	if (c->frame[WIRE_HARD].active)
		return WIRE_HARD;
	if (c->frame[WIRE_SOFT].active)
		return WIRE_SOFT;
	return WIRE_TASK;
}

/* A level and a kind in one word: a function of the kernel side takes five arguments. */
#define CURSOR_PLACE(level, kind) ((__u32)(level) << 16 | (kind))

/*
 * Adds to an account, with the PACKETS that it was for (evidence), and to what was imposed on who was
 * interrupted for it.
 */
CURSOR_CALL int cursor_book_packets(struct wire_cpu *c, __u32 place, __u32 slot, __u64 delta_ns,
				    __u32 packets)
{
	__u32 level = place >> 16, kind = place & 0xffff;
	__u64 index = level * WIRE_CLASSES + kind;
	struct wire_totals *totals;

	if (kind == WIRE_IDLE) {
		c->idle_ns += delta_ns;
		return 0;
	}
	totals = cursor_totals(c, slot);
	if (!totals)
		return 0;
	CURSOR_OPAQUE(index);
	if (kind == WIRE_OWN)
		totals->own_ns += delta_ns;
	else if (index < WIRE_LEVELS * WIRE_CLASSES)
		totals->behalf_ns[index] += delta_ns;
	if (kind == WIRE_NET_RX)
		totals->rx_packets += packets;
	else if (kind == WIRE_NET_TX)
		totals->tx_packets += packets;

	if (level == WIRE_TASK || c->imposed_slot == WIRE_SLOT_HOST || c->imposed_slot == slot)
		return 0;
	totals = cursor_totals(c, c->imposed_slot);
	if (!totals)
		return 0;
	if (level == WIRE_SOFT)
		totals->imposed_soft_ns += delta_ns;
	else
		totals->imposed_hard_ns += delta_ns;
	return 0;
}

CURSOR_FUNCTION int cursor_book(struct wire_cpu *c, enum wire_level level, __u32 slot, __u16 kind,
				__u64 delta_ns)
{
	return cursor_book_packets(c, CURSOR_PLACE(level, kind), slot, delta_ns, 0);
}

/* Posts the open interval of a level up to T on its clock. */
CURSOR_FUNCTION void cursor_post_at(struct wire_cpu *c, enum wire_level level, __u64 t)
{
	struct wire_frame *f = &c->frame[level];
	__u64 delta_ns = t - f->since;

	f->since = t;
	if (f->slot == WIRE_SLOT_POLL)
		c->poll_ns += delta_ns;
	else if (f->slot == WIRE_SLOT_PACKET)
		c->packet_ns += delta_ns;
	else
		cursor_book(c, level, f->slot, f->kind, delta_ns);
}

CURSOR_FUNCTION void cursor_post(struct wire_cpu *c, enum wire_level level, __u64 now)
{
	cursor_post_at(c, level, cursor_clock(c, level, now));
}

/* From here on the level works for SLOT. */
CURSOR_FUNCTION void cursor_repoint(struct wire_cpu *c, enum wire_level level, __u32 slot,
				    __u16 kind)
{
	struct wire_frame *f = &c->frame[level];

	if (f->slot == slot && f->kind == kind)
		return;
	cursor_begin(c, level);
	cursor_post(c, level, cursor_now(c));
	f->slot = slot;
	f->kind = kind;
	cursor_end(c, level);
}

/*
 * The level works for SLOT, and has all the time since it was entered or last posted, if that was
 * nobody's: an interrupt does nothing before its first completion but find out what has completed.
 */
CURSOR_FUNCTION void cursor_adopt(struct wire_cpu *c, enum wire_level level, __u32 slot, __u16 kind)
{
	struct wire_frame *f = &c->frame[level];

	if (f->slot != WIRE_SLOT_UNATTRIBUTED) {
		cursor_repoint(c, level, slot, kind);
		return;
	}
	cursor_begin(c, level);
	f->slot = slot;
	f->kind = kind;
	cursor_end(c, level);
}

/*
 * The level works for SLOT, whatever it did, and if that is the first since it was entered, has the way there too.
 */
CURSOR_FUNCTION void cursor_turn(struct wire_cpu *c, enum wire_level level, __u32 slot, __u16 kind)
{
	struct wire_frame *f = &c->frame[level];

	cursor_begin(c, level);
	if (f->since == f->entered) {
		f->slot = slot;
		f->kind = kind;
	}
	cursor_post(c, level, cursor_now(c));
	f->slot = slot;
	f->kind = kind;
	cursor_end(c, level);
}

/* ---- polls and packets: on the softirq level only ---- */

/* Remembers that SEGMENTS of the running poll were SLOT's. */
CURSOR_CALL int cursor_owners_add(struct wire_cpu *c, __u32 slot, __u32 segments)
{
	__u32 n = c->n_owners;

#pragma GCC unroll 4
	for (__u32 i = 0; i < WIRE_POLL_OWNERS; i++) {
		if (i < n && c->owners[i].slot != slot)
			continue;
		if (i >= n) {
			c->owners[i].slot = slot;
			c->owners[i].segments = 0;
			c->n_owners = i + 1;
		}
		c->owners[i].segments += segments;
		return 0;
	}
	cursor_count(c, WIRE_FALLBACK_OWNERS);
	c->owners[WIRE_POLL_OWNERS - 1].segments += segments;
	return 0;
}

/* Notes the running packet, which was charged to the host. */
CURSOR_FUNCTION void cursor_handed_add(struct wire_cpu *c)
{
	struct wire_handed *note = &c->handed[c->handed_head % WIRE_HANDED];

	note->packet = c->packet;
	note->ns = c->packet_ns;
	c->handed_head++;
	if (c->handed_head - c->handed_tail > WIRE_HANDED)
		c->handed_tail = c->handed_head - WIRE_HANDED;
}

/* The host's part of a poll belongs to its packets of that poll, in equal parts. */
CURSOR_CALL int cursor_handed_share(struct wire_cpu *c, __u64 part_ns)
{
	__u32 at = c->handed_poll, n = c->handed_head - at;

	if (n > WIRE_HANDED) {
		at = c->handed_head - WIRE_HANDED;
		n = WIRE_HANDED;
	}
	for (__u32 i = 0; i < WIRE_HANDED; i++) {
		if (i >= n)
			break;
		c->handed[(at + i) % WIRE_HANDED].ns += part_ns / n;
	}
	return 0;
}

/*
 * A packet begins in SLOT's namespace: if the host was charged for its way there, that moves. Packets
 * come out in the order they went in; what was noted before this one has gone elsewhere. Returns
 * whether it was found.
 */
CURSOR_CALL int cursor_packet_handed(struct wire_cpu *c, __u32 slot, __u64 packet)
{
	__u16 kind = c->frame[WIRE_SOFT].kind;

	for (__u32 i = 0; i < WIRE_HANDED; i++) {
		__u32 at = c->handed_tail + i;
		const struct wire_handed *note = &c->handed[at % WIRE_HANDED];

		if (at == c->handed_head)
			break;
		if (note->packet != packet)
			continue;
		cursor_begin(c, WIRE_SOFT);
		cursor_book(c, WIRE_SOFT, WIRE_SLOT_HOST, kind, -note->ns);
		cursor_book(c, WIRE_SOFT, slot, kind, note->ns);
		c->handed_tail = at + 1;
		cursor_end(c, WIRE_SOFT);
		return 1;
	}
	return 0;
}

/*
 * The running packet, which nobody owns yet, is one of the host's that was here before, on a device below:
 * what it cost so far waits with it. Its newest note is the one, as addresses are used again. Returns
 * whether there was one.
 */
CURSOR_CALL int cursor_packet_again(struct wire_cpu *c)
{
	__u16 kind = c->frame[WIRE_SOFT].kind;

	for (__u32 i = 0; i < WIRE_HANDED; i++) {
		__u32 at = c->handed_head - 1 - i;
		struct wire_handed *note = &c->handed[at % WIRE_HANDED];

		if (at + 1 == c->handed_tail)
			break;
		if (note->packet != c->packet)
			continue;
		cursor_begin(c, WIRE_SOFT);
		cursor_book(c, WIRE_SOFT, WIRE_SLOT_HOST, kind, -note->ns);
		c->packet_ns += note->ns;
		note->packet = 0;
		note->ns = 0;
		cursor_end(c, WIRE_SOFT);
		return 1;
	}
	return 0;
}

/*
 * The running packet, or the running ones of one owner, are done: posts the interval up to T on the softirqs'
 * clock, and them with it.
 */
CURSOR_FUNCTION void cursor_packet_end(struct wire_cpu *c, __u64 t)
{
	struct wire_frame *f = &c->frame[WIRE_SOFT];
	__u64 delta_ns = t - f->since;

	f->since = t;
	if (f->slot == WIRE_SLOT_POLL) {
		c->poll_ns += delta_ns;
		return;
	}
	if (f->slot == WIRE_SLOT_PACKET) {
		f->slot = WIRE_SLOT_HOST;
		c->packet_ns += delta_ns;
		delta_ns = c->packet_ns;
		cursor_handed_add(c);
		c->packet_ns = 0;
		cursor_count(c, WIRE_RULE_HOST_PACKET);
	}
	cursor_book_packets(c, CURSOR_PLACE(WIRE_SOFT, f->kind), f->slot, delta_ns,
			    c->packet_segments);
	if (c->poll_ns)
		cursor_owners_add(c, f->slot, c->packet_segments);
	c->last_owner = f->slot;
}

/*
 * A packet of SEGMENTS begins; SLOT is its owner, or WIRE_SLOT_PACKET while that is not known. ALONE:
 * the poll did nothing before it but take it from a queue, so its cost so far is this packet's.
 */
CURSOR_FUNCTION void cursor_packet(struct wire_cpu *c, __u32 slot, __u32 segments, __u64 packet,
				   bool alone)
{
	struct wire_frame *f = &c->frame[WIRE_SOFT];

	if (f->slot == slot && slot != WIRE_SLOT_PACKET) {
		c->packet = packet;
		c->packet_segments += segments;
		return;
	}
	cursor_begin(c, WIRE_SOFT);
	if (!(alone && f->slot == WIRE_SLOT_POLL && slot != WIRE_SLOT_PACKET))
		cursor_packet_end(c, cursor_clock(c, WIRE_SOFT, cursor_now(c)));
	f->slot = slot;
	c->packet = packet;
	c->packet_segments = segments;
	cursor_end(c, WIRE_SOFT);
}

/* The owner of the running packet has become known. Returns whether it was waited for. */
CURSOR_FUNCTION bool cursor_packet_settle(struct wire_cpu *c, __u32 slot)
{
	struct wire_frame *f = &c->frame[WIRE_SOFT];

	if (!f->active || f->slot != WIRE_SLOT_PACKET)
		return false;
	cursor_begin(c, WIRE_SOFT);
	cursor_book(c, WIRE_SOFT, slot, f->kind, c->packet_ns);
	c->packet_ns = 0;
	f->slot = slot;
	cursor_end(c, WIRE_SOFT);
	return true;
}

/* Splits what waits in poll_ns over the owners of the poll; FALLBACK gets it if there were none. */
CURSOR_CALL int cursor_poll_split(struct wire_cpu *c, __u32 fallback)
{
	__u16 kind = c->frame[WIRE_SOFT].kind;
	__u64 rest_ns = c->poll_ns, total_ns = rest_ns, segments = 0;
	__u32 n = c->n_owners;

	c->poll_ns = 0;
	c->n_owners = 0;
	if (n == 0) {
		cursor_book(c, WIRE_SOFT, fallback, kind, total_ns);
		if (fallback == WIRE_SLOT_UNATTRIBUTED)
			cursor_count(c, WIRE_FALLBACK_POLL);
		return 0;
	}
	cursor_count(c, WIRE_RULE_POLL_SPLIT);
	/* an interrupt in a boundary can leave it below zero, which cannot be divided: the next makes up */
	if ((__s64)total_ns <= 0)
		return cursor_book(c, WIRE_SOFT, c->owners[0].slot, kind, total_ns);
	if (n > 1) {
#pragma GCC unroll 4
		for (__u32 i = 0; i < WIRE_POLL_OWNERS; i++)
			segments += i < n ? c->owners[i].segments : 0;
#pragma GCC unroll 4
		for (__u32 i = 1; i < WIRE_POLL_OWNERS; i++) {
			__u64 part_ns;

			if (i >= n || segments == 0)
				continue;
			part_ns = total_ns * c->owners[i].segments / segments;
			rest_ns -= part_ns;
			cursor_book(c, WIRE_SOFT, c->owners[i].slot, kind, part_ns);
			if (c->owners[i].slot == WIRE_SLOT_HOST)
				cursor_handed_share(c, part_ns);
		}
	}
	if (c->owners[0].slot == WIRE_SLOT_HOST)
		cursor_handed_share(c, rest_ns);
	return cursor_book(c, WIRE_SOFT, c->owners[0].slot, kind, rest_ns);
}

/* Whether nothing of the running poll has an owner so far. */
CURSOR_FUNCTION bool cursor_poll_is_empty(const struct wire_cpu *c)
{
	return c->frame[WIRE_SOFT].slot == WIRE_SLOT_POLL && c->n_owners == 0;
}

/* A poll ends, and perhaps another one begins. FALLBACK gets it if it had no packets. */
CURSOR_FUNCTION void cursor_poll_end(struct wire_cpu *c, __u32 fallback)
{
	cursor_begin(c, WIRE_SOFT);
	cursor_packet_end(c, cursor_clock(c, WIRE_SOFT, cursor_now(c)));
	if (c->poll_ns)
		cursor_poll_split(c, fallback);
	c->handed_poll = c->handed_head;
	c->frame[WIRE_SOFT].slot = WIRE_SLOT_POLL;
	cursor_end(c, WIRE_SOFT);
}

/* ---- interrupts ---- */

CURSOR_FUNCTION void cursor_exit(struct wire_cpu *c, enum wire_level level);

/* A lower level goes on: hard interrupts that were not seen to end have ended. */
CURSOR_CALL int cursor_leave_hard(struct wire_cpu *c)
{
	cursor_count(c, WIRE_FIX_MISSED);
	cursor_exit(c, WIRE_HARD);
	return 0;
}

/* Leaves a softirq or a hard interrupt. */
CURSOR_FUNCTION void cursor_exit(struct wire_cpu *c, enum wire_level level)
{
	struct wire_frame *f = &c->frame[level];
	__u64 t;

	if (!f->active) {
		cursor_count(c, WIRE_FIX_UNENTERED);
		return;
	}
	if (level == WIRE_SOFT && c->frame[WIRE_HARD].active)
		cursor_leave_hard(c);
	cursor_begin(c, level);
	t = cursor_clock(c, level, cursor_now(c));
	if (level == WIRE_SOFT && (f->kind == WIRE_NET_RX || f->kind == WIRE_NET_TX)) {
		cursor_packet_end(c, t);
		if (c->poll_ns)
			cursor_poll_split(c, c->last_owner);
	} else {
		cursor_post_at(c, level, t);
	}
	if (level == WIRE_SOFT)
		c->soft_ns += t - f->entered;
	else
		c->hard_ns += t - f->entered;
	f->active = 0;
	cursor_end(c, level);
}

CURSOR_CALL int cursor_enter_nested(struct wire_cpu *c, __u32 level)
{
	cursor_count(c, WIRE_FIX_NESTED);
	if (level == WIRE_SOFT)
		cursor_exit(c, WIRE_SOFT);
	else
		cursor_exit(c, WIRE_HARD);
	return 0;
}

/* Enters a softirq or a hard interrupt that begins by working for SLOT. */
CURSOR_FUNCTION void cursor_enter(struct wire_cpu *c, enum wire_level level, __u32 slot, __u16 kind)
{
	struct wire_frame *f = &c->frame[level];

	if (f->active)
		cursor_enter_nested(c, level);
	if (level == WIRE_SOFT && c->frame[WIRE_HARD].active)
		cursor_leave_hard(c);
	cursor_begin(c, level);
	f->since = f->entered = cursor_clock(c, level, cursor_now(c));
	f->slot = slot;
	f->kind = kind;
	if (level == WIRE_SOFT) {
		c->last_owner = WIRE_SLOT_UNATTRIBUTED;
		c->handed_tail = c->handed_poll = c->handed_head;
	}
	f->active = 1;
	cursor_end(c, level);
}

/*
 * A kernel thread polls a device as the softirq would, with softirqs disabled: this level is its own from
 * here to cursor_poll_leave(). What it took since its last boundary it took for this poll.
 */
CURSOR_FUNCTION void cursor_poll_enter(struct wire_cpu *c)
{
	struct wire_frame *task = &c->frame[WIRE_TASK], *f = &c->frame[WIRE_SOFT];
	__u64 now, t;

	cursor_begin(c, WIRE_TASK);
	now = cursor_now(c);
	t = cursor_clock(c, WIRE_TASK, now);
	c->poll_ns += t - task->since;
	task->since = t;
	f->since = f->entered = cursor_clock(c, WIRE_SOFT, now);
	f->slot = WIRE_SLOT_POLL;
	f->kind = WIRE_NET_RX;
	c->last_owner = WIRE_SLOT_UNATTRIBUTED;
	c->handed_tail = c->handed_poll = c->handed_head;
	c->vector = WIRE_VECTOR_THREAD;
	f->active = 1;
	cursor_end(c, WIRE_TASK);
}

/* The thread's poll has ended. Returns whom the thread worked for last, as it goes on to be. */
CURSOR_FUNCTION __u32 cursor_poll_leave(struct wire_cpu *c)
{
	cursor_exit(c, WIRE_SOFT);
	cursor_repoint(c, WIRE_TASK, c->last_owner, WIRE_NET_RX);
	return c->last_owner;
}

/* ---- tasks ---- */

/*
 * The CPU goes on with another task. IMPOSED is whom interrupts are imposed on from here, or
 * WIRE_SLOT_HOST. A switch inside an interrupt cannot be: an exit was missed, and is made up for.
 */
CURSOR_CALL int cursor_leave_interrupts(struct wire_cpu *c)
{
	cursor_count(c, WIRE_FIX_MISSED);
	if (c->frame[WIRE_HARD].active)
		cursor_exit(c, WIRE_HARD);
	if (c->frame[WIRE_SOFT].active)
		cursor_exit(c, WIRE_SOFT);
	return 0;
}

CURSOR_FUNCTION void cursor_switch(struct wire_cpu *c, __u32 slot, __u16 kind, __u32 imposed)
{
	if (c->frame[WIRE_HARD].active || c->frame[WIRE_SOFT].active)
		cursor_leave_interrupts(c);
	cursor_repoint(c, WIRE_TASK, slot, kind);
	c->imposed_slot = imposed;
}

/*
 * A tick has found the CPU in a task, in user mode or not: what the task's account has not split yet
 * goes there. Called in the tick's hard interrupt; the task is interrupted, so its frame may be
 * written. Not to be called if a softirq was interrupted.
 */
CURSOR_FUNCTION void cursor_tick(struct wire_cpu *c, bool user)
{
	struct wire_frame *f = &c->frame[WIRE_TASK];
	struct wire_totals *totals;
	__u64 split_ns;

	totals = cursor_totals(c, f->slot);
	if (!totals)
		return;
	cursor_begin(c, WIRE_HARD);
	cursor_post(c, WIRE_TASK, c->frame[WIRE_HARD].entered);
	split_ns = totals->own_ns - totals->own_user_ns - totals->own_kernel_ns;
	if (user)
		totals->own_user_ns += split_ns;
	else
		totals->own_kernel_ns += split_ns;
	cursor_end(c, WIRE_HARD);
}

/* In the tick as well: the task has been moved to another account. */
CURSOR_FUNCTION void cursor_switch_at_tick(struct wire_cpu *c, __u32 slot, __u32 imposed)
{
	cursor_begin(c, WIRE_HARD);
	cursor_post(c, WIRE_TASK, c->frame[WIRE_HARD].entered);
	c->frame[WIRE_TASK].slot = slot;
	c->imposed_slot = imposed;
	cursor_end(c, WIRE_HARD);
}

/* Opens the books of a CPU at time T, which finds it working for SLOT. */
CURSOR_FUNCTION void cursor_start(struct wire_cpu *c, __u64 t, __u32 slot, __u16 kind,
				  __u32 imposed)
{
	struct wire_frame *f = &c->frame[WIRE_TASK];

	cursor_begin(c, WIRE_TASK);
	f->since = f->entered = t;
	f->slot = slot;
	f->kind = kind;
	f->active = 1;
	c->imposed_slot = imposed;
	c->started_ns = t;
	cursor_end(c, WIRE_TASK);
}

/*
 * Closes a copy of a cursor, so that all of its open intervals are posted: what a reader does to
 * see the books at cursor_now().
 */
CURSOR_FUNCTION void cursor_close_copy(struct wire_cpu *copy)
{
	if (copy->frame[WIRE_HARD].active)
		cursor_exit(copy, WIRE_HARD);
	if (copy->frame[WIRE_SOFT].active)
		cursor_exit(copy, WIRE_SOFT);
	cursor_post(copy, WIRE_TASK, cursor_now(copy));
}
