// SPDX-License-Identifier: GPL-2.0-or-later
/* Where controllers are found, on recorded hosts; and the paths that name a group. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/paths.h"
#include "kernel/cgroup.h"
#include "tap.h"

static char tree[] = "/tmp/behalf-test-layout.XXXXXX";

static void record(const char *path, const char *text)
{
	char whole[512], *slash;
	FILE *f;

	snprintf(whole, sizeof(whole), "%s/%s", tree, path);
	slash = strrchr(whole, '/');
	*slash = '\0';
	path_make_directories(whole, 0755);
	*slash = '/';
	f = fopen(whole, "we");
	must(f);
	fputs(text, f);
	fclose(f);
}

static void remove_tree(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", tree);
	ok(system(command) == 0);
}

/* Reads the layout of a recorded host; CONTROLLERS is the v2 file at V2_MOUNT, when not NULL. */
static void replay(const char *mountinfo, const char *v2_mount, const char *controllers,
		   struct cgroup_layout **layout)
{
	_cleanup_close_ int root = -EBADF;
	struct error err = {0};
	char path[256];

	must(mkdtemp(tree));
	record("proc/self/mountinfo", mountinfo);
	if (v2_mount) {
		snprintf(path, sizeof(path), "%s/cgroup.controllers", v2_mount + 1);
		record(path, controllers);
	}
	root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(cgroup_layout_read_at(root, layout, &err) == 0, "%s", err.text);
	remove_tree();
}

TEST(a_systemd_host_with_v2)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;

	replay("22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
	       "28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
	       "29 22 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 "
	       "cgroup2 rw,nsdelegate,memory_recursiveprot\n"
	       "30 22 0:26 / /sys/fs/pstore rw - pstore pstore rw\n",
	       "/sys/fs/cgroup", "cpuset cpu io memory hugetlb pids rdma misc\n", &l);
	must(l);
	is_int(cgroup_layout_mode(l), CGROUP_UNIFIED);
	is_int(cgroup_layout_version(l, CGROUP_CPU), 2);
	is_int(cgroup_layout_version(l, CGROUP_IO), 2);
	is_int(cgroup_layout_version(l, CGROUP_DEVICES), 0);
	is_str(cgroup_layout_mount(l, CGROUP_MEMORY), "/sys/fs/cgroup");
}

TEST(a_host_with_v1_and_controllers_mounted_together)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;

	replay("25 1 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n"
	       "28 25 0:25 / /sys/fs/cgroup/systemd rw shared:5 - cgroup cgroup "
	       "rw,xattr,release_agent=/lib/systemd/systemd-cgroups-agent,name=systemd\n"
	       "29 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	       "30 25 0:27 / /sys/fs/cgroup/net_cls,net_prio rw - cgroup cgroup "
	       "rw,net_cls,net_prio\n"
	       "31 25 0:28 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n"
	       "32 25 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	       "33 25 0:29 / /mnt/again rw - cgroup cgroup rw,memory\n",
	       NULL, NULL, &l);
	must(l);
	is_int(cgroup_layout_mode(l), CGROUP_LEGACY);
	is_str(cgroup_layout_mount(l, CGROUP_CPU), "/sys/fs/cgroup/cpu,cpuacct");
	is_str(cgroup_layout_mount(l, CGROUP_CPUACCT), "/sys/fs/cgroup/cpu,cpuacct");
	is_str(cgroup_layout_mount(l, CGROUP_NET_PRIO), "/sys/fs/cgroup/net_cls,net_prio");
	is_str(cgroup_layout_mount(l, CGROUP_IO), "/sys/fs/cgroup/blkio");
	is_str(cgroup_layout_mount(l, CGROUP_MEMORY), "/sys/fs/cgroup/memory");
	is_int(cgroup_layout_version(l, CGROUP_PIDS), 0);
	is_str(cgroup_layout_mount(l, CGROUP_PIDS), NULL);
	is_str(cgroup_layout_mount(l, CGROUP_CORE), "/sys/fs/cgroup/systemd");
}

TEST(a_hybrid_with_some_controllers_on_v2)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;

	replay("25 1 0:22 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
	       "32 25 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	       "28 25 0:25 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
	       "26 25 0:23 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n",
	       "/sys/fs/cgroup/unified", "hugetlb pids\n", &l);
	must(l);
	is_int(cgroup_layout_mode(l), CGROUP_HYBRID);
	is_int(cgroup_layout_version(l, CGROUP_HUGETLB), 2);
	is_int(cgroup_layout_version(l, CGROUP_MEMORY), 1);
	is_int(cgroup_layout_version(l, CGROUP_CPU), 0);
	/* The v2 hierarchy leads, wherever it stands in the list. */
	is_str(cgroup_layout_mount(l, CGROUP_CORE), "/sys/fs/cgroup/unified");
}

