/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who has which address of the private network: one small file for each address that is given out,
 * in a directory for the host's network namespace. What a lease names (a link) is made after its
 * file and removed before it, so that nothing exists that no file tells of.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/netlink_address.h"

struct leases;

struct lease {
	uint32_t address;
	char link[IFNAMSIZ]; /* the host's end */
	char *root, *id;     /* the container, and the state directory it is kept in */
};

/*
 * Opens the leases of the caller's network namespace and takes the lock on them; waits for it.
 * Without MAKE -ENOENT, and nothing said, when nothing is leased. The caller's to leases_close.
 */
int leases_open(bool make, struct leases **leases, struct error *err);

/* The range that addresses are taken from, once it was set; its prefix is 0 before. */
struct ipv4_range leases_range(const struct leases *leases);
int leases_set_range(struct leases *leases, const struct ipv4_range *range, struct error *err);

/* Those that are given out. Valid until something is added or removed. */
size_t leases_count(const struct leases *leases);
const struct lease *leases_get(const struct leases *leases, size_t i);

/*
 * Gives out the lowest free address of the range. Not given: the network's own, its broadcast, and
 * the first, which is the bridge's. -ENOSPC when all are taken. *LEASE belongs to LEASES.
 */
int leases_add(struct leases *leases, const char *root, const char *id, const struct lease **lease,
	       struct error *err);

/* Takes the lease of ADDRESS back. */
int leases_remove(struct leases *leases, uint32_t address, struct error *err);

/* Removes the directory, with the range in it; for when nothing is leased any more. */
int leases_destroy(struct leases *leases, struct error *err);

void leases_close(struct leases *leases);
void cleanup_leases(struct leases **leases);
