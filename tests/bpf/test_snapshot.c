// SPDX-License-Identifier: GPL-2.0-or-later
/* Differences of snapshots, with accounts that come and go in between. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ledger/difference.h"
#include "tap.h"

static struct ledger_snapshot *snapshot(uint64_t wall_ns, size_t n)
{
	struct ledger_snapshot *s = calloc(1, sizeof(*s));

	s->cpus = 2;
	s->wall_ns = wall_ns;
	s->accounts = calloc(n, sizeof(*s->accounts));
	return s;
}

static struct ledger_account *add(struct ledger_snapshot *s, uint64_t id, const char *path)
{
	struct ledger_account *a = &s->accounts[s->n_accounts++];

	a->id = id;
	a->cgroup = strdup(path);
	a->name = strdup(path);
	return a;
}

static void set(struct ledger_account *a, uint64_t user_ns, uint64_t kernel_ns, uint64_t rx_ns,
		uint64_t imposed_ns, uint64_t says_ns)
{
	a->own_user_ns = user_ns;
	a->own_kernel_ns = kernel_ns;
	a->behalf_ns[WIRE_NET_RX] = rx_ns;
	a->imposed_ns = imposed_ns;
	a->kernel_says_ns = says_ns;
}

#define _cleanup_snapshot_ _cleanup_(cleanup_ledger_snapshot)

TEST(difference_by_account)
{
	_cleanup_snapshot_ struct ledger_snapshot *earlier = snapshot(100, 1);
	_cleanup_snapshot_ struct ledger_snapshot *later = snapshot(150, 2);

	set(add(earlier, 5, "/a"), 10, 20, 7, 3, 9);
	set(add(later, 5, "/a"), 15, 22, 17, 4, 19);
	add(later, 6, "/new")->own_user_ns = 11;
	ledger_snapshot_subtract(later, earlier);
	is_uint(later->wall_ns, 50);
	is_uint(later->accounts[0].own_user_ns, 5);
	is_uint(later->accounts[0].own_kernel_ns, 2);
	is_uint(later->accounts[0].behalf_ns[WIRE_NET_RX], 10);
	is_uint(later->accounts[0].imposed_ns, 1);
	is_uint(later->accounts[0].kernel_says_ns, 10);
	is_uint(later->accounts[1].own_user_ns, 11);
}

TEST(corrected_split_keeps_the_sum)
{
	_cleanup_snapshot_ struct ledger_snapshot *earlier = snapshot(100, 1);
	_cleanup_snapshot_ struct ledger_snapshot *later = snapshot(150, 1);

	add(earlier, 5, "/a")->own_user_ns = 30;
	add(later, 5, "/a")->own_kernel_ns = 36;
	ledger_snapshot_subtract(later, earlier);
	is_uint(later->accounts[0].own_user_ns, 0);
	is_uint(later->accounts[0].own_kernel_ns, 6);
}

TEST(closed_account_leaves_its_heir_only_the_interval)
{
	_cleanup_snapshot_ struct ledger_snapshot *earlier = snapshot(100, 3);
	_cleanup_snapshot_ struct ledger_snapshot *later = snapshot(150, 2);

	add(earlier, 1, "/")->own_user_ns = 1000;
	add(earlier, 5, "/a")->own_user_ns = 10;
	add(earlier, 6, "/a/b")->own_user_ns = 500;
	add(later, 1, "/")->own_user_ns = 1001;
	/* /a/b had 520 when it was removed */
	add(later, 5, "/a")->own_user_ns = 10 + 4 + 520;
	ledger_snapshot_subtract(later, earlier);
	is_uint(later->accounts[0].own_user_ns, 1);
	is_uint(later->accounts[1].own_user_ns, 24);
}

static struct ledger_part *parts_of(struct ledger_snapshot *s, struct ledger_account *a)
{
	s->n_parts = 3; /* two CPUs, and what removed accounts left */
	a->parts = calloc(s->n_parts, sizeof(*a->parts));
	return a->parts;
}

TEST(parts_lose_what_an_heir_inherited_from_the_last_one)
{
	_cleanup_snapshot_ struct ledger_snapshot *earlier = snapshot(100, 2);
	_cleanup_snapshot_ struct ledger_snapshot *later = snapshot(150, 1);
	_cleanup_snapshot_ struct ledger_snapshot *copy = NULL;
	struct ledger_part *parts;

	parts = parts_of(earlier, add(earlier, 5, "/a"));
	parts[1].own_ns = 10;
	parts[2].interrupt_ns = 7;
	parts = parts_of(earlier, add(earlier, 6, "/a/b"));
	parts[0].own_ns = 500;
	parts[1].behalf_ns[WIRE_NET_RX] = 20;
	parts = parts_of(later, add(later, 5, "/a"));
	parts[1].own_ns = 14;
	parts[2].own_ns = 520;
	parts[2].interrupt_ns = 7;
	parts[2].behalf_ns[WIRE_NET_RX] = 21;
	copy = ledger_snapshot_copy(later);
	must(copy != NULL);
	ledger_snapshot_subtract(copy, earlier);
	parts = copy->accounts[0].parts;
	is_uint(parts[0].own_ns, 0);
	is_uint(parts[1].own_ns, 4);
	is_uint(parts[2].own_ns, 20);
	is_uint(parts[2].interrupt_ns, 0);
	is_uint(ledger_part_behalf_ns(&parts[2]), 1);
	/* what was copied is as it was */
	is_uint(later->accounts[0].parts[2].own_ns, 520);
}

