// SPDX-License-Identifier: GPL-2.0-or-later
/* The hooks of the ledger, and what is lost when a kernel lacks one. */
#include "ledger/hooks.h"

#include "base/cleanup.h"

#define NAMESPACES "an owner of packets can be learned some milliseconds late"
#define INTERRUPTS "time of these interrupts counts for whom they interrupt"
#define DEVICES "an owner of packets can be wrong for a second after a device moved"

/* clang-format off */
const struct ledger_hook ledger_hooks[] = {
	{"sched_switch", "sched_switch", HOOK_TRACEPOINT, NULL},
	{"softirq_entry", "softirq_entry", HOOK_TRACEPOINT, NULL},
	{"softirq_exit", "softirq_exit", HOOK_TRACEPOINT, NULL},
	{"irq_handler_entry", "irq_handler_entry", HOOK_TRACEPOINT, INTERRUPTS},
	{"irq_handler_exit", "irq_handler_exit", HOOK_TRACEPOINT, INTERRUPTS},
	{"local_timer_entry", "local_timer_entry", HOOK_TRACEPOINT, INTERRUPTS},
	{"local_timer_exit", "local_timer_exit", HOOK_TRACEPOINT, INTERRUPTS},
	{"irq_work_entry", "irq_work_entry", HOOK_TRACEPOINT, INTERRUPTS},
	{"irq_work_exit", "irq_work_exit", HOOK_TRACEPOINT, INTERRUPTS},
	{"call_function_entry", "call_function_entry", HOOK_TRACEPOINT, INTERRUPTS},
	{"call_function_exit", "call_function_exit", HOOK_TRACEPOINT, INTERRUPTS},
	{"call_function_single_entry", "call_function_single_entry", HOOK_TRACEPOINT, INTERRUPTS},
	{"call_function_single_exit", "call_function_single_exit", HOOK_TRACEPOINT, INTERRUPTS},
	{"ipi_entry", "ipi_entry", HOOK_TRACEPOINT, ""},
	{"ipi_exit", "ipi_exit", HOOK_TRACEPOINT, ""},
	{"netif_receive_skb", "netif_receive_skb", HOOK_TRACEPOINT,
		"receive work has no owner"},
	{"napi_poll", "napi_poll", HOOK_TRACEPOINT,
		"cost of polls is split per softirq, not per poll"},
	{"qdisc_dequeue", "qdisc_dequeue", HOOK_TRACEPOINT,
		"deferred transmissions have no owner"},
	{"cgroup_rmdir", "cgroup_rmdir", HOOK_TRACEPOINT,
		"accounts of removed cgroups stay until the table is full"},
	{"cgroup_attach_task", "cgroup_attach_task", HOOK_TRACEPOINT, NAMESPACES},
	{"sched_process_exec", "sched_process_exec", HOOK_TRACEPOINT, NAMESPACES},
	{"sched_process_fork", "sched_process_fork", HOOK_TRACEPOINT, NAMESPACES},
	{"switch_namespaces", "switch_task_namespaces", HOOK_FUNCTION, NAMESPACES},
	{"netns_gone", "__put_net", HOOK_FUNCTION,
		"network namespaces are forgotten with their account"},
	{"device_gone", "free_netdev", HOOK_FUNCTION, DEVICES},
	{"device_moved", "__dev_change_net_namespace", HOOK_FUNCTION, DEVICES},
	{"block_rq_issue", "block_rq_issue", HOOK_TRACEPOINT, "block completions have no owner"},
	{"block_rq_complete", "block_rq_complete", HOOK_TRACEPOINT,
		"block completions have no owner"},
	{"workqueue_queue_work", "workqueue_queue_work", HOOK_TRACEPOINT,
		"work items have no owner but the host"},
	{"workqueue_execute_start", "workqueue_execute_start", HOOK_TRACEPOINT,
		"work items count as the host's own time"},
	{"workqueue_execute_end", "workqueue_execute_end", HOOK_TRACEPOINT,
		"work items count as the host's own time"},
};
/* clang-format on */

const size_t ledger_hooks_count = ARRAY_SIZE(ledger_hooks);
