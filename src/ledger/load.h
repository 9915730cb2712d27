/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/bpffs.h"

/* Where the ledger is pinned: maps by name, links below links/. */
#define LEDGER_PATH BPFFS_PATH "/behalf"
#define LEDGER_LINKS_PATH LEDGER_PATH "/links"

/*
 * Switches the ledger on: loads the programs, attaches them, opens the books of all CPUs and pins
 * it all. *CHANGED is false when it was on already. -ENOENT without BTF, -EPERM without privileges,
 * -EEXIST when a ledger of another version is on; what the kernel says otherwise.
 */
int ledger_on(bool *changed, struct error *err);

/* Switches the ledger off and removes all of it; *CHANGED is false when it was off already. */
int ledger_off(bool *changed, struct error *err);

/*
 * What the ledger needs and this host lacks, as one sentence in ERR; 0 when it could be switched on
 * as far as that can be told without doing it.
 */
int ledger_check(struct error *err);

/*
 * Which hooks this kernel has a place for, as bits by index in ledger_hooks, and whether accounts would be
 * cgroups of v2; without switching anything on. Needs what ledger_check needs.
 */
int ledger_hooks_probe(uint64_t *there, bool *unified, struct error *err);
