/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The ledger's place in the BPF file system. What is on is what is pinned at LEDGER_PATH. A ledger is
 * built beside it and comes there by one rename, so that a reader finds all of one or nothing; a loader
 * that was killed leaves a directory that the next one removes. A lock on the root of the file system
 * keeps loaders apart.
 */
#include <stdint.h>

#include "base/error.h"
#include "kernel/bpffs.h"

/* Where the ledger is pinned: maps by name, links below links/. */
#define LEDGER_PATH BPFFS_PATH "/behalf"

/* Where one is built. No dots: the file system keeps names with dots for itself. */
#define LEDGER_BUILD_PREFIX "behalf_new_"
#define LEDGER_BUILD_PATH BPFFS_PATH "/" LEDGER_BUILD_PREFIX "0"

/* Waits for the lock; *LOCK is the caller's to close, which unlocks. */
int ledger_pins_lock(int *lock, struct error *err);

/* Makes the directories of LEDGER_BUILD_PATH. */
int ledger_pins_begin(struct error *err);

/* What was built is the ledger from here on; one that was there is where it was built. */
int ledger_pins_publish(struct error *err);

/* Removes the ledger. */
int ledger_pins_remove(struct error *err);

/* Removes what loaders that were killed, or have published, left. */
int ledger_pins_remove_builds(struct error *err);

/*
 * How often the kernel did not run one of the programs whose links are below PATH because that program was
 * running on the CPU already, over all of them.
 */
uint64_t ledger_pins_misses(const char *path);
