/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The gates of workspaces, and the classes of their packets at the uplink: the user's side of bpf/gate.bpf.c.
 * Nothing is pinned: filters keep the programs they use, and a gate that is not renewed opens by itself.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/terms.h"

struct gates;

enum gate_program {
	GATE_LINK,	 /* filter of what the host sends into a workspace's link */
	UPLINK_MARK,	 /* filter of what the host receives from a workspace's link */
	LINK_HOLD,	 /* the same, before one that redirects: while there is little, it passes */
	UPLINK_HOLD,	 /* the same of what the host receives from its uplink */
	UPLINK_CLASSIFY, /* classifier of an uplink's qdisc, by those marks */
	UPLINK_COUNT, /* filter of what an uplink sends, by the same: whose class has not counted it */
	UPLINK_LEARN,	/* filter of what an uplink sends: whose which connection is */
	LINK_LEARN,	/* filter of what the host sends into a link: whose which address is */
	UPLINK_ARRIVES, /* classifier of what an uplink has received, by what was learned */
	GATE_UPLINK,	/* filter of what an uplink receives, by the same */
};

/* Loads the programs. -EPERM without privileges; what the kernel says otherwise. */
int gates_open(struct gates **gates, struct error *err);
void gates_close(struct gates *gates);
void cleanup_gates(struct gates **gates);

/* The descriptor of a program, owned by GATES. */
int gates_program(const struct gates *gates, enum gate_program program);

/* A number for one more workspace, whose gate is open; -ENOSPC. */
int gates_new(struct gates *gates);
/* The number and all that was bound to it are free again. */
void gates_free(struct gates *gates, int number);

/* What passes the link (its host's end) is NUMBER's. 0 or a negative errno. */
int gates_bind_link(struct gates *gates, int ifindex, int number);
/* LINK_HOLD, or UPLINK_HOLD, lets what is received from the link pass while it is below that; 0: nothing passes. 0 or a negative errno. */
int gates_hold_link(struct gates *gates, int ifindex, uint64_t bytes_per_s);
/* What it let pass since then. */
void gates_hold_counts(const struct gates *gates, int ifindex, uint64_t *bytes, uint64_t *packets);
/* Whether what comes from it is held just now. */
bool gates_hold_is_on(const struct gates *gates, int ifindex);
/* The class, a handle, of NUMBER's packets that the uplink sends, or receives; 0: the default. */
void gates_set_class(struct gates *gates, enum terms_direction direction, int number,
		     uint32_t class);

/* What a class of NUMBER's has sent that goes now: it is counted on from there. */
void gates_add_sent(struct gates *gates, int number, uint64_t bytes, uint64_t packets);

struct netlink_bridge_vlans;
struct netlink_station;

/* How the bridge whose port the uplink is tells VLANs apart. */
void gates_set_vlans(struct gates *gates, const struct netlink_bridge_vlans *vlans);
/* What arrives at an uplink for the address of STATION, in its VLAN, is NUMBER's. 0 or a negative errno. */
int gates_set_station(struct gates *gates, const struct netlink_station *station, int number);
void gates_forget_station(struct gates *gates, const struct netlink_station *station);
/* Another one for each who has had the number. */
uint32_t gates_tag(const struct gates *gates, int number);

/* Until it is renewed again, or for GATE_LEASE_NS. */
struct gate_terms {
	uint64_t rate;	    /* CPU-nanoseconds per second that may be spent on receiving */
	uint64_t packet_ns; /* that receiving a packet costs, above 0 */
};
void gates_shut(struct gates *gates, int number, const struct gate_terms *terms);
void gates_open_wide(struct gates *gates, int number);
bool gates_is_shut(const struct gates *gates, int number);

/* Since gates_new. */
struct gate_counts {
	uint64_t passed;  /* packets, while it was shut */
	uint64_t dropped; /* packets */
	uint64_t dropped_bytes;
	uint64_t arrived, arrived_bytes; /* for it at the uplink, without a class */
	uint64_t sent, sent_bytes;	 /* by it */
};
struct gate_counts gates_counts(const struct gates *gates, int number);
