/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The books at one moment, read from the pinned accounts. All times are nanoseconds since the
 * ledger was switched on, summed over all CPUs. At every moment
 *
 *     sum over accounts (own + behalf) + unattributed + idle = CPUs x wall time
 *
 * up to the reading's own error, which is why sum_ns is kept beside wall_ns and not derived.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "bpf/wire.h"

/* What the time was spent for: evidence. All members are words that count alike. */
struct ledger_evidence {
	uint64_t rx_packets; /* received, as many as there were before the kernel merged them */
	uint64_t tx_packets; /* whose transmission was deferred to a softirq */
	uint64_t requests;   /* block requests completed */
	uint64_t items;	     /* work items */
};

/* What one CPU posted to an account. */
struct ledger_part {
	uint64_t own_ns;
	uint64_t behalf_ns[WIRE_CLASSES]; /* by enum wire_class */
	uint64_t interrupt_ns; /* of behalf: in softirqs and interrupts, imposed on who ran there */
	uint64_t imposed_ns;
	struct ledger_evidence evidence;
};

struct ledger_account {
	uint64_t id;	/* cgroup id: the inode number in the hierarchy that is accounted */
	char *name;	/* what people call it: container id, unit, cgroup path; "host" */
	char *cgroup;	/* path in that hierarchy, "/" for the host */
	uint64_t netns; /* inode of its own network namespace, 0 when it has none */
	char **links;	/* names of the host's ends of its links, NULL-terminated; may be NULL */
	uint64_t own_user_ns;
	uint64_t own_kernel_ns;
	uint64_t behalf_ns[WIRE_CLASSES]; /* by enum wire_class */
	uint64_t imposed_ns;
	uint64_t kernel_says_ns; /* the kernel's own usage figure over the same time */
	struct ledger_evidence evidence;
	uint64_t
		reserved_ns; /* what it is promised over the same time; set by who knows terms, else 0 */
	char *terms; /* whether all of that is kept, in a word or two; NULL: nothing is promised; set as above */
	char **promises; /* the same term by term, in a sentence each, NULL-terminated; may be NULL */
	/*
	 * The same CPU by CPU, snapshot->n_parts of them; the last is no CPU's, but what accounts
	 * below left when they were removed. NULL: not known.
	 */
	struct ledger_part *parts;
};

struct ledger_counter {
	const char *name;    /* "rule_netns", "fallback_no_owner", "recursion_misses" ... */
	const char *meaning; /* one line for people */
	uint64_t count;
};

struct ledger_snapshot {
	unsigned int cpus; /* CPUs that are accounted */
	uint64_t at_ns;	   /* CLOCK_MONOTONIC of the reading */
	uint64_t wall_ns;  /* since the ledger was switched on, or since the earlier snapshot */
	uint64_t idle_ns;
	uint64_t unattributed_ns[WIRE_CLASSES];
	uint64_t sum_ns; /* accounts + unattributed + idle, as posted */
	struct ledger_account *accounts;
	size_t n_accounts;
	struct ledger_counter *counters;
	size_t n_counters;
	bool irq_time; /* the kernel bills interrupt time to nobody; else to the interrupted task */
	size_t n_parts;				/* possible CPUs and one more, 0: not known */
	struct ledger_part *unattributed_parts; /* NULL: not known */
	uint64_t *idle_parts_ns;		/* NULL: not known */
};

/* Reads the pinned ledger. -ENOENT with a sentence when it is off. Free with ..._free. */
int ledger_snapshot_read(struct ledger_snapshot **snapshot, struct error *err);

/* A copy of its own of all of FROM. NULL when memory is out. */
struct ledger_snapshot *ledger_snapshot_copy(const struct ledger_snapshot *from);

uint64_t ledger_account_own_ns(const struct ledger_account *account);
uint64_t ledger_account_behalf_ns(const struct ledger_account *account);
/* own + behalf */
uint64_t ledger_account_charge_ns(const struct ledger_account *account);

uint64_t ledger_part_behalf_ns(const struct ledger_part *part);

void ledger_snapshot_free(struct ledger_snapshot *snapshot);
void cleanup_ledger_snapshot(struct ledger_snapshot **snapshot);

/* "net_rx", ... ; the names used in every view. */
const char *ledger_class_name(enum wire_class class);
