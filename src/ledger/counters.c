// SPDX-License-Identifier: GPL-2.0-or-later
/* Names and meanings of the counters, by enum wire_counter; and the names of the classes. */
#include "ledger/counters.h"

#include <string.h>

#include "base/cleanup.h"
#include "bpf/wire.h"
#include "ledger/snapshot.h"

/* clang-format off */
const struct ledger_counter_text ledger_counter_texts[WIRE_COUNTERS] = {
	[WIRE_RULE_NETNS] = {"rule_netns",
		"owner by the network namespace that receives"},
	[WIRE_RULE_VETH_FROM] = {"rule_veth_from",
		"owner by the container whose veth a packet came from"},
	[WIRE_RULE_VETH_TO] = {"rule_veth_to",
		"owner by the container whose veth a packet goes to"},
	[WIRE_RULE_THREAD] = {"rule_thread",
		"polls by a kernel thread (threaded NAPI)"},
	[WIRE_RULE_SAME_PACKET] = {"rule_same_packet",
		"owner kept when a packet is seen again on an upper device"},
	[WIRE_RULE_HOST_PACKET] = {"rule_host_packet", "packets of the host itself"},
	[WIRE_RULE_POLL_SPLIT] = {"rule_poll_split",
		"polls whose fixed cost was split over their packets"},
	[WIRE_RULE_TX] = {"rule_tx", "deferred transmissions with an owner"},
	[WIRE_RULE_BLOCK] = {"rule_block", "block completions with the owner noted at issue"},
	[WIRE_RULE_WORK] = {"rule_work", "work items with the owner noted when queued"},
	[WIRE_RULE_SOCKET] = {"rule_socket",
		"packets on the host's network with a container's socket"},
	[WIRE_RULE_TIMER] = {"rule_timer", "TCP timers charged to their socket's owner"},
	[WIRE_RULE_WRITEBACK] = {"rule_writeback",
		"inodes written back for who dirtied them, or rounds for a cgroup"},
	[WIRE_FALLBACK_NETNS] = {"fallback_netns",
		"packets in a network namespace without a known account"},
	[WIRE_FALLBACK_POLL] = {"fallback_poll", "polls without packets, left unattributed"},
	[WIRE_FALLBACK_OWNERS] = {"fallback_owners",
		"packets beyond the number of owners kept apart in one poll"},
	[WIRE_FALLBACK_BLOCK] = {"fallback_block", "block completions without an owner"},
	[WIRE_FALLBACK_ISSUE] = {"fallback_issue",
		"block requests issued where nothing tells whose they are"},
	[WIRE_FALLBACK_SOCKET] = {"fallback_socket",
		"packets on the host's network whose socket has no known owner: the host's"},
	[WIRE_FALLBACK_TIMER] = {"fallback_timer",
		"TCP timers of sockets without a known owner: the host's"},
	[WIRE_FALLBACK_WRITEBACK] = {"fallback_writeback",
		"inodes written back that nobody known dirtied: the host's"},
	[WIRE_FALLBACK_FULL] = {"fallback_full",
		"table of accounts full: charged to an ancestor or the host"},
	[WIRE_FALLBACK_NETNS_FULL] = {"fallback_netns_full",
		"table of network namespaces full"},
	[WIRE_FALLBACK_DEAD] = {"fallback_dead",
		"threads of removed cgroups: charged to an ancestor"},
	[WIRE_FIX_NESTED] = {"fix_nested", "interrupt entries without the exit before"},
	[WIRE_FIX_UNENTERED] = {"fix_unentered", "interrupt exits without the entry before"},
	[WIRE_FIX_MISSED] = {"fix_missed", "interrupts that were not seen to end"},
	[WIRE_NETNS_SHARED] = {"netns_shared",
		"claims on network namespaces that another account holds"},
	[WIRE_ACCOUNTS_CLOSED] = {"accounts_closed",
		"cgroups removed, their total given to the parent"},
	[WIRE_RULE_POLL_DEVICE] = {"rule_poll_device",
		"polls without packets, charged to their device's owner"},
	[WIRE_RULE_PACKET_AGAIN] = {"rule_packet_again",
		"packets seen again on a tunnel or the like, whose cost went along"},
	[WIRE_RULE_SOCKET_NETNS] = {"rule_socket_netns",
		"packets whose socket told the network namespace, not their device (macvlan)"},
	[WIRE_RULE_SOCKET_WAITER] = {"rule_socket_waiter",
		"sockets on the host's network whose owner is the thread that waits (v1)"},
	[WIRE_RULE_DELAYED] = {"rule_delayed",
		"timers of delayed work charged to who queued it"},
	[WIRE_RULE_SMALL_QUEUE] = {"rule_small_queue",
		"sending of TCP that waited for packets to leave, charged to the socket's owner"},
	[WIRE_RULE_SENDER] = {"rule_sender",
		"interrupts from other CPUs charged to who sent them"},
	[WIRE_FALLBACK_SENDER] = {"fallback_sender",
		"interrupts from other CPUs that nobody is known to have sent"},
	[WIRE_RULE_OWN_RECEIVE] = {"rule_own_receive",
		"packets a thread received in its own time (busy polling, tun, vhost)"},
	[WIRE_RULE_RECLAIM] = {"rule_reclaim", "rounds of kswapd charged to who woke it"},
	[WIRE_RULE_CRYPT] = {"rule_crypt",
		"requests of dm-crypt charged to who wrote what it encrypts"},
	[WIRE_RULE_ALARM] = {"rule_alarm",
		"timers of high resolution charged to who is woken or told by them"},
};

const char *ledger_counter_meaning(const char *name)
{
	for (size_t i = 0; i < WIRE_COUNTERS; i++) {
		if (ledger_counter_texts[i].name && strcmp(ledger_counter_texts[i].name, name) == 0)
			return ledger_counter_texts[i].meaning;
	}
	return "";
}

static const char *const class_names[WIRE_CLASSES] = {
	[WIRE_NET_RX] = "net_rx",
	[WIRE_NET_TX] = "net_tx",
	[WIRE_BLOCK] = "block",
	[WIRE_TIMER] = "timer",
	[WIRE_TASKLET] = "tasklet",
	[WIRE_SCHED] = "sched",
	[WIRE_RCU] = "rcu",
	[WIRE_WORK] = "work",
	[WIRE_WRITEBACK] = "writeback",
	[WIRE_IRQ] = "irq",
};
/* clang-format on */

const char *ledger_class_name(enum wire_class class)
{
	return class < WIRE_CLASSES ? class_names[class] : "own";
}
