// SPDX-License-Identifier: GPL-2.0-or-later
/* Which cgroup hierarchy is accounted, from recorded forms of /proc. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ledger/hierarchy.h"
#include "tap.h"

#define V2 "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define HYBRID "31 24 0:27 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n"
#define CPU "32 24 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
#define CPUACCT "33 24 0:29 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
#define TOGETHER "32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define CPUSET "34 24 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
#define PART "35 24 0:28 /docker/x /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
#define BLANK "36 24 0:28 / /mnt/my\\040cgroups rw - cgroup cgroup rw,cpu\n"

static void put(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/self/%s", dir, name);
	file = fopen(path, "we");
	must(file);
	fputs(text, file);
	fclose(file);
}

static void find(const char *mounts, const char *groups, struct ledger_hierarchy *found)
{
	char dir[] = "/tmp/test_hierarchy.XXXXXX", self[64];
	_cleanup_close_ int proc = -1;
	struct error err = {0};

	must(mkdtemp(dir));
	snprintf(self, sizeof(self), "%s/self", dir);
	must(mkdir(self, 0700) == 0);
	put(dir, "mountinfo", mounts);
	put(dir, "cgroup", groups);
	proc = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	is_int(ledger_hierarchy_find(proc, found, &err), 0);
	unlinkat(proc, "self/mountinfo", 0);
	unlinkat(proc, "self/cgroup", 0);
	unlinkat(proc, "self", AT_REMOVEDIR);
	rmdir(dir);
}

TEST(hierarchies)
{
	static const struct {
		const char *mounts, *groups;
		bool unified;
		int id;
		const char *mount, *usage;
	} cases[] = {
		{V2, "0::/user.slice\n", true, 0, "/sys/fs/cgroup", NULL},
		{CPUSET CPU CPUACCT HYBRID, "3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/\n", false, 1,
		 "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpuacct"},
		{HYBRID TOGETHER, "7:cpu,cpuacct:/a\n0::/\n", false, 7,
		 "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct"},
		{HYBRID CPUSET, "3:cpuset:/\n0::/\n", true, 0, "/sys/fs/cgroup/unified", NULL},
		{PART, "1:cpu:/\n", false, 1, NULL, NULL},
		{PART BLANK, "1:cpu:/\n", false, 1, "/mnt/my cgroups", NULL},
		{"", "", true, 0, NULL, NULL},
		{"nonsense\n1 2 3 - \n - cgroup\n", "x\n:\n1:\n", true, 0, NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_hierarchy_ struct ledger_hierarchy found = {0};

		note("case %zu", i);
		find(cases[i].mounts, cases[i].groups, &found);
		is_int(found.unified, cases[i].unified);
		is_int(found.id, cases[i].id);
		is_str(found.mount, cases[i].mount);
		is_str(found.usage, cases[i].usage);
	}
}
