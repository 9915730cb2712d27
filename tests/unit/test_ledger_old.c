// SPDX-License-Identifier: GPL-2.0-or-later
/* The books of a ledger that is to be taken over, in memory that looks like its maps. */
#include "tap.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ledger/old.h"

#define MEMBER(type, member)                                                                       \
	{                                                                                          \
		offsetof(type, member), sizeof(((type *)0)->member), 1                             \
	}

struct maps {
	struct {
		uint32_t slots, next_slot, fold_begun, fold_ended;
	} book;
	uint64_t total, slot;
};

/* What a closed account had is on its way from one row to another while it is folded: it is in both, or in none. */
TEST(a_fold_under_way_is_waited_for)
{
	struct maps *maps = mmap(NULL, sizeof(*maps), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ledger_old old = {
		.book = {.memory = (const char *)&maps->book},
		.totals = {.memory = (const char *)&maps->total, .value_bytes = 8},
		.slots = {.memory = (const char *)&maps->slot, .value_bytes = 8},
		.in_book = {.slots = MEMBER(struct maps, book.slots),
			    .next_slot = MEMBER(struct maps, book.next_slot),
			    .fold_begun = MEMBER(struct maps, book.fold_begun),
			    .fold_ended = MEMBER(struct maps, book.fold_ended)},
	};
	struct ledger_old_copy copy;
	struct error err = {0};
	pid_t child;

	must(maps != MAP_FAILED);
	*maps = (struct maps){.book = {.slots = 1, .next_slot = 1, .fold_begun = 1}, .total = 5};
	child = fork();
	must(child >= 0);
	if (child == 0) {
		const struct timespec pause = {.tv_nsec = 3000000};

		nanosleep(&pause, NULL);
		maps->total = 7;
		__atomic_store_n(&maps->book.fold_ended, 1, __ATOMIC_RELEASE);
		_exit(0);
	}
	is_int(ledger_old_copy(&old, &copy, &err), 0);
	is_uint(*(const uint64_t *)(const void *)ledger_old_copy_row(&old, &copy, 0, 0), 7);
	ledger_old_copy_free(&copy);
	is_int(waitpid(child, NULL, 0), child);
	munmap(maps, sizeof(*maps));
}
