/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the gate's programs and the keeper share. A gate belongs to one workspace; while it is shut, what
 * arrives for the workspace has to pay for being received, in CPU-nanoseconds, from a bucket that fills at
 * RATE, and is dropped when there is not enough in it. A gate that nobody renews is open: a keeper that was
 * killed leaves no workspace cut off.
 */
#ifdef __bpf__
#include <linux/bpf.h>
#else
#include <linux/types.h>
#endif

/* Without a word of the keeper for so long, all gates are open. */
#define GATE_LEASE_NS 2000000000ull

/* Workspaces that can have one. */
#define GATES_MAX 4095

/* The major number of the keeper's qdiscs and classes. */
#define GATE_QDISC_MAJOR 0xbe1f

/*
 * Where in a packet's mark its workspace's number, plus one, is. Others use marks, too: it is believed only of packets
 * whose tc_index says the same beside a signature. What a container has set there itself is no use without the mark,
 * which the kernel takes away when a packet comes out of another network namespace.
 */
#define GATE_MARK_SHIFT 20
#define GATE_MARK_MASK 0xfff00000u
#define GATE_INDEX_SIGN 0xb000u
#define GATE_INDEX(place) (GATE_INDEX_SIGN | (place)) /* of the number plus one */

/*
 * What is learned of connections and addresses is a workspace's number and, above it, which of those that have had
 * the number it is: what is left of one that has gone is nobody's, and needs not to be looked for.
 */
#define GATE_TAG_SHIFT 12
#define GATE_TAG_NUMBER 0xfffu
#define GATE_GENERATIONS (1u << (32 - GATE_TAG_SHIFT))
#define GATE_TAG_NONE GATE_TAG_NUMBER /* there is no such number */

/* A hardware address, as the bridge knows it whose port the uplink is: in each VLAN it may be another's. */
struct gate_station {
	unsigned char address[6];
	__u16 vlan; /* 0: the bridge has none */
};

/* How that bridge tells VLANs apart, and which one is meant at the uplink by what has no tag; the keeper's. */
struct gate_vlans {
	__u16 filters;	/* 0: it does not */
	__u16 protocol; /* of tags, in network order */
	__u16 untagged; /* 0: none */
};

/*
 * Of an interface from which more than RATE is not to be received at once. While there is less, packets pass; when
 * the bucket is empty they are held, which is dear, until it is full again.
 */
struct gate_hold {
	/* the keeper's */
	__u64 rate;  /* bytes per second */
	__u64 burst; /* bytes: the bucket's size */
	/* the program's */
	__s64 tokens;
	__u64 filled_ns; /* CLOCK_MONOTONIC of the last filling */
	__u64 held;	 /* 1: until the bucket is full */
	__u64 passed_bytes, passed;
};

struct gate {
	/* the keeper's; it writes tokens_ns too when it shuts the gate */
	__u64 renewed_ns; /* CLOCK_MONOTONIC; 0: open */
	__u64 rate;	  /* nanoseconds of CPU per second that may be spent on receiving */
	__u64 burst_ns;	  /* the bucket's size */
	__u64 packet_ns;  /* what receiving a packet costs */
	__u64 generation; /* of its number, below GATE_GENERATIONS */
	/* the programs' */
	__s64 tokens_ns;
	__u64 filled_ns; /* CLOCK_MONOTONIC of the last filling */
	__u64 passed, dropped, dropped_bytes;
	/* at the uplink, while it had no need of classes; the keeper adds what those had sent that are gone */
	__u64 arrived, arrived_bytes, sent, sent_bytes;
};
