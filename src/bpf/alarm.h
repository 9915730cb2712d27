/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who owns timers of high resolution, which run in the local timer's interrupt or in a softirq of theirs: the one that
 * is woken or told by them.
 *
 *	nanosleep, poll, select, futex	the thread that sleeps
 *	setitimer, timer_create		the process
 *	timerfd				the first that waits for it
 *	quotas of CPU time		the cgroup whose quota begins anew
 *	pacing and others of TCP	the socket's owner
 *
 * The way to the first timer is the timer's as well: the interrupt came for it. The tick, and what else there is, is
 * the host's. Each timer ends where the next begins, or with the interrupt; so one hook will do.
 *
 * What is found behind a timer's address is read and not followed: it need not be what the name of the function says.
 */
#include "bpf/sock.h"

extern const void hrtimer_wakeup __ksym __weak;
extern const void it_real_fn __ksym __weak;
extern const void posix_timer_fn __ksym __weak;
extern const void timerfd_tmrproc __ksym __weak;
extern const void sched_cfs_period_timer __ksym __weak;
extern const void tcp_pace_kick __ksym __weak;
extern const void tcp_compressed_ack_kick __ksym __weak;

/* The account of a process: of its first thread. */
static __noinline __u32 process_slot(struct signal_struct *signal)
{
	struct list_head *first = BPF_CORE_READ(signal, thread_head.next);

	if (!first)
		return WIRE_SLOT_UNATTRIBUTED;
	return waiter_slot(CONTAINER_OF(first, struct task_struct, thread_node));
}

/* The account of whoever waits in a queue. */
static __noinline __u32 queue_slot(struct wait_queue_head *queue)
{
	struct task_struct *task = queue_waiter(queue);

	return task ? waiter_slot(task) : (__u32)WIRE_SLOT_UNATTRIBUTED;
}

static __noinline __u32 quota_slot(struct cfs_bandwidth *quota)
{
	__u64 id = BPF_CORE_READ(CONTAINER_OF(quota, struct task_group, cfs_bandwidth), css.cgroup,
				 kn, id);
	__u32 *found = bpf_map_lookup_elem(&accounts, &id);

	return found ? *found : (__u32)WIRE_SLOT_UNATTRIBUTED;
}

/* Whose a timer is whose function is FUNCTION; WIRE_SLOT_UNATTRIBUTED when that is not known. */
static __noinline __u32 alarm_slot(struct hrtimer *timer, const void *function, struct wire_cpu *c)
{
	if (function == &hrtimer_wakeup)
		return waiter_slot(
			BPF_CORE_READ(CONTAINER_OF(timer, struct hrtimer_sleeper, timer), task));
	if (function == &it_real_fn)
		return process_slot(CONTAINER_OF(timer, struct signal_struct, real_timer));
	if (function == &posix_timer_fn)
		return process_slot(BPF_CORE_READ(
			CONTAINER_OF(timer, struct k_itimer, it.real.timer), it_signal));
	if (function == &timerfd_tmrproc)
		return queue_slot((void *)CONTAINER_OF(timer, struct timerfd_ctx, t.tmr) +
				  bpf_core_field_offset(struct timerfd_ctx, wqh));
	if (function == &sched_cfs_period_timer &&
	    bpf_core_field_exists(((struct task_group *)0)->cfs_bandwidth))
		return quota_slot(CONTAINER_OF(timer, struct cfs_bandwidth, period_timer));
	if (function == &tcp_pace_kick)
		return sock_owner_slot((void *)CONTAINER_OF(timer, struct tcp_sock, pacing_timer),
				       c);
	if (function == &tcp_compressed_ack_kick)
		return sock_owner_slot(
			(void *)CONTAINER_OF(timer, struct tcp_sock, compressed_ack_timer), c);
	return WIRE_SLOT_UNATTRIBUTED;
}

/* The time of a level goes to SLOT from here, or from where the level was entered. */
static __always_inline void alarm_begins(struct wire_cpu *c, enum wire_level level, __u32 slot)
{
	if (slot == WIRE_SLOT_UNATTRIBUTED)
		slot = WIRE_SLOT_HOST;
	else
		cursor_count(c, WIRE_RULE_ALARM);
	cursor_turn(c, level, slot, WIRE_TIMER);
}

/*
 * The interrupt need not be the local timer's: where that stops with its CPU, and on other architectures, it is a
 * device's or comes from another CPU.
 */
SEC("tp_btf/hrtimer_expire_entry")
int BPF_PROG(hrtimer_expire_entry, struct hrtimer *timer)
{
	struct wire_cpu *c = cpu_this();
	const void *function = (const void *)timer->function;
	__u32 slot = WIRE_SLOT_UNATTRIBUTED;

	if (!c)
		return 0;
	if (function)
		slot = alarm_slot(timer, function, c);
	if (c->frame[WIRE_HARD].active)
		alarm_begins(c, WIRE_HARD, slot);
	else if (c->frame[WIRE_SOFT].active && c->frame[WIRE_SOFT].kind == WIRE_TIMER)
		alarm_begins(c, WIRE_SOFT, slot);
	return 0;
}
