// SPDX-License-Identifier: GPL-2.0-or-later
/* The hooks of the ledger, and what is lost when a kernel lacks one. */
#include "ledger/hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"

#define NAMESPACES "an owner of packets can be learned some milliseconds late"
#define INTERRUPTS "time of these interrupts counts for whom they interrupt"
#define RECLAIM "reclaim by kswapd is the host's"
#define DEVICES "an owner of packets can be wrong for a second after a device moved"

/* clang-format off */
const struct ledger_hook ledger_hooks[] = {
	{"sched_switch", "sched_switch", HOOK_TRACEPOINT, NULL, 0},
	{"softirq_entry", "softirq_entry", HOOK_TRACEPOINT, NULL, 0},
	{"softirq_exit", "softirq_exit", HOOK_TRACEPOINT, NULL, 0},
	{"irq_handler_entry", "irq_handler_entry", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"irq_handler_exit", "irq_handler_exit", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"local_timer_entry", "local_timer_entry", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"local_timer_exit", "local_timer_exit", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"irq_work_entry", "irq_work_entry", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"irq_work_exit", "irq_work_exit", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"call_function_entry", "call_function_entry", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"call_function_exit", "call_function_exit", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"call_function_single_entry", "call_function_single_entry", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"call_function_single_exit", "call_function_single_exit", HOOK_TRACEPOINT, INTERRUPTS, 0},
	{"ipi_entry", "ipi_entry", HOOK_TRACEPOINT, "", 0},
	{"ipi_exit", "ipi_exit", HOOK_TRACEPOINT, "", 0},
	{"netif_receive_skb", "netif_receive_skb", HOOK_TRACEPOINT,
		"receive work has no owner", 0},
	{"napi_poll", "napi_poll", HOOK_TRACEPOINT,
		"cost of polls is split per softirq, not per poll", .part = HOOK_POLLS},
	{"qdisc_dequeue", "qdisc_dequeue", HOOK_TRACEPOINT,
		"deferred transmissions have no owner", 0},
	{"cgroup_rmdir", "cgroup_rmdir", HOOK_TRACEPOINT,
		"accounts of removed cgroups stay until the table is full", 0},
	{"cgroup_attach_task", "cgroup_attach_task", HOOK_TRACEPOINT, NAMESPACES, 0},
	{"sched_process_exec", "sched_process_exec", HOOK_TRACEPOINT, NAMESPACES, 0},
	{"sched_process_fork", "sched_process_fork", HOOK_TRACEPOINT, NAMESPACES, 0},
	{"switch_namespaces", "switch_task_namespaces", HOOK_FUNCTION, NAMESPACES, 0},
	{"netns_gone", "__put_net", HOOK_FUNCTION,
		"a network namespace that is gone keeps its place until its account goes", 0},
	{"device_gone", "free_netdev", HOOK_FUNCTION, DEVICES, 0},
	{"device_moved", "__dev_change_net_namespace", HOOK_FUNCTION, DEVICES, 0},
	{"block_rq_insert", "block_rq_insert", HOOK_TRACEPOINT,
		"requests that wait in a disk's scheduler are whose thread hands them to the driver",
		.part = HOOK_BLOCK},
	{"block_rq_merge", "block_rq_merge", HOOK_TRACEPOINT,
		"requests that were merged into others are taken for waiting ones", .part = HOOK_BLOCK},
	{"block_rq_issue", "block_rq_issue", HOOK_TRACEPOINT, "block completions have no owner",
		.part = HOOK_BLOCK},
	{"block_rq_complete", "block_rq_complete", HOOK_TRACEPOINT,
		"block completions have no owner", .part = HOOK_BLOCK},
	{"inet_sock_set_state", "inet_sock_set_state", HOOK_TRACEPOINT,
		"connections of containers on the host's network are the host's, their "
		"making at least", .part = HOOK_SOCKETS},
	{"tcp_probe", "tcp_probe", HOOK_TRACEPOINT,
		"TCP of containers on the host's network is the host's", .part = HOOK_SOCKETS},
	{"sk_data_ready", "sk_data_ready", HOOK_TRACEPOINT,
		"UDP of containers on the host's network, or behind macvlan, is the host's",
		.part = HOOK_SOCKETS},
	{"timer_expire_entry", "timer_expire_entry", HOOK_TRACEPOINT,
		"TCP timers are the host's", .part = HOOK_TIMERS},
	{"hrtimer_expire_entry", "hrtimer_expire_entry", HOOK_TRACEPOINT,
		"timers that wake a thread are the host's", .part = HOOK_TIMERS},
	{"writeback_dirty_inode_enqueue", "writeback_dirty_inode_enqueue", HOOK_TRACEPOINT,
		"writeback is the host's", HOOK_ON_V1},
	{"writeback_start", "writeback_start", HOOK_TRACEPOINT,
		"writeback counts as work items of who woke the flusher", 0},
	{"writeback_single_inode_start", "writeback_single_inode_start", HOOK_TRACEPOINT,
		"writeback is the host's", HOOK_ON_V1},
	{"workqueue_queue_work", "workqueue_queue_work", HOOK_TRACEPOINT,
		"work items have no owner but the host", .part = HOOK_WORK},
	{"workqueue_execute_start", "workqueue_execute_start", HOOK_TRACEPOINT,
		"work items count as the host's own time", .part = HOOK_WORK},
	{"workqueue_execute_end", "workqueue_execute_end", HOOK_TRACEPOINT,
		"work items count as the host's own time", .part = HOOK_WORK},
	{"timer_start", "timer_start", HOOK_TRACEPOINT,
		"delayed work has no owner but the host", .part = HOOK_TIMERS},
	{"tcp_tsq_handler", "tcp_tsq_handler", HOOK_FUNCTION,
		"what TCP sends when its packets have left the host is the first waiting "
		"socket's, or has no owner", 0},
	{"csd_queue_cpu", "csd_queue_cpu", HOOK_TRACEPOINT,
		"interrupts from other CPUs have no owner", 0},
	{"udp_fail_queue_rcv_skb", "udp_fail_queue_rcv_skb", HOOK_TRACEPOINT,
		"datagrams dropped at a full socket on the host's network are the host's",
		.part = HOOK_SOCKETS},
	{"tcp_add_backlog", "tcp_add_backlog", HOOK_FUNCTION,
		"segments on the host's network that find their socket in use are the host's",
		.part = HOOK_SOCKETS},
	{"mm_vmscan_wakeup_kswapd", "mm_vmscan_wakeup_kswapd", HOOK_TRACEPOINT, RECLAIM, 0},
	{"mm_vmscan_kswapd_wake", "mm_vmscan_kswapd_wake", HOOK_TRACEPOINT, RECLAIM, 0},
	{"mm_vmscan_kswapd_sleep", "mm_vmscan_kswapd_sleep", HOOK_TRACEPOINT,
		"kswapd going to sleep counts for who woke it last", 0},
	{"sock_def_readable", "sock_def_readable", HOOK_FUNCTION, "", 0, "sk_data_ready",
		.part = HOOK_SOCKETS},
	{"__smp_call_single_queue", "__smp_call_single_queue", HOOK_FUNCTION,
		"interrupts for one other CPU have no owner", 0, "csd_queue_cpu"},
	{"smp_call_function_many_cond", "smp_call_function_many_cond", HOOK_FUNCTION,
		"interrupts for several CPUs at once have no owner", 0, "csd_queue_cpu"},
};
/* clang-format on */

