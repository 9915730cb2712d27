/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The types that the programs in the kernel and their readers share, and nothing else. Everything
 * here is laid out by hand: 64-bit words first, no implicit padding, the same on both sides.
 * WIRE_VERSION changes with any change of layout. Readers refuse a ledger that another version has pinned;
 * `ledger on` takes its books over, member by member, with the types (BTF) that the kernel keeps with the
 * maps (ledger/layout.c). So a member keeps its name as long as it means the same, and changes it with that.
 */
#ifdef __bpf__
#include "bpf/kernel.h"
#else
#include <linux/types.h>
#endif

#define WIRE_MAGIC 0x6265686cu /* "behl" */
#ifndef WIRE_OTHER
#define WIRE_VERSION 7u
#define WIRE_ROOM(name)
#else
/* a layout that no version has, for tests of taking over: nothing is where it was */
#define WIRE_VERSION (7u + WIRE_OTHER)
#define WIRE_ROOM(name) __u64 name[8];
#endif

/* What on-behalf-of time was spent on. */
enum wire_class {
#ifdef WIRE_OTHER
	WIRE_NOVELTY,
#endif
	WIRE_NET_RX,	/* receiving, bridging and forwarding included */
	WIRE_NET_TX,	/* deferred transmission */
	WIRE_BLOCK,	/* block I/O completion */
	WIRE_TIMER,	/* timers and the local timer interrupt */
	WIRE_TASKLET,	/* tasklets */
	WIRE_SCHED,	/* balancing of run queues */
	WIRE_RCU,	/* RCU callbacks */
	WIRE_WORK,	/* kworkers and other kernel threads */
	WIRE_WRITEBACK, /* writeback of dirty pages */
	WIRE_IRQ,	/* hard interrupts without a class of their own */
	WIRE_CLASSES,
	/* not on-behalf-of: what else a cursor can stand on */
	WIRE_OWN = WIRE_CLASSES, /* a thread's own time */
	WIRE_IDLE,		 /* the idle task's */
};

/* Contexts of a CPU, each of which can interrupt those before it. */
enum wire_level { WIRE_TASK, WIRE_SOFT, WIRE_HARD, WIRE_LEVELS };

/* Slots are rows of the table of accounts. Two are fixed. */
enum wire_slot {
	WIRE_SLOT_UNATTRIBUTED, /* on-behalf-of time for which no owner was found */
	WIRE_SLOT_HOST,		/* the service domain */
	WIRE_SLOT_FIRST,	/* of the others */
	/* what a cursor can stand on besides a slot */
	WIRE_SLOT_POLL = 0xfffffffe, /* before the first packet of a poll: split over its packets */
	WIRE_SLOT_PACKET = 0xffffffff, /* a packet whose owner is not known yet */
};

/* How often each rule and each fallback was used; names in src/ledger/counters.c. */
enum wire_counter {
#ifdef WIRE_OTHER
	WIRE_RULE_NOVELTY,
#endif
	WIRE_RULE_NETNS,	 /* receiver's network namespace */
	WIRE_RULE_VETH_FROM,	 /* host's end of a veth pair: came from that container */
	WIRE_RULE_VETH_TO,	 /* turned up behind a container's veth pair: moved from the host */
	WIRE_RULE_THREAD,	 /* received by a kernel thread (threaded NAPI) */
	WIRE_RULE_SAME_PACKET,	 /* seen again on an upper device (bridge): owner kept */
	WIRE_RULE_HOST_PACKET,	 /* the host's own packet */
	WIRE_RULE_POLL_SPLIT,	 /* cost of a poll split over the owners of its packets */
	WIRE_RULE_TX,		 /* deferred transmission: owner of the packet */
	WIRE_RULE_BLOCK,	 /* completion: cgroup recorded at issue */
	WIRE_RULE_WORK,		 /* work item: who queued it */
	WIRE_RULE_SOCKET,	 /* host's network: the socket's owner */
	WIRE_RULE_TIMER,	 /* TCP timer: the socket's owner */
	WIRE_RULE_WRITEBACK,	 /* writeback: who dirtied the inode, or the cgroup of the wb */
	WIRE_FALLBACK_NETNS,	 /* network namespace without a known account */
	WIRE_FALLBACK_POLL,	 /* poll without packets */
	WIRE_FALLBACK_OWNERS,	 /* more owners in one poll than are kept apart */
	WIRE_FALLBACK_BLOCK,	 /* completion without a recorded owner */
	WIRE_FALLBACK_ISSUE,	 /* request issued where nothing tells whose it is */
	WIRE_FALLBACK_SOCKET,	 /* host's network: socket without a known owner, the host pays */
	WIRE_FALLBACK_TIMER,	 /* TCP timer of a socket without a known owner, the host pays */
	WIRE_FALLBACK_WRITEBACK, /* inode dirtied by nobody known, the host pays */
	WIRE_FALLBACK_FULL,	 /* table of accounts full: charged to an ancestor or the host */
	WIRE_FALLBACK_NETNS_FULL, /* table of network namespaces full */
	WIRE_FALLBACK_DEAD,	  /* thread of a removed cgroup: charged to an ancestor */
	WIRE_FIX_NESTED,	  /* entry without the exit before it */
	WIRE_FIX_UNENTERED,	  /* exit without an entry */
	WIRE_FIX_MISSED,	  /* an interrupt that was not seen to end, made up for */
	WIRE_NETNS_SHARED,	  /* claims on a network namespace that another account holds */
	WIRE_ACCOUNTS_CLOSED,	  /* cgroups removed, their total given to the parent */
	/* since version 4; at the end, so that those before keep their places */
	WIRE_RULE_POLL_DEVICE,	/* poll without packets: the device's owner */
	WIRE_RULE_PACKET_AGAIN, /* seen again on a tunnel or the like: cost carried along */
	WIRE_RULE_SOCKET_NETNS, /* socket's network namespace, where the device told nothing (macvlan) */
	WIRE_RULE_SOCKET_WAITER, /* v1: socket whose owner is the thread that waits for it */
	WIRE_RULE_DELAYED,	 /* timer of delayed work: who queued it */
	WIRE_RULE_SMALL_QUEUE,	 /* TCP small queue: the socket's owner */
	WIRE_RULE_SENDER,	 /* interrupt from another CPU: who sent it */
	WIRE_FALLBACK_SENDER,	 /* interrupt from another CPU that nobody is known to have sent */
	/* since version 5 */
	WIRE_RULE_OWN_RECEIVE, /* received by a thread in its own time: busy polling, tun, vhost */
	WIRE_RULE_RECLAIM,     /* round of kswapd: who woke it */
	WIRE_RULE_CRYPT,       /* request of dm-crypt: who wrote what it encrypts */
	/* since version 6 */
	WIRE_RULE_ALARM, /* timer of high resolution: who is woken or told by it */
	WIRE_COUNTERS,
};

