/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who owns work that was put off: whoever put it off. At the moment it is queued the cursor stands on an
 * account; that is noted under the address of what was queued, or for the CPU that is interrupted for it.
 *
 *	work item	queued, then executed by a kworker, or in a softirq (system_bh_wq, since 6.9)
 *	delayed work	first a timer, which then queues the item; noted under the timer's address
 *	interrupt from	the CPU that sent it last. Several senders share one interrupt: the last one pays,
 *	another CPU	so the error is one interrupt at most
 *	TCP small queue	a socket that waited for its packets to leave sends more of them: its owner
 *
 * Tasklets that are not TCP's, of which few are left, stay unattributed: nothing tells who scheduled one.
 * A softirq that works for a packet whose owner is not known queues for nobody known, and so for the host.
 * A note whose item was cancelled stays until the same address is queued again, which replaces or removes
 * it; the table forgets the oldest ones by itself.
 */
#include "bpf/sock.h"

#define WORK_STRUCT_PENDING 1

/* The account that the running context works for; one without a row if that is not known. */
static __always_inline __u32 running_slot(const struct wire_cpu *c)
{
	/* spelled out: a verifier before 6.3 loses the bound of an index that is spilled */
	if (c->frame[WIRE_HARD].active)
		return c->frame[WIRE_HARD].slot;
	if (c->frame[WIRE_SOFT].active)
		return c->frame[WIRE_SOFT].slot;
	return c->frame[WIRE_TASK].slot;
}

/* Notes that the running context has put off what is at ADDRESS. */
static __noinline int work_note(struct wire_cpu *c, __u64 address)
{
	__u32 slot;

	if (!c)
		return 0;
	slot = running_slot(c);
	/* the host's are not noted; there may be a note of an item that was cancelled */
	if (slot < WIRE_SLOT_FIRST || slot >= cfg_slots)
		note_drop(&works, &address);
	else
		note_put(&works, &address, slot, WIRE_WORK);
	return 0;
}

/* Takes a note. Returns the slot, the host's where there is none, and counts the rule if there is. */
static __noinline __u32 work_take(struct wire_cpu *c, __u64 address, __u32 counter)
{
	__u32 slot = WIRE_SLOT_HOST;

	if (c && counter < WIRE_COUNTERS && note_take(&works, &address, WIRE_SLOT_HOST, &slot))
		c->counters[counter]++;
	return slot;
}

/* Whether the running softirq is one that runs tasklets and items of system_bh_wq, and has received nothing. */
static __always_inline bool in_tasklets(const struct wire_cpu *c)
{
	return c->frame[WIRE_SOFT].active && c->frame[WIRE_SOFT].kind == WIRE_TASKLET &&
	       !c->frame[WIRE_HARD].active;
}

/* ---- work items ---- */

SEC("tp_btf/workqueue_queue_work")
int BPF_PROG(workqueue_queue_work, int cpu, void *pool, struct work_struct *work)
{
	work_note(cpu_this(), (__u64)work);
	return 0;
}

static __always_inline void work_counts(struct wire_cpu *c, __u32 slot)
{
	struct wire_totals *totals = cursor_totals(c, slot);

	if (totals)
		totals->items++;
}

/* A kworker begins an item. It may sleep and come back: what it works for is noted under its pid. */
static __always_inline void worker_begins(struct wire_cpu *c, __u32 slot)
{
	__u32 pid = bpf_get_current_pid_tgid();

	note_put(&workers, &pid, slot, WIRE_WORK);
	cursor_repoint(c, WIRE_TASK, slot, WIRE_WORK);
}

extern const void tcp_tsq_workfn __ksym __weak;

/*
 * The owner of the first socket that waits in TCP's item, which is asked before the item takes its list; others
 * in the list are told of by the hook below, where the kernel lets it hang there. 0 if it is not TCP's.
 */
static __noinline __u32 small_queue_slot(struct work_struct *work, struct wire_cpu *c)
{
	const void *function = work ? (const void *)work->func : NULL;
	struct list_head *first;
	__u64 head;

	if (!c || !function || function != &tcp_tsq_workfn ||
	    !bpf_core_type_exists(struct tsq_work))
		return WIRE_SLOT_UNATTRIBUTED;
	head = (__u64)work + bpf_core_field_offset(struct tsq_work, head) -
	       bpf_core_field_offset(struct tsq_work, work);
	first = BPF_CORE_READ((struct list_head *)head, next);
	if (!first || (__u64)first == head)
		return WIRE_SLOT_UNATTRIBUTED;
	cursor_count(c, WIRE_RULE_SMALL_QUEUE);
	return sock_owner_slot((void *)CONTAINER_OF(first, struct tcp_sock, tsq_node), c);
}

