/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A snapshot made by hand, whose books balance: ten seconds of two CPUs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "ledger/snapshot.h"

#define MS 1000000ull
#define S (1000 * MS)

static inline struct ledger_account *example_add(struct ledger_snapshot *snapshot, const char *name,
						 const char *cgroup)
{
	struct ledger_account *account;

	snapshot->accounts = reallocarray(snapshot->accounts, snapshot->n_accounts + 1,
					  sizeof(*snapshot->accounts));
	account = &snapshot->accounts[snapshot->n_accounts++];
	*account = (struct ledger_account){
		.id = 100 + snapshot->n_accounts, .name = strdup(name), .cgroup = strdup(cgroup)};
	return account;
}

/* What is idle, and the sum, from what is not. */
static inline void example_balance(struct ledger_snapshot *snapshot)
{
	snapshot->sum_ns = snapshot->cpus * snapshot->wall_ns;
	snapshot->idle_ns = snapshot->sum_ns;
	for (size_t i = 0; i < snapshot->n_accounts; i++)
		snapshot->idle_ns -= ledger_account_charge_ns(&snapshot->accounts[i]);
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		snapshot->idle_ns -= snapshot->unattributed_ns[i];
}

static inline void example_add_workspaces(struct ledger_snapshot *snapshot)
{
	struct ledger_account *account;

	account = example_add(snapshot, "host", "/");
	account->id = 1;
	account->own_user_ns = 200 * MS;
	account->own_kernel_ns = 350 * MS;
	account->behalf_ns[WIRE_TIMER] = 40 * MS;
	account->behalf_ns[WIRE_RCU] = 25 * MS;
	account->imposed_ns = 12 * MS;
	account->kernel_says_ns = 570 * MS;

	account = example_add(snapshot, "web", "/behalf/web");
	account->netns = 4026532567;
	strv_append(&account->links, "bh-web");
	account->own_user_ns = 3 * S;
	account->own_kernel_ns = 1100 * MS;
	account->behalf_ns[WIRE_NET_RX] = 2 * S;
	account->behalf_ns[WIRE_NET_TX] = 50 * MS;
	account->behalf_ns[WIRE_BLOCK] = 20 * MS;
	account->behalf_ns[WIRE_WORK] = 120 * MS;
	account->behalf_ns[WIRE_WRITEBACK] = 10 * MS;
	account->imposed_ns = 200 * MS;
	account->kernel_says_ns = 4300 * MS;
	account->reserved_ns = 5 * S;
	account->evidence.rx_packets = 2000000;
	account->evidence.requests = 4096;
	account->evidence.items = 1200;

	account = example_add(snapshot, "load", "/behalf/load");
	account->netns = 4026532601;
	strv_append(&account->links, "bh-load");
	account->own_user_ns = 400 * MS;
	account->own_kernel_ns = 4500 * MS;
	account->behalf_ns[WIRE_NET_RX] = 400 * MS;
	account->imposed_ns = 2100 * MS;
	account->kernel_says_ns = 7 * S;
	account->evidence.rx_packets = 500000;
}

static inline struct ledger_snapshot *example_snapshot(void)
{
	struct ledger_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	snapshot->cpus = 2;
	snapshot->at_ns = 1000 * S;
	snapshot->wall_ns = 10 * S;
	example_add_workspaces(snapshot);
	example_add(snapshot, "cron.service", "/system.slice/cron.service")->own_user_ns = 2 * MS;
	example_add(snapshot, "getty.service", "/system.slice/getty.service");
	snapshot->unattributed_ns[WIRE_NET_RX] = 10 * MS;
	snapshot->unattributed_ns[WIRE_IRQ] = 2 * MS;
	snapshot->counters = calloc(2, sizeof(*snapshot->counters));
	snapshot->counters[0] = (struct ledger_counter){"rule_netns", "", 12345};
	snapshot->counters[1] = (struct ledger_counter){"recursion_misses", "", 0};
	snapshot->n_counters = 2;
	example_balance(snapshot);
	return snapshot;
}

/* N accounts "c-00000", ... with charges that fall. */
static inline struct ledger_snapshot *example_many(size_t n)
{
	struct ledger_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	char name[32], cgroup[64];

	snapshot->cpus = 2;
	snapshot->wall_ns = 10 * S;
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "c-%05zu", i);
		snprintf(cgroup, sizeof(cgroup), "/machine.slice/%s", name);
		example_add(snapshot, name, cgroup)->own_user_ns = (n - i) * 20 * S / (n * n);
	}
	example_balance(snapshot);
	return snapshot;
}
