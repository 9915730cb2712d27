/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What keeper.c, its life and its rounds, and keeper_cpu.c share. */
#include <stdbool.h>
#include <stdint.h>

#include "keeper/above.h"
#include "keeper/aside.h"
#include "keeper/burst_round.h"
#include "keeper/disk.h"
#include "keeper/events.h"
#include "keeper/host_marks.h"
#include "keeper/host_round.h"
#include "keeper/keeper.h"
#include "keeper/network_round.h"
#include "keeper/roster.h"
#include "keeper/steer_round.h"
#include "keeper/writer.h"
#include "ledger/charges.h"

struct keeper {
	const struct keeper_options *options;
	char *socket_path;
	int dir, lock, signals, listening;
	struct book *book;
	struct writer writer;
	struct roster roster;
	struct aside aside;
	struct network_round network;
	struct ledger_charges *charges;
	uint64_t stamp, now_ns;
	uint64_t register_due_ns, ledger_due_ns, carry_due_ns, standing_due_ns;
	uint64_t watchdog_due_ns, watchdog_ns;
	struct steer_round steering;
	struct burst_round bursts;
	unsigned int rounds;
	bool read_register; /* whatever the stamp says */
	struct above above;
	struct disks disks;
	struct events events;
	struct host_round host;
	struct host_marks marks;
};

/* The ledger is to tell of the roster's workspaces. */
int keeper_watch_charges(struct keeper *k, struct error *err);
/* Looks for a ledger that is off, now and then. */
void keeper_open_ledger(struct keeper *k);
/* At what others have set since, and whether the groups are there still: one after the other, each every two seconds. */
void keeper_look_at_quotas(struct keeper *k);
/* Reads what is charged, lets the controller decide, and writes what has changed. */
int keeper_keep_cpu(struct keeper *k, struct error *err);
/* Of disks, at each look at them; nobody else asks. */
int keeper_count_requests(struct keeper *k, struct error *err);
