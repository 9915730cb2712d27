// SPDX-License-Identifier: GPL-2.0-or-later
/* Reserves of a disk, beside neighbours, on a disk of arithmetic. */
#include "tap.h"

#include <string.h>

#include "base/cleanup.h"
#include "keeper/disk_control.h"

#define MB 1e6
#define DISK (100 * MB)

/* What each would use if it could; the disk is split in proportion to that, within caps. */
static void run_disk(struct disk_user *users, const double *wanted, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double cap = users[i].cap[TERMS_WRITE];

		users[i].rate[TERMS_WRITE] = cap > 0 && cap < wanted[i] ? cap : wanted[i];
		sum += users[i].rate[TERMS_WRITE];
	}
	for (size_t i = 0; i < n; i++) {
		if (sum > DISK)
			users[i].rate[TERMS_WRITE] *= DISK / sum;
		users[i].lacks[TERMS_WRITE] = users[i].rate[TERMS_WRITE] <
						      users[i].reserve[TERMS_WRITE] &&
					      users[i].rate[TERMS_WRITE] < wanted[i];
	}
}

static void look(struct disk_user *users, const double *wanted, size_t n, int times)
{
	for (int i = 0; i < times; i++) {
		run_disk(users, wanted, n);
		disk_control(users, n);
	}
	run_disk(users, wanted, n);
}

TEST(a_reserve_is_got_beside_those_who_want_all)
{
	struct disk_user users[3] = {{.reserve = {[TERMS_WRITE] = 40 * MB}}};
	const double wanted[] = {50 * MB, 400 * MB, 300 * MB};
	double got = 0, all = 0;

	look(users, wanted, 3, 20);
	for (int i = 0; i < 100; i++) {
		look(users, wanted, 3, 1);
		got += users[0].rate[TERMS_WRITE] / 100;
		for (int j = 0; j < 3; j++)
			all += users[j].rate[TERMS_WRITE] / 100;
	}
	ok(got >= 0.9 * 40 * MB, "%.1f MB/s", got / MB);
	ok(all >= 0.85 * DISK, "the disk does %.1f MB/s", all / MB);
	ok(users[0].cap[TERMS_WRITE] == 0);
}

TEST(without_one_who_asks_nobody_is_held)
{
	struct disk_user users[2] = {{.reserve = {[TERMS_WRITE] = 40 * MB}}};
	const double contended[] = {50 * MB, 400 * MB}, alone[] = {0, 400 * MB};

	look(users, contended, 2, 20);
	ok(users[1].cap[TERMS_WRITE] > 0);
	look(users, alone, 2, 30);
	ok(users[1].cap[TERMS_WRITE] == 0, "%.1f MB/s", users[1].cap[TERMS_WRITE] / MB);
	ok(users[1].rate[TERMS_WRITE] > 0.99 * DISK);
}

TEST(a_neighbours_own_reserve_is_its_own)
{
	struct disk_user users[2] = {{.reserve = {[TERMS_WRITE] = 90 * MB}},
				     {.reserve = {[TERMS_WRITE] = 30 * MB}}};
	const double wanted[] = {400 * MB, 400 * MB};

	/* more is promised than there is: the other keeps what it was promised all the same */
	look(users, wanted, 2, 50);
	ok(users[1].cap[TERMS_WRITE] == 0 || users[1].cap[TERMS_WRITE] >= 30 * MB);
}

/* A journal waits for what the throttled one has dirty: never long. */
TEST(what_others_may_wait_for_is_never_held_long)
{
	struct disk_user users[2] = {{.reserve = {[TERMS_WRITE] = 200 * MB}},
				     {.dirty_bytes = 4 * MB}};
	const double wanted[] = {400 * MB, 400 * MB};

	look(users, wanted, 2, 100);
	ok(users[1].cap[TERMS_WRITE] >= 40 * MB, "%.1f MB/s", users[1].cap[TERMS_WRITE] / MB);
	/* more of it: the cap follows at once */
	users[1].dirty_bytes = 9 * MB;
	look(users, wanted, 2, 1);
	ok(users[1].cap[TERMS_WRITE] == 0 || users[1].cap[TERMS_WRITE] >= 90 * MB);
	/* and nobody is stopped altogether */
	users[1].dirty_bytes = 0;
	look(users, wanted, 2, 100);
	ok(users[1].cap[TERMS_WRITE] >= DISK_FLOOR_BYTES);
}

TEST(a_higher_share_gives_up_less)
{
	struct disk_user users[3] = {
		{.reserve = {[TERMS_WRITE] = 60 * MB}}, {.share = 400}, {.share = 100}};
	const double wanted[] = {100 * MB, 300 * MB, 300 * MB};

	look(users, wanted, 3, 6);
	ok(users[1].rate[TERMS_WRITE] > users[2].rate[TERMS_WRITE] * 1.3, "%.1f and %.1f MB/s",
	   users[1].rate[TERMS_WRITE] / MB, users[2].rate[TERMS_WRITE] / MB);
}