/*
 * What one CPU posted to one account. The row of CPU n is at index slot * (cpus + 1) + n; the last
 * row of a slot is not a CPU's but what closed children left. Only CPU n writes its row, and each
 * field is written from one level only, so there are no atomic operations (but on the last row).
 */
struct wire_totals {
	WIRE_ROOM(room)
	__u64 own_ns;
	__u64 own_user_ns;   /* part of own_ns that a tick found in user mode, */
	__u64 own_kernel_ns; /* and in the kernel; the rest is not yet known */
	__u64 imposed_soft_ns;
	__u64 imposed_hard_ns;
	/* evidence: what the time was spent for, as often as the programs came across it */
	__u64 rx_packets; /* received, as many as there were on the wire before they were merged */
	__u64 tx_packets; /* whose transmission was deferred */
	__u64 requests;	  /* block requests completed; added to from any level, atomically */
	__u64 behalf_ns[WIRE_LEVELS * WIRE_CLASSES]; /* level by level */
	__u64 items;				     /* work items */
	__u64 unused;
} __attribute__((aligned(64)));

/* Where the time of one level goes. Times are of the level's own clock, see bpf/cursor.h. */
struct wire_frame {
	WIRE_ROOM(room)
	__u64 since;   /* posted up to here */
	__u64 entered; /* the level's activation began here */
	__u32 slot;
	__u16 kind;   /* enum wire_class, WIRE_OWN or WIRE_IDLE */
	__u16 active; /* the level has been entered and not left */
};

#define WIRE_VECTOR_THREAD 0xffff /* a thread polls, as a softirq would */
#define WIRE_POLL_OWNERS 4
#define WIRE_HANDED 64 /* a power of two */
#define WIRE_CGROUP_CACHE 16
#define WIRE_DEVICE_CACHE 32 /* in pairs */

struct wire_owner {
	__u32 slot;
	__u32 segments;
};

/* A packet that was nobody's and was charged to the host: it may turn up in a container yet. */
struct wire_handed {
	__u64 packet; /* address */
	__u64 ns;
};

struct wire_cgroup_hit {
	__u64 cgroup; /* address */
	__u32 epoch;
	__u32 slot;
};

struct wire_device_hit {
	__u64 device; /* address */
	__u32 epoch;
	__u32 slot;
	__u32 flags;
	__u32 counter; /* the rule that found the owner */
	__u32 ifindex;
	__u32 unused;
};

/* One CPU's cursor. */
struct wire_cpu {
	WIRE_ROOM(room)
	/* a reader's copy is whole when ended, read before, equals begun, read after, and nothing is moving */
	__u64 begun;
	__u64 ended;
	__u64 started_ns; /* 0: not accounted */
	__u64 idle_ns;
	__u64 hard_ns;	 /* in hard interrupts since started */
	__u64 soft_ns;	 /* in softirqs, hard interrupts inside them excluded */
	__u64 poll_ns;	 /* cost of the running poll, waiting to be split */
	__u64 packet_ns; /* of the running packet, waiting for its owner */

