/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the tick is good for besides its own time: it samples the mode of the thread it interrupts, and
 * sees what no event told.
 */
#include "bpf/netns.h"

#define FORGET_AFTER_NS 1000000000ull

/*
 * The tick adds to one of two clocks of the task it interrupts, and so tells whether that was in user
 * mode; what they were before:
 */
static __always_inline void tick_entry(struct wire_cpu *c)
{
	struct task_struct *task = bpf_get_current_task_btf();

	c->tick_user = task->utime;
	c->tick_system = task->stime;
}

/*
 * Splits own time by mode, sees a thread that was moved to another cgroup while it ran, and one in a
 * network namespace that nobody has claimed.
 */
static __always_inline void tick_exit(struct wire_cpu *c)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct nsproxy *nsproxy = task->nsproxy;
	__u64 now = c->frame[WIRE_HARD].entered, cookie;
	__u32 slot;

	/* a hook that would have told of a change may be missing */
	if (now - c->epoch_ns > FORGET_AFTER_NS) {
		c->epoch_ns = now;
		owners_changed();
	}
	if (c->frame[WIRE_TASK].kind != WIRE_OWN || c->frame[WIRE_SOFT].active)
		return;
	if (task->utime != c->tick_user)
		cursor_tick(c, true);
	else if (task->stime != c->tick_system)
		cursor_tick(c, false);

	slot = account_find(task_cgroup(task), c);
	if (slot != c->frame[WIRE_TASK].slot)
		cursor_switch_at_tick(c, slot, task->flags & PF_KTHREAD ? WIRE_SLOT_HOST : slot);

	if (!nsproxy || nsproxy->net_ns->ns.inum == book.host_netns)
		return;
	cookie = nsproxy->net_ns->net_cookie;
	if (netns_slot(cookie) == WIRE_SLOT_UNATTRIBUTED)
		netns_claim(nsproxy->net_ns, task_cgroup(task), task, false);
}