/* An item begins in the softirq that was queued by SLOT. The way to it, since the softirq began, is its too. */
static __always_inline void softirq_item_begins(struct wire_cpu *c, struct work_struct *work,
						__u32 slot)
{
	__u32 owner = small_queue_slot(work, c);

	cursor_adopt(c, WIRE_SOFT, owner == WIRE_SLOT_UNATTRIBUTED ? slot : owner, WIRE_TASKLET);
}

SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(workqueue_execute_start, struct work_struct *work)
{
	struct wire_cpu *c = cpu_this();
	__u32 slot;

	if (!c)
		return 0;
	slot = work_take(c, (__u64)work, WIRE_RULE_WORK);
	work_counts(c, slot);
	if (cursor_level(c) == WIRE_TASK)
		worker_begins(c, slot);
	else if (in_tasklets(c))
		softirq_item_begins(c, work, slot);
	return 0;
}

SEC("tp_btf/workqueue_execute_end")
int BPF_PROG(workqueue_execute_end, struct work_struct *work)
{
	struct wire_cpu *c = cpu_this();
	__u32 pid = bpf_get_current_pid_tgid();

	if (!c)
		return 0;
	if (cursor_level(c) == WIRE_TASK) {
		note_drop(&workers, &pid);
		cursor_repoint(c, WIRE_TASK, WIRE_SLOT_HOST, WIRE_OWN);
	} else if (in_tasklets(c)) {
		cursor_repoint(c, WIRE_SOFT, WIRE_SLOT_UNATTRIBUTED, WIRE_TASKLET);
	}
	return 0;
}

/* ---- delayed work ---- */

extern const void delayed_work_timer_fn __ksym __weak;

static __always_inline bool timer_is_delayed_work(const struct timer_list *timer)
{
	const void *function = (const void *)timer->function;

	return function && function == &delayed_work_timer_fn;
}

/* Who starts the timer, or moves it to another time, has queued the work. */
SEC("tp_btf/timer_start")
int BPF_PROG(timer_start, struct timer_list *timer)
{
	if (timer_is_delayed_work(timer))
		work_note(cpu_this(), (__u64)timer);
	return 0;
}

/* ---- timers ---- */

/* What a retransmission or a delayed acknowledgement costs is its socket's; delayed work is its queuer's. */
SEC("tp_btf/timer_expire_entry")
int BPF_PROG(timer_expire_entry, struct timer_list *timer)
{
	struct wire_cpu *c = cpu_this();
	__u32 slot = WIRE_SLOT_HOST;
	struct sock *sk;

	if (!c || !c->frame[WIRE_SOFT].active || c->frame[WIRE_SOFT].kind != WIRE_TIMER ||
	    c->frame[WIRE_HARD].active)
		return 0;
	if (timer_is_delayed_work(timer)) {
		slot = work_take(c, (__u64)timer, WIRE_RULE_DELAYED);
	} else {
		sk = timer_sock(timer);
		if (sk) {
			slot = sock_owner_slot(sk, c);
			cursor_count(c, slot == WIRE_SLOT_HOST ? WIRE_FALLBACK_TIMER
							       : WIRE_RULE_TIMER);
		}
	}
	cursor_repoint(c, WIRE_SOFT, slot, WIRE_TIMER);
	return 0;
}

/* ---- what runs in the softirqs of tasklets ---- */

/* TCP small queues: a tasklet up to 6.17, an item of system_bh_wq after */
SEC("fentry/tcp_tsq_handler")
int BPF_PROG(tcp_tsq_handler, struct sock *sk)
{
	struct wire_cpu *c = cpu_this();

	if (!c || !in_tasklets(c))
		return 0;
	cursor_count(c, WIRE_RULE_SMALL_QUEUE);
	cursor_adopt(c, WIRE_SOFT, sock_owner_slot(sk, c), WIRE_TASKLET);
	return 0;
}

/* ---- interrupts from other CPUs ---- */

/*
 * Who sends and when, in one word, so that another CPU reads both: an account that has closed since is
 * not to be charged, and the epoch moves when one closes.
 */