	struct wire_frame frame[WIRE_LEVELS];
	__u32 imposed_slot; /* whom an interrupt is imposed on, WIRE_SLOT_HOST when on nobody */
	__u32 vector;	    /* of the running softirq, or WIRE_VECTOR_THREAD */
	__u64 packet;	    /* address of the running packet */
	__u32 packet_segments;
	__u32 n_owners;
	struct wire_owner owners[WIRE_POLL_OWNERS];
	__u32 last_owner;
	__u32 number; /* of the CPU */
	/* handed[] is a ring: next to write, oldest that counts, first of the running poll */
	__u32 handed_head;
	__u32 handed_tail;
	__u32 handed_poll;
	__u8 moving[WIRE_LEVELS]; /* in a boundary; programs older than this do not tell */
	__u8 unused;

	/* the interrupted task's own clocks when the tick came */
	__u64 tick_user;
	__u64 tick_system;
	__u64 epoch_ns; /* when this CPU last forgot what it remembers below */
	__u64 sender; /* written by others: who interrupts this CPU, and the epoch, see bpf/work.h */

	/* where an address becomes a number: the verifier does not compute with pointers */
	__u64 cgroup_address;
	__u64 device_address;

	__u64 counters[WIRE_COUNTERS];

	struct wire_handed handed[WIRE_HANDED];
	struct wire_cgroup_hit cgroups[WIRE_CGROUP_CACHE];
	struct wire_device_hit devices[WIRE_DEVICE_CACHE];
} __attribute__((aligned(64)));

enum wire_slot_state { WIRE_FREE, WIRE_OPEN, WIRE_CLOSED };

/* Whose account a slot is. */
struct wire_slot_info {
	WIRE_ROOM(room)
	__u64 id;	 /* cgroup id */
	__u64 parent_id; /* 0: of the root */
	__u64 opened_ns;
	__u64 closed_ns; /* when the cgroup was removed */
	__u32 state;
	__u32 parent_slot; /* valid once closed */
	__u32 level;
	__u32 unused;
};

#define WIRE_LINKS 4

/* The account of a network namespace; the key is the namespace's cookie, which is never reused. */
struct wire_netns {
	WIRE_ROOM(room)
	__u64 owner_id; /* cgroup id, 0: host */
	__u32 slot;
	__u32 rank; /* how good the claim is, see bpf/netns.h */
	__u32 inum;
	__u32 claims;		 /* by other accounts */
	__u32 links[WIRE_LINKS]; /* ifindex of the host's ends of veth pairs, 0: none */
};

/*
 * A slot that was noted down: valid as long as the slot is still that cgroup's. What is noted for a while only
 * stays in its table when it has been taken, with NOTE_TAKEN as its kind: the addresses come again, and to
 * put a note into a table, and out of it again, costs more than all else that a hook does.
 */
#define NOTE_TAKEN 0xffffffffu
struct owner_note {
	__u64 id;
	__u32 slot;
	__u32 kind;
};

#define WIRE_HOOKS_MAX 64

/* One for all: what the ledger is, and the state that CPUs share. */
struct wire_book {
	__u32 magic;
	__u32 version; /* these two stay where they are */
	WIRE_ROOM(room)
	__u64 started_ns;
	__u64 started_realtime_ns;
	__u32 cpus; /* rows of a slot, without the last one */
	__u32 slots;
	__u32 hierarchy;  /* cgroup hierarchy that is accounted: 0 is v2 */
	__u32 host_netns; /* inode numbers of the kernel's own namespaces */
	__u32 host_mntns;
	__u32 irq_time;	      /* the kernel keeps interrupt time apart */
	__u64 hooks_attached; /* bits, by order of the programs' names in the object */
	__u64 hooks_wanted;

	/* of taking over, see ledger/upgrade.c */
	__u32 upgrades;	    /* how often these books were */
	__u32 from_version; /* whose they were the last time */
	__u64 approximated_ns; /* between the last reading of the old books and the first hook of the new */
	__u64 misses;	       /* recursion misses of the programs before */
	/* of these types, so that the names of their values are in the types that are pinned */
	enum wire_class classes;
	enum wire_counter counters;
	enum wire_level levels;
	__u32 left_out; /* bits, by hook_part of ledger/hooks.h; since version 7 */
	__u32 unused[6];

	/* written by programs */
	__u32 epoch __attribute__((aligned(64))); /* moves when a cached owner may be wrong */
	__u32 next_slot;
	__u32 closing;	  /* lock of who folds closed accounts */
	__u32 fold_begun; /* seqcount around a fold */
	__u32 fold_ended;
	__u32 netns_claims; /* claims that user space may decide better */
	__u64 folded_ns;    /* when closed accounts were folded last */
} __attribute__((aligned(64)));
