/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What some cgroups are charged, read often and cheaply: the ledger stays open, and of its accounts only those
 * are looked at that belong to the watched cgroups. For everything else there is ledger/snapshot.h.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Since the ledger was switched on; of a cgroup and all below it. Small steps back are possible. */
struct ledger_charge {
	uint64_t own_ns, behalf_ns, imposed_ns;
	uint64_t *behalf_cpu_ns; /* by CPU; owned by the reader */
};

struct ledger_charges;

/* Opens the pinned ledger. -ENOENT with a sentence when it is off. */
int ledger_charges_open(struct ledger_charges **charges, struct error *err);
void ledger_charges_close(struct ledger_charges *charges);
void cleanup_ledger_charges(struct ledger_charges **charges);

/* How many CPUs the figures by CPU are for. */
unsigned int ledger_charges_cpus(const struct ledger_charges *charges);

/* Whether the kernel keeps the time of interrupts apart, and bills it to nobody. */
int ledger_charges_irq_time(const struct ledger_charges *charges);

/* From now on these N cgroups, by their path in the accounted hierarchy ("/a/b"); copies them. */
int ledger_charges_watch(struct ledger_charges *charges, const char *const *paths, size_t n,
			 struct error *err);

/* Reads all. -ESTALE when the ledger that was opened is no longer on: close it, and open it again. */
int ledger_charges_read(struct ledger_charges *charges, struct error *err);

/*
 * How many block requests of each watched cgroup, and of those below it, are under way now, of those whose owner is
 * known: at REQUESTS[I], as many as are watched. All zero where the ledger does not tell.
 */
void ledger_charges_requests(struct ledger_charges *charges, uint32_t *requests);

/* What was read of watched cgroup I; I == N: of everybody else on behalf of whom the kernel worked. */
const struct ledger_charge *ledger_charges_of(const struct ledger_charges *charges, size_t i);
