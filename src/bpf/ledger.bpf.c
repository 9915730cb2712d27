// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ledger's hooks. What a cursor is, and why its books balance, is told in bpf/cursor.h; what an
 * account is in bpf/account.h; who owns a packet in bpf/netns.h and bpf/sock.h, who owns what goes to
 * disks in bpf/storage.h, who owns work that was put off in bpf/work.h. Here events of the kernel become
 * moves of the cursor. docs/ledger-rules.md has all of it in one table.
 *
 * Every program is one hook and attaches by itself (tp_btf, fentry, fexit; no kprobes). One that the
 * kernel does not have is left out by the loader, which knows what is lost (src/ledger/hooks.c).
 * Programs that only move an owner return at once when there is nothing to move.
 */
#include "bpf/state.h"

#include "bpf/alarm.h"
#include "bpf/reclaim.h"
#include "bpf/sock.h"
#include "bpf/storage.h"
#include "bpf/tick.h"
#include "bpf/work.h"

char LICENSE[] SEC("license") = "GPL";

/* ---- tasks ---- */

/*
 * A thread of threaded NAPI, or one that polls the backlog of a CPU (since 6.10, with thread_backlog_napi), as the
 * kernel names them (napi_kthread_create() and backlog_threads in net/core/dev.c).
 */
static __always_inline bool is_poller(const struct task_struct *task)
{
	const char *comm = task->comm;

	if (!(task->flags & PF_KTHREAD))
		return false;
	if (comm[0] == 'n')
		return comm[1] == 'a' && comm[2] == 'p' && comm[3] == 'i' && comm[4] == '/';
	return comm[0] == 'b' && comm[1] == 'a' && comm[2] == 'c' && comm[3] == 'k' &&
	       comm[4] == 'l' && comm[7] == '_' && comm[8] == 'n' && comm[9] == 'a';
}

static __always_inline void switch_to(struct wire_cpu *c, struct task_struct *next)
{
	unsigned int flags = next->flags;
	__u32 slot, pid = next->pid;
	struct owner_note *note;

	if (pid == 0) {
		cursor_switch(c, WIRE_SLOT_HOST, WIRE_IDLE, WIRE_SLOT_HOST);
		return;
	}
	if (flags & PF_KTHREAD) {
		note = NULL;
		if (flags & (PF_WQ_WORKER | PF_KSWAPD))
			note = bpf_map_lookup_elem(&workers, &pid);
		else if (is_poller(next))
			note = bpf_map_lookup_elem(&pollers, &pid);
		if (note && note->kind != NOTE_TAKEN) {
			cursor_switch(c, account_resolve(note->slot, note->id, WIRE_SLOT_HOST),
				      note->kind, WIRE_SLOT_HOST);
			return;
		}
	}
	slot = account_find_cached(task_cgroup(next), c);
	cursor_switch(c, slot, WIRE_OWN, flags & PF_KTHREAD ? WIRE_SLOT_HOST : slot);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct wire_cpu *c = cpu_any();

	if (!c)
		return 0;
	if (!c->started_ns) {
		/* a CPU that came up after the ledger was switched on */
		if (!book.started_ns)
			return 0;
		c->number = bpf_get_smp_processor_id();
		cursor_start(c, bpf_ktime_get_ns(), WIRE_SLOT_HOST, WIRE_IDLE, WIRE_SLOT_HOST);
	}
	switch_to(c, next);
	return 0;
}

/*
 * Run once on every CPU when all is attached; the argument is when the books begin: from there on the time
 * is that of the task that runs there, which need not have begun to run yet.
 */