const size_t ledger_hooks_count = ARRAY_SIZE(ledger_hooks);

const char *const hook_parts[HOOK_PARTS] = {
	[HOOK_POLLS] = "polls", [HOOK_SOCKETS] = "sockets", [HOOK_TIMERS] = "timers",
	[HOOK_WORK] = "work",	[HOOK_BLOCK] = "block",
};

/* Adds the part that is named by the first LENGTH bytes of NAME. Returns whether there is one. */
static bool part_add(const char *name, size_t length, uint32_t *parts)
{
	for (size_t i = HOOK_NEEDED + 1; i < HOOK_PARTS; i++) {
		if (strlen(hook_parts[i]) == length && strncmp(name, hook_parts[i], length) == 0) {
			*parts |= 1u << i;
			return true;
		}
	}
	return false;
}

int hook_parts_parse(const char *text, uint32_t *parts, struct error *err)
{
	uint32_t found = 0;
	size_t length;

	for (const char *name = text; strcmp(text, "none") != 0; name += length + 1) {
		length = strcspn(name, ",");
		if (!part_add(name, length, &found))
			return error_set(
				err, EINVAL,
				"'%.*s' is not one of polls, sockets, timers, work, block, none",
				(int)length, name);
		if (!name[length])
			break;
	}
	*parts = found;
	return 0;
}

char *hook_parts_text(uint32_t parts)
{
	char *text = strdup(""), *longer;

	for (size_t i = HOOK_NEEDED + 1; text && i < HOOK_PARTS; i++) {
		if (!(parts & 1u << i))
			continue;
		longer = string_format("%s%s%s", text, text[0] ? "," : "", hook_parts[i]);
		free(text);
		text = longer;
	}
	return text;
}

bool ledger_hook_is_of_use(const struct ledger_hook *hook, bool unified)
{
	return !hook->only || (hook->only == HOOK_ON_V2) == unified;
}

bool ledger_hook_matters(const struct ledger_hook *hook, bool unified)
{
	return (!hook->without || hook->without[0]) && ledger_hook_is_of_use(hook, unified);
}

size_t ledger_hook_of_target(const char *target)
{
	size_t i = 0;

	while (i < ledger_hooks_count && strcmp(ledger_hooks[i].target, target) != 0)
		i++;
	return i;
}

size_t ledger_hook_stand_in(size_t hook, uint64_t there)
{
	for (size_t i = 0; i < ledger_hooks_count; i++) {
		if (there & 1ull << i && ledger_hooks[i].instead_of &&
		    strcmp(ledger_hooks[i].instead_of, ledger_hooks[hook].target) == 0)
			return i;
	}
	return ledger_hooks_count;
}

bool ledger_hook_is_missed(size_t hook, uint64_t there, bool unified)
{
	const struct ledger_hook *h = &ledger_hooks[hook];
	size_t original;

	if (there & 1ull << hook || !ledger_hook_matters(h, unified))
		return false;
	if (!h->instead_of)
		return ledger_hook_stand_in(hook, there) == ledger_hooks_count;
	original = ledger_hook_of_target(h->instead_of);
	return !(there & 1ull << original) &&
	       ledger_hook_stand_in(original, there) < ledger_hooks_count;
}