static __always_inline __u64 sender_pack(__u32 slot)
{
	return (__u64) * (volatile __u32 *)&book.epoch << 32 | slot;
}

/* The running context interrupts the CPU of that number. */
static __noinline int sender_note(struct wire_cpu *c, __u32 number)
{
	struct wire_cpu *other = bpf_map_lookup_elem(&cpus, &number);
	__u32 slot;

	if (!c || !other)
		return 0;
	slot = running_slot(c);
	if (slot < cfg_slots)
		*(volatile __u64 *)&other->sender = sender_pack(slot);
	return 0;
}

SEC("tp_btf/csd_queue_cpu")
int BPF_PROG(csd_queue_cpu, unsigned int cpu)
{
	sender_note(cpu_this(), cpu);
	return 0;
}

/* the same before 6.4: one other CPU, to which a wake-up or a call is sent; and several */
SEC("fentry/__smp_call_single_queue")
int BPF_PROG(__smp_call_single_queue, int cpu)
{
	sender_note(cpu_this(), (__u32)cpu);
	return 0;
}

/* The number of the lowest bit of a word that is not 0 (there is no instruction for that). */
static __always_inline __u32 lowest_bit(__u64 word)
{
	__u32 n = 0;

	word &= -word;
#pragma unroll
	for (int i = 0; i < 6; i++) {
		const __u64 masks[] = {0xaaaaaaaaaaaaaaaaull, 0xccccccccccccccccull,
				       0xf0f0f0f0f0f0f0f0ull, 0xff00ff00ff00ff00ull,
				       0xffff0000ffff0000ull, 0xffffffff00000000ull};

		n |= (__u32)(word & masks[i] ? 1 : 0) << i;
	}
	return n;
}

/* How many receivers of one message are told who sent it: each is a line of another CPU's cache. */
#define SENT_TO_MAX 64

struct receivers {
	const struct cpumask *mask;
	__u64 word; /* of the mask, without those before NEXT */
	__u32 next;
	__u32 told;
};

/* The next CPU of the mask, or the next word of it when there is none in this one. */
static long sender_note_next(__u32 step, struct receivers *to)
{
	__u32 cpu;

	if (!to->word) {
		if (to->next >= cfg_cpus || to->told >= SENT_TO_MAX)
			return 1;
		bpf_probe_read_kernel(&to->word, sizeof(to->word), &to->mask->bits[to->next / 64]);
		to->next += 64;
		return 0;
	}
	cpu = to->next - 64 + lowest_bit(to->word);
	to->word &= to->word - 1;
	if (cpu == bpf_get_smp_processor_id())
		return 0;
	sender_note(cpu_this(), cpu);
	return ++to->told >= SENT_TO_MAX;
}

/* Takes as many steps as CPUs are told and the mask has words, not one for every CPU there is. */
SEC("fentry/smp_call_function_many_cond")
int BPF_PROG(smp_call_function_many_cond, const struct cpumask *mask)
{
	struct receivers to = {.mask = mask};

	bpf_loop(SENT_TO_MAX + 2 + cfg_cpus / 64 + 1, sender_note_next, &to, 0);
	return 0;
}

/* The sender of the interrupt that has come; what is not told is unattributed. */
static __always_inline __u32 sender_take(struct wire_cpu *c)
{
	__u64 sender = *(volatile __u64 *)&c->sender;
	__u32 slot = (__u32)sender;

	*(volatile __u64 *)&c->sender = 0;
	if (sender >> 32 != *(volatile __u32 *)&book.epoch || slot >= cfg_slots)
		slot = WIRE_SLOT_UNATTRIBUTED;
	cursor_count(c, slot == WIRE_SLOT_UNATTRIBUTED ? WIRE_FALLBACK_SENDER : WIRE_RULE_SENDER);
	return slot;
}

#define SENT_ENTRY(name)                                                                           \
	SEC("tp_btf/" #name)                                                                       \
	int BPF_PROG(name)                                                                         \
	{                                                                                          \
		struct wire_cpu *c = cpu_this();                                                   \
                                                                                                   \
		if (c)                                                                             \
			cursor_enter(c, WIRE_HARD, sender_take(c), WIRE_IRQ);                      \
		return 0;                                                                          \
	}

SENT_ENTRY(call_function_entry)
SENT_ENTRY(call_function_single_entry)