SEC("raw_tp")
int start_cpu(__u64 *ctx)
{
	struct wire_cpu *c = cpu_any();
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 begin = ctx[0];
	__u32 slot;

	if (!c || c->started_ns)
		return 0;
	c->number = bpf_get_smp_processor_id();
	if (task->pid == 0) {
		cursor_start(c, begin, WIRE_SLOT_HOST, WIRE_IDLE, WIRE_SLOT_HOST);
		return 0;
	}
	slot = account_find(task_cgroup(task), c);
	cursor_start(c, begin, slot, WIRE_OWN, task->flags & PF_KTHREAD ? WIRE_SLOT_HOST : slot);
	return 0;
}

/*
 * Run first: the host's namespaces are those of the task that all others descend from, the idle task of the
 * first CPU. One climbs to it, since only tasks of the caller's own pid namespace are shown here.
 */
SEC("iter/task")
int find_host(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct nsproxy *nsproxy;

	if (!task || book.host_netns)
		return 0;
	for (int i = 0; i < 256 && BPF_CORE_READ(task, pid); i++)
		task = BPF_CORE_READ(task, real_parent);
	if (BPF_CORE_READ(task, pid))
		return 0;
	nsproxy = BPF_CORE_READ(task, nsproxy);
	book.host_mntns = BPF_CORE_READ(nsproxy, mnt_ns, ns.inum);
	book.host_netns = BPF_CORE_READ(nsproxy, net_ns, ns.inum);
	return 0;
}

/* Run once: tasks that are there already claim their network namespaces, oldest first. */
SEC("iter/task")
int claim_all(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct nsproxy *nsproxy;

	if (!task)
		return 0;
	nsproxy = task->nsproxy;
	if (nsproxy)
		netns_claim(nsproxy->net_ns, task_cgroup(task), task, true);
	return 0;
}

/* ---- the tick ---- */

SEC("tp_btf/local_timer_entry")
int BPF_PROG(local_timer_entry)
{
	struct wire_cpu *c = cpu_this();

	if (!c)
		return 0;
	cursor_enter(c, WIRE_HARD, WIRE_SLOT_HOST, WIRE_TIMER);
	tick_entry(c);
	return 0;
}

SEC("tp_btf/local_timer_exit")
int BPF_PROG(local_timer_exit)
{
	struct wire_cpu *c = cpu_this();

	if (!c)
		return 0;
	if (c->frame[WIRE_HARD].active)
		tick_exit(c);
	cursor_exit(c, WIRE_HARD);
	return 0;
}