#define CPUS 2

/* Two CPUs were idle for IDLE_NS and the accounts have the other time: figures by CPU, and their sums. */
static void tell_rows(struct ledger_snapshot *s, uint64_t idle_0_ns, uint64_t idle_1_ns)
{
	s->n_parts = CPUS + 1;
	s->idle_parts_ns = calloc(s->n_parts, sizeof(*s->idle_parts_ns));
	s->unattributed_parts = calloc(s->n_parts, sizeof(*s->unattributed_parts));
	s->idle_parts_ns[0] = idle_0_ns;
	s->idle_parts_ns[1] = idle_1_ns;
	s->idle_ns = idle_0_ns + idle_1_ns;
}

/* The account has this as own and as receiving on CPU (the last: of none). */
static void tell_part(struct ledger_snapshot *s, struct ledger_account *a, size_t cpu,
		      uint64_t own_ns, uint64_t rx_ns)
{
	if (!a->parts)
		a->parts = calloc(s->n_parts, sizeof(*a->parts));
	a->parts[cpu].own_ns += own_ns;
	a->parts[cpu].behalf_ns[WIRE_NET_RX] += rx_ns;
	a->own_user_ns += own_ns;
	a->behalf_ns[WIRE_NET_RX] += rx_ns;
}

static uint64_t sum_of(const struct ledger_snapshot *s)
{
	uint64_t sum_ns = s->idle_ns;

	for (size_t i = 0; i < WIRE_CLASSES; i++)
		sum_ns += s->unattributed_ns[i];
	for (size_t i = 0; i < s->n_accounts; i++)
		sum_ns += ledger_account_charge_ns(&s->accounts[i]);
	return sum_ns;
}

/* What was counted for one and went to another is not in the interval twice, and who was on another CPU has no part. */
TEST(step_back_is_taken_off_who_gained_on_that_cpu)
{
	_cleanup_snapshot_ struct ledger_snapshot *earlier = snapshot(1000, 2);
	_cleanup_snapshot_ struct ledger_snapshot *later = snapshot(1100, 2);

	/* the packet that CPU 0 is at looks like the host's, and has for 40 */
	tell_rows(earlier, 700, 900);
	add(earlier, 1, "/");
	tell_part(earlier, &earlier->accounts[0], 0, 0, 240);
	add(earlier, 5, "/a");
	tell_part(earlier, &earlier->accounts[1], 0, 60, 0);
	tell_part(earlier, &earlier->accounts[1], 1, 100, 0);
	/* it was /a's; 90 on it since, 10 idle */
	tell_rows(later, 710, 950);
	add(later, 1, "/");
	tell_part(later, &later->accounts[0], 0, 0, 200);
	add(later, 5, "/a");
	tell_part(later, &later->accounts[1], 0, 60, 130);
	tell_part(later, &later->accounts[1], 1, 150, 0);

	ledger_snapshot_subtract(later, earlier);
	is_uint(ledger_account_charge_ns(&later->accounts[0]), 0);
	is_uint(later->accounts[1].own_user_ns, 50);
	/* 130 of the 140 that were gained there, of which 100 are true */
	is_uint(later->accounts[1].behalf_ns[WIRE_NET_RX], 92);
	is_uint(later->accounts[1].parts[0].behalf_ns[WIRE_NET_RX], 92);
	is_uint(later->accounts[1].parts[1].own_ns, 50);
	is_uint(later->idle_parts_ns[0], 7);
	is_uint(later->idle_parts_ns[1], 50);
	is_uint(later->idle_ns, 57);
	ok(sum_of(later) <= 200 && sum_of(later) >= 198, "the sum is %llu",
	   (unsigned long long)sum_of(later));
}

TEST(step_back_of_an_account_that_was_removed)
{
	_cleanup_snapshot_ struct ledger_snapshot *earlier = snapshot(1000, 2);
	_cleanup_snapshot_ struct ledger_snapshot *later = snapshot(1100, 2);

	tell_rows(earlier, 900, 1000);
	add(earlier, 1, "/");
	tell_part(earlier, &earlier->accounts[0], 0, 20, 0);
	add(earlier, 5, "/a");
	tell_part(earlier, &earlier->accounts[1], 0, 0, 80);
	/* 30 of the 80 were /b's; /a got 10 more before it was removed, and the host has what it had */
	tell_rows(later, 950, 1100);
	add(later, 1, "/");
	tell_part(later, &later->accounts[0], 0, 60, 0);
	tell_part(later, &later->accounts[0], CPUS, 0, 60);
	add(later, 6, "/b");
	tell_part(later, &later->accounts[1], 0, 0, 30);

	ledger_snapshot_subtract(later, earlier);
	is_uint(later->accounts[0].behalf_ns[WIRE_NET_RX], 0);
	is_uint(later->accounts[1].behalf_ns[WIRE_NET_RX], 27);
	ok(sum_of(later) <= 200 && sum_of(later) >= 196, "the sum is %llu",
	   (unsigned long long)sum_of(later));
}