TEST(v2_mounted_elsewhere_under_a_name_with_a_space)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;

	replay("28 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
	       "40 28 0:31 / /mnt/my\\040groups rw master:1 - cgroup2 none rw\n",
	       "/mnt/my groups", "cpu memory\n", &l);
	must(l);
	is_int(cgroup_layout_mode(l), CGROUP_UNIFIED);
	is_str(cgroup_layout_mount(l, CGROUP_CPU), "/mnt/my groups");
}

TEST(inside_a_container_with_a_cgroup_namespace)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;

	replay("500 400 0:25 /../../.. /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n",
	       "/sys/fs/cgroup", "cpu\n", &l);
	must(l);
	is_int(cgroup_layout_mode(l), CGROUP_UNIFIED);
	is_int(cgroup_layout_version(l, CGROUP_MEMORY), 0);
}

TEST(a_part_of_v1_hierarchies_inside_a_container)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;

	replay("500 400 0:25 /docker/0123 /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n"
	       "501 400 0:26 /docker/0123 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup "
	       "rw,cpu,cpuacct\n",
	       NULL, NULL, &l);
	must(l);
	is_int(cgroup_layout_mode(l), CGROUP_LEGACY);
	is_str(cgroup_layout_mount(l, CGROUP_PIDS), "/sys/fs/cgroup/pids");
}

TEST(no_cgroups_at_all)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	_cleanup_free_ char *text = NULL;
	struct error err = {0};

	replay("28 1 254:1 / / rw - ext4 /dev/vda1 rw\nbroken line - cgroup\n - cgroup2\n", NULL,
	       NULL, &l);
	must(l);
	is_int(cgroup_layout_mode(l), CGROUP_NONE);
	must(cgroup_create(l, "/x", &cg, &err) == 0);
	is_int(cgroup_clone_fd(cg), -EBADF);
	is_int(cgroup_read(cg, CGROUP_CPU, "cpu.shares", &text, &err), -ENODEV);
	is_str(err.text, "no cgroup hierarchy is mounted");
}

/* Mounts on top of others, as engines and tests make them; seen by this kernel itself. */
TEST(hidden_mounts_do_not_count)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *before = NULL, *after = NULL;
	struct error err = {0};
	const char *core;

	if (geteuid() != 0)
		skip("needs root");
	must(cgroup_layout_read(&before, &err) == 0, "%s", err.text);
	core = cgroup_layout_mount(before, CGROUP_CORE);
	if (!core)
		skip("no cgroups");
	must(unshare(CLONE_NEWNS) == 0);
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	must(mount("none", core, "tmpfs", 0, "size=4k") == 0);
	must(cgroup_layout_read(&after, &err) == 0, "%s", err.text);
	if (cgroup_layout_mode(before) == CGROUP_HYBRID)
		is_int(cgroup_layout_mode(after), CGROUP_LEGACY);
	cgroup_layout_free(after);
	after = NULL;
	must(mount("none", "/sys", "tmpfs", 0, "size=4k") == 0);
	must(cgroup_layout_read(&after, &err) == 0, "%s", err.text);
	is_int(cgroup_layout_mode(after), CGROUP_NONE);
}

TEST(this_host)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;
	struct error err = {0};

	must(cgroup_layout_read(&l, &err) == 0, "%s", err.text);
	note("%s", cgroup_mode_name(cgroup_layout_mode(l)));
	for (int c = CGROUP_CORE + 1; c < CGROUP_CONTROLLERS; c++)
		note("%s: v%d at %s", cgroup_controller_name(c, cgroup_layout_version(l, c)),
		     cgroup_layout_version(l, c),
		     cgroup_layout_mount(l, c) ? cgroup_layout_mount(l, c) : "nowhere");
}

TEST(paths)
{
	static const struct {
		const char *given, *path, *sentence;
	} cases[] = {
		{"/a/b", "/a/b", NULL},		 {"//a///b/", "/a/b", NULL},
		{"x", "/behalf/x", NULL},	 {"x/y", "/behalf/x/y", NULL},
		{"/a:b", "/a:b", NULL},		 {"system.slice:behalf:x", NULL, "systemd"},
		{":behalf:x", NULL, "systemd"},	 {"/", NULL, "is the root"},
		{"", NULL, "is the root"},	 {"/a/../b", NULL, "contains '..'"},
		{"../b", NULL, "contains '..'"}, {"/a/./b", NULL, "contains '.'"},
	};
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;
	struct error err = {0};

	replay("", NULL, NULL, &l);
	must(l);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
		int r = cgroup_plan(l, cases[i].given, &cg, &err);

		note("'%s'", cases[i].given);
		if (cases[i].path && ok(r == 0, "%s", err.text))
			is_str(cgroup_path(cg), cases[i].path);
		else if (!cases[i].path && ok(r < 0))
			has_str(err.text, cases[i].sentence);
	}
}