/* ---- cgroups and network namespaces ---- */

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir, struct cgroup *cgroup)
{
	if (cgroup->root->hierarchy_id != cfg_hierarchy)
		return 0;
	account_close(cgroup, cpu_any());
	accounts_fold();
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(cgroup_attach_task, struct cgroup *cgroup, const char *path, struct task_struct *task)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct nsproxy *nsproxy = task->nsproxy;
	struct wire_cpu *c = cpu_this();
	__u32 slot;

	if (cgroup->root->hierarchy_id != cfg_hierarchy)
		return 0;
	if (nsproxy)
		netns_claim(nsproxy->net_ns, cgroup, task, true);
	/* moved itself: from here on it is charged there (others: when they run, or at the tick) */
	if (c && current->tgid == task->tgid && !(current->flags & PF_KTHREAD) &&
	    cursor_level(c) == WIRE_TASK) {
		slot = account_find(task_cgroup(current), c);
		cursor_switch(c, slot, WIRE_OWN, slot);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task)
{
	netns_claim(task->nsproxy->net_ns, task_cgroup(task), task, true);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct nsproxy *nsproxy = child->nsproxy;

	if (nsproxy && nsproxy != parent->nsproxy)
		netns_claim(nsproxy->net_ns, task_cgroup(child), child, false);
	return 0;
}

/* setns and unshare; also the way out of a task that exits, with NULL */
SEC("fentry/switch_task_namespaces")
int BPF_PROG(switch_namespaces, struct task_struct *task, struct nsproxy *nsproxy)
{
	if (nsproxy)
		netns_claim(nsproxy->net_ns, task_cgroup(task), task, false);
	return 0;
}

SEC("fentry/__put_net")
int BPF_PROG(netns_gone, struct net *net)
{
	__u64 cookie = net->net_cookie;

	bpf_map_delete_elem(&netns, &cookie);
	bpf_map_delete_elem(&netns_heirs, &cookie);
	owners_changed();
	return 0;
}

SEC("fentry/free_netdev")
int BPF_PROG(device_gone, struct net_device *device)
{
	owners_changed();
	return 0;
}

SEC("fexit/__dev_change_net_namespace")
int BPF_PROG(device_moved, struct net_device *device)
{
	owners_changed();
	return 0;
}

/* ---- softirqs ---- */

SEC("tp_btf/softirq_entry")
int BPF_PROG(softirq_entry, unsigned int vector)
{
	struct wire_cpu *c = cpu_this();
	__u32 slot = WIRE_SLOT_UNATTRIBUTED;
	__u16 kind = WIRE_TASKLET;

	if (!c)
		return 0;
	switch (vector) {
	case NET_RX_SOFTIRQ:
		slot = WIRE_SLOT_POLL;
		kind = WIRE_NET_RX;
		break;
	case NET_TX_SOFTIRQ:
		slot = WIRE_SLOT_POLL;
		kind = WIRE_NET_TX;
		break;
	case TIMER_SOFTIRQ:
	case HRTIMER_SOFTIRQ:
		slot = WIRE_SLOT_HOST;
		kind = WIRE_TIMER;
		break;
	case BLOCK_SOFTIRQ:
	case IRQ_POLL_SOFTIRQ:
		kind = WIRE_BLOCK;
		break;
	case SCHED_SOFTIRQ:
		slot = WIRE_SLOT_HOST;
		kind = WIRE_SCHED;
		break;
	case RCU_SOFTIRQ:
		slot = WIRE_SLOT_HOST;
		kind = WIRE_RCU;
		break;
	}
	c->packet = 0;
	c->vector = vector;
	cursor_enter(c, WIRE_SOFT, slot, kind);
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(softirq_exit, unsigned int vector)
{
	struct wire_cpu *c = cpu_this();

	if (c)
		cursor_exit(c, WIRE_SOFT);
	return 0;
}

/* ---- packets ---- */

/* Packets a device made one of: what a poll's cost is split by. A full frame is taken for 1500. */
static __always_inline __u32 packet_segments(const struct sk_buff *skb)
{
	__u32 len = skb->len;

	return len <= 1514 ? 1 : 1 + len / 1500;
}

/* The cursor, if this CPU is in the softirq of that class. */
static __always_inline struct wire_cpu *cpu_in_softirq(__u16 kind)
{
	struct wire_cpu *c = cpu_this();

	if (!c || !c->frame[WIRE_SOFT].active || c->frame[WIRE_SOFT].kind != kind ||
	    c->frame[WIRE_HARD].active)
		return NULL;
	return c;
}

/* What the packet's device tells of its owner. */
static __always_inline void packet_begins(struct wire_cpu *c, struct sk_buff *skb)
{
	struct wire_device_hit *hit = device_owner(skb->dev, c);
	__u64 address = (__u64)skb;

	if (hit->slot == WIRE_SLOT_PACKET && hit->flags & DEVICE_UPPER && c->packet == address &&
	    c->frame[WIRE_SOFT].slot != WIRE_SLOT_POLL) {
		cursor_count(c, WIRE_RULE_SAME_PACKET);
		return;
	}
	if (hit->slot != c->frame[WIRE_SOFT].slot && hit->slot != WIRE_SLOT_PACKET &&
	    hit->counter < WIRE_COUNTERS)
		cursor_count(c, hit->counter);
	cursor_packet(c, hit->slot, packet_segments(skb), address, hit->flags & DEVICE_ALONE);
	/* after the packet before it has ended: in the backlog that can be this one, at the host's device */
	if (c->handed_tail != c->handed_head && hit->counter == WIRE_RULE_NETNS &&
	    cursor_packet_handed(c, hit->slot, address))
		cursor_count(c, WIRE_RULE_VETH_TO);
	if (hit->slot == WIRE_SLOT_PACKET && hit->flags & DEVICE_UPPER && cursor_packet_again(c))
		cursor_count(c, WIRE_RULE_PACKET_AGAIN);
}

/*
 * Threaded NAPI: its first packet tells that a poll has begun. Others who receive outside of softirqs,
 * a program that polls its socket's device or a worker of vhost, do so in their own time.
 */
static __noinline int receive_in_thread(struct wire_cpu *c, struct sk_buff *skb)
{
	if (!c || !skb || c->frame[WIRE_HARD].active)
		return 0;
	if (!is_poller(bpf_get_current_task_btf())) {
		cursor_count(c, WIRE_RULE_OWN_RECEIVE);
		return 0;
	}
	cursor_poll_enter(c);
	cursor_count(c, WIRE_RULE_THREAD);
	packet_begins(c, skb);
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(netif_receive_skb, struct sk_buff *skb)
{
	struct wire_cpu *c = cpu_this();

	if (!c)
		return 0;
	if (!c->frame[WIRE_SOFT].active)
		return receive_in_thread(c, skb);
	if (c->frame[WIRE_HARD].active)
		return 0;
	/* a device that receives in a tasklet (ifb): from here on the softirq is as that of receiving */
	if (in_tasklets(c))
		cursor_repoint(c, WIRE_SOFT, WIRE_SLOT_POLL, WIRE_NET_RX);
	if (c->frame[WIRE_SOFT].kind == WIRE_NET_RX)
		packet_begins(c, skb);
	return 0;
}

/* The thread's poll has ended; until its next one it works for the last owner still. */
static __noinline int poll_ends_in_thread(struct wire_cpu *c)
{
	__u32 pid = bpf_get_current_pid_tgid();
	struct owner_note note, *noted;
	__u32 slot;

	if (!c)
		return 0;
	slot = cursor_poll_leave(c);
	noted = bpf_map_lookup_elem(&pollers, &pid);
	if (noted && noted->slot == slot && account_is(slot, noted->id))
		return 0;
	note_owner(&note, slot, WIRE_NET_RX);
	bpf_map_update_elem(&pollers, &pid, &note, BPF_ANY);
	return 0;
}

/* A poll that brought no packets, to answer for its cost: the one whose device it is. */
static __noinline int empty_poll_ends(struct wire_cpu *c, struct napi_struct *napi)
{
	const struct wire_device_hit *hit;
	__u32 slot = WIRE_SLOT_UNATTRIBUTED;

	if (!c || !napi)
		return 0;
	if (napi->dev) {
		hit = device_owner(napi->dev, c);
		if (hit->slot != WIRE_SLOT_PACKET)
			slot = hit->slot;
	}
	if (slot != WIRE_SLOT_UNATTRIBUTED)
		cursor_count(c, WIRE_RULE_POLL_DEVICE);
	cursor_poll_end(c, slot);
	return 0;
}

SEC("tp_btf/napi_poll")
int BPF_PROG(napi_poll, struct napi_struct *napi)
{
	struct wire_cpu *c = cpu_this();

	if (!c || !c->frame[WIRE_SOFT].active || c->frame[WIRE_SOFT].kind != WIRE_NET_RX ||
	    c->frame[WIRE_HARD].active)
		return 0;
	if (c->vector == WIRE_VECTOR_THREAD)
		return poll_ends_in_thread(c);
	/* the backlog's has no device; its packets paid for everything on their way */
	if (!napi->dev && !c->poll_ns)
		return 0;
	if (cursor_poll_is_empty(c))
		return empty_poll_ends(c, napi);
	cursor_poll_end(c, WIRE_SLOT_UNATTRIBUTED);
	return 0;
}

#define TCP_TIME_WAIT 6
#define TCP_NEW_SYN_RECV 12

/*
 * Whose a packet is that waited in a queue: in a container's namespace its account; on the host's network who
 * it came from, or whose socket sent it. For the host's end of a pair that leaves who is at the other end.
 */
static __noinline __u32 queued_slot(struct wire_cpu *c, struct sk_buff *skb)
{
	const struct wire_device_hit *hit;
	struct sock *sk;
	__u32 slot;
	unsigned char state;

	if (!c || !skb)
		return WIRE_SLOT_PACKET;
	hit = device_owner(skb->dev, c);
	if (hit->counter == WIRE_RULE_NETNS)
		return hit->slot;
	slot = device_slot_by_index(c, skb->skb_iif);
	if (slot != WIRE_SLOT_PACKET)
		return slot;
	sk = skb->sk;
	if (!sk)
		return hit->slot;
	state = sk->__sk_common.skc_state;
	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV)
		return hit->slot;
	slot = sock_owner_slot(sk, c);
	return slot == WIRE_SLOT_HOST ? hit->slot : slot;
}

/* Only devices with a queueing discipline come here, not veth pairs. */
SEC("tp_btf/qdisc_dequeue")
int BPF_PROG(qdisc_dequeue, void *qdisc, const void *queue, int packets, struct sk_buff *skb)
{
	struct wire_cpu *c = cpu_in_softirq(WIRE_NET_TX);
	__u32 slot;

	if (!c || !skb)
		return 0;
	slot = queued_slot(c, skb);
	if (slot != WIRE_SLOT_PACKET)
		cursor_count(c, WIRE_RULE_TX);
	cursor_packet(c, slot, 1, (__u64)skb, false);
	return 0;
}

/* ---- hard interrupts ---- */

#define HARD_ENTRY(name, slot, kind)                                                               \
	SEC("tp_btf/" #name)                                                                       \
	int BPF_PROG(name)                                                                         \
	{                                                                                          \
		struct wire_cpu *c = cpu_this();                                                   \
                                                                                                   \
		if (c)                                                                             \
			cursor_enter(c, WIRE_HARD, slot, kind);                                    \
		return 0;                                                                          \
	}

#define HARD_EXIT(name)                                                                            \
	SEC("tp_btf/" #name)                                                                       \
	int BPF_PROG(name)                                                                         \
	{                                                                                          \
		struct wire_cpu *c = cpu_this();                                                   \
                                                                                                   \
		if (c)                                                                             \
			cursor_exit(c, WIRE_HARD);                                                 \
		return 0;                                                                          \
	}

/* Where the local timer has no tracepoints of its own, its interrupt comes here. */
SEC("tp_btf/irq_handler_entry")
int BPF_PROG(irq_handler_entry)
{
	struct wire_cpu *c = cpu_this();

	if (!c)
		return 0;
	cursor_enter(c, WIRE_HARD, WIRE_SLOT_UNATTRIBUTED, WIRE_IRQ);
	if (cfg_tick_is_irq)
		tick_entry(c);
	return 0;
}

SEC("tp_btf/irq_handler_exit")
int BPF_PROG(irq_handler_exit)
{
	struct wire_cpu *c = cpu_this();

	if (!c)
		return 0;
	if (cfg_tick_is_irq && c->frame[WIRE_HARD].active)
		tick_exit(c);
	cursor_exit(c, WIRE_HARD);
	return 0;
}

/* Not the reschedule interrupt: it does less than two hooks would cost. */
HARD_ENTRY(irq_work_entry, WIRE_SLOT_HOST, WIRE_IRQ)
HARD_EXIT(irq_work_exit)
HARD_EXIT(call_function_exit)
HARD_EXIT(call_function_single_exit)
/* inter-processor interrupts of architectures other than x86 */
HARD_ENTRY(ipi_entry, WIRE_SLOT_UNATTRIBUTED, WIRE_IRQ)
HARD_EXIT(ipi_exit)
