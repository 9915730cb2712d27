// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a cgroup is, or was, by the ids that slots of the ledger have noted. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ledger/cgroups.h"
#include "ledger/hierarchy.h"
#include "tap.h"

#define SLOTS (WIRE_SLOT_FIRST + 2)
enum { OUTER = WIRE_SLOT_FIRST, INNER };

/* Two cgroups, one in the other, and their slots. */
struct pair {
	struct ledger_hierarchy hierarchy;
	int mount;
	char outer[64], inner[80]; /* paths in the hierarchy */
	struct wire_slot_info slots[SLOTS];
};

static void make_cgroup(int mount, const char *path, __u64 *id)
{
	struct stat st;

	must(mkdirat(mount, path + 1, 0755) == 0);
	must(fstatat(mount, path + 1, &st, 0) == 0);
	*id = st.st_ino;
}

static void make_pair(struct pair *pair)
{
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	*pair = (struct pair){.mount = -1};
	if (geteuid() != 0)
		skip("needs root");
	is_int(ledger_hierarchy_find(proc, &pair->hierarchy, &err), 0);
	if (!pair->hierarchy.mount)
		skip("no control groups are mounted");
	pair->mount = open(pair->hierarchy.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(pair->outer, sizeof(pair->outer), "/behalf-test-cgroups-%d", (int)getpid());
	snprintf(pair->inner, sizeof(pair->inner), "%s/inner", pair->outer);
	make_cgroup(pair->mount, pair->outer, &pair->slots[OUTER].id);
	make_cgroup(pair->mount, pair->inner, &pair->slots[INNER].id);
	pair->slots[INNER].parent_id = pair->slots[OUTER].id;
}

static void cleanup_pair(struct pair *pair)
{
	unlinkat(pair->mount, pair->inner + 1, AT_REMOVEDIR);
	unlinkat(pair->mount, pair->outer + 1, AT_REMOVEDIR);
	close(pair->mount);
	ledger_hierarchy_free(&pair->hierarchy);
}

static void is_called(const struct pair *pair, uint32_t slot, const char *above)
{
	_cleanup_free_ char *path =
		ledger_slot_path(pair->mount, pair->hierarchy.mount, pair->slots, SLOTS, slot);
	char want[128];

	snprintf(want, sizeof(want), "%scgroup-%llu", above,
		 (unsigned long long)pair->slots[slot].id);
	is_str(path, want);
}

TEST(a_cgroup_that_is_gone_is_below_who_inherits_it)
{
	_cleanup_(cleanup_pair) struct pair pair;
	_cleanup_free_ char *path = NULL;
	char above[80];

	make_pair(&pair);
	if (pair.mount < 0)
		return;
	path = ledger_slot_path(pair.mount, pair.hierarchy.mount, pair.slots, SLOTS, INNER);
	is_str(path, pair.inner);
	unlinkat(pair.mount, pair.inner + 1, AT_REMOVEDIR);
	snprintf(above, sizeof(above), "%s/", pair.outer);
	is_called(&pair, INNER, above);
	/* nobody there any more but the root */
	unlinkat(pair.mount, pair.outer + 1, AT_REMOVEDIR);
	is_called(&pair, INNER, "");
	is_called(&pair, OUTER, "");
}
