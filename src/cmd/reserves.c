// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/reserves.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "promises/promises.h"

static void fill_one(struct ledger_snapshot *snapshot, const struct promise *promise)
{
	const char *directory = promise->cgroup ? cgroup_directory(promise->cgroup, CGROUP_CPU)
						: NULL;
	struct stat st;

	if (!promise->terms.cpu.reserve_mcores || !directory || stat(directory, &st) < 0)
		return;
	for (size_t i = 0; i < snapshot->n_accounts; i++) {
		/* the id of a group is the number of its inode, see ledger/snapshot.h */
		if (snapshot->accounts[i].id == st.st_ino)
			snapshot->accounts[i].reserved_ns +=
				(uint64_t)((double)snapshot->wall_ns *
					   promise->terms.cpu.reserve_mcores / 1000);
	}
}

void reserves_fill(struct ledger_snapshot *snapshot)
{
	_cleanup_(promise_list_clear) struct promise_list list = {0};
	struct error err = {0}, told;
	size_t damaged;

	if (promises_read_readable(&list, &damaged, &told, &err) < 0) {
		log_debug("%s", err.text);
		return;
	}
	for (size_t i = 0; i < list.n; i++)
		fill_one(snapshot, &list.items[i]);
}
