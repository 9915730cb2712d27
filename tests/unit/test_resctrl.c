// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.intelRdt on a recorded resctrl file system: what is made, written, compared and taken away. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/paths.h"
#include "kernel/resctrl.h"
#include "runtime/intel_rdt.h"
#include "tap.h"

static char tree[] = "/tmp/behalf-test-resctrl.XXXXXX";

static void record_file(const char *path, const char *text)
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

/* A machine with two L3 caches of 11 ways, as resctrl of Linux 6.1 prints it. */
static int begin(void)
{
	char mountinfo[512];

	if (!ok(mkdtemp(tree) != NULL))
		return -EBADF;
	snprintf(mountinfo, sizeof(mountinfo),
		 "28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
		 "90 28 0:40 / /sys/fs/resctrl rw,relatime shared:9 - resctrl resctrl rw\n");
	record_file("proc/self/mountinfo", mountinfo);
	record_file("sys/fs/resctrl/schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n");
	record_file("sys/fs/resctrl/tasks", "1\n2\n");
	record_file("sys/fs/resctrl/info/last_cmd_status", "ok\n");
	path_make_directories(tree, 0755);
	return open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void end(int root)
{
	char command[256];

	close(root);
	snprintf(command, sizeof(command), "rm -rf '%s'", tree);
	ok(system(command) == 0);
}

static void is_file(int root, const char *path, const char *want)
{
	_cleanup_free_ char *text = NULL;
	char whole[256];

	snprintf(whole, sizeof(whole), "sys/fs/resctrl/%s", path);
	note("%s", path);
	if (ok(file_read_at(root, whole, 4096, &text, NULL, NULL) == 0))
		is_str(text, want);
}

static bool is_there(int root, const char *path)
{
	char whole[256];
	struct stat st;

	snprintf(whole, sizeof(whole), "sys/fs/resctrl/%s", path);
	return fstatat(root, whole, &st, 0) == 0;
}

/* The record names the mount point of the recorded machine: one of ours now. */
static void relocate(struct json_object *record)
{
	struct json_object *rdt;
	char mount[256];

	must(json_object_object_get_ex(record, "intelRdt", &rdt));
	snprintf(mount, sizeof(mount), "%s/sys/fs/resctrl", tree);
	json_add_string(rdt, "mount", mount);
}

/* The kernel takes the files of a group away with its directory. */
static void empty_group(const char *group)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/sys/fs/resctrl/%s/schemata", tree, group);
	unlink(path);
	snprintf(path, sizeof(path), "%s/sys/fs/resctrl/%s/tasks", tree, group);
	unlink(path);
}

static struct json_object *make(int root, const struct oci_intel_rdt *rdt, int want,
				struct error *err)
{
	struct oci_config config = {.has_intel_rdt = true, .intel_rdt = *rdt};
	struct json_object *record = json_object_new_object();
	int r = intel_rdt_record(root, record, "box", &config, err);

	if (r == 0) {
		relocate(record);
		r = intel_rdt_make(record, rdt, err);
	}
	is_int(r, want);
	return record;
}

TEST(a_group_of_the_containers_own)
{
	static char *lines[] = {(char *)"L2:0=f", (char *)"MB:0=30", NULL};
	struct oci_intel_rdt rdt = {.l3_cache_schema = "L3:0=7f0;1=1f\nMB:0=90",
				    .mem_bw_schema = "MB:0=20;1=70",
				    .schemata = lines,
				    .enable_monitoring = true};
	_cleanup_json_ struct json_object *record = NULL;
	struct error err = {0};
	int root = begin();

	/* The kernel makes it with the group. */
	record = json_object_new_object();
	must(intel_rdt_record(root, record, "box",
			      &(struct oci_config){.has_intel_rdt = true, .intel_rdt = rdt},
			      &err) == 0,
	     "%s", err.text);
	ok(!is_there(root, "box"), "nothing is made before the record is written");
	relocate(record);
	record_file("sys/fs/resctrl/box/mon_groups/other/tasks", "");
	ok(intel_rdt_make(record, &rdt, &err) < 0, "somebody else's by now, with other shares");
	ok(is_there(root, "box"));
	json_object_put(record);
	must(system("rm -rf /tmp/behalf-test-resctrl.*/sys/fs/resctrl/box") == 0);

	rdt.enable_monitoring = false;
	record = make(root, &rdt, 0, &err);
	note("%s", err.text);
	is_file(root, "box/schemata", "L3:0=7f0;1=1f\nMB:0=20;1=70\nL2:0=f\nMB:0=30\n");
	ok(intel_rdt_add(record, 4711, &err) == 0, "%s", err.text);
	ok(intel_rdt_add(record, 4712, &err) == 0, "%s", err.text);
	is_file(root, "box/tasks", "4711\n4712\n");
	ok(intel_rdt_update(record, "L3:0=f", NULL, &err) == 0, "%s", err.text);
	is_file(root, "box/schemata", "L3:0=7f0;1=1f\nMB:0=20;1=70\nL2:0=f\nMB:0=30\nL3:0=f\n");
	record_file("sys/fs/resctrl/box/tasks", "4711\n");
	/* A recorded group is not empty as the kernel's are. */
	is_int(intel_rdt_remove(record, 4711, &err), -ENOTEMPTY);
	empty_group("box");
	record_file("sys/fs/resctrl/box/tasks", "");
	is_int(intel_rdt_remove(record, 4711, &err), -ENOTEMPTY);
	has_str(err.text, "linux.intelRdt: remove the resctrl group 'box'");
	end(root);
}

TEST(a_class_that_is_there)
{
	struct oci_intel_rdt rdt = {.clos_id = "gold"};
	_cleanup_json_ struct json_object *record = NULL;
	struct error err = {0};
	int root = begin();

	json_object_put(make(root, &rdt, -ENOENT, &err));
	is_str(err.text,
	       "linux.intelRdt.closID: there is no resctrl group 'gold', and no shares are "
	       "given to make one");
	record_file("sys/fs/resctrl/gold/schemata", "    MB:0= 20;1= 70\n    L3:0=00f;1=7ff\n");
	record_file("sys/fs/resctrl/gold/tasks", "");
	record_file("sys/fs/resctrl/gold/mon_groups/none", "");
	rdt.enable_cmt = true;
	record = make(root, &rdt, 0, &err);
	note("%s", err.text);
	is_file(root, "gold/schemata", "    MB:0= 20;1= 70\n    L3:0=00f;1=7ff\n");
	ok(is_there(root, "gold/mon_groups/box"));
	ok(intel_rdt_add(record, 77, &err) == 0, "%s", err.text);
	is_file(root, "gold/tasks", "77\n");
	is_file(root, "gold/mon_groups/box/tasks", "77\n");
	json_object_put(make(root, &rdt, -EEXIST, &err));
	empty_group("gold/mon_groups/box");
	ok(intel_rdt_remove(record, 77, &err) == 0, "%s", err.text);
	ok(!is_there(root, "gold/mon_groups/box"));
	ok(is_there(root, "gold"), "it was there before, and stays");
	end(root);
}

TEST(a_class_with_the_same_or_other_shares)
{
	static const struct {
		const char *l3, *bandwidth;
		int r;
	} cases[] = {
		{"L3:0=f;1=7ff", "MB:0=20;1=70", 0},
		{"L3:1=7ff", NULL, 0},
		{NULL, "MB:1=70", 0},
		{"L3:0=f;1=7fe", NULL, -EINVAL},
		{"L3:2=f", NULL, -EINVAL},
		{"L2:0=f", NULL, -EINVAL},
		{"L3:nonsense", NULL, -EINVAL},
		{"L3", NULL, -EINVAL},
		{"L3:0=f\nMB:0=99", "MB:0=20", 0},
		{"L3:0=f\nMB:0=99", NULL, -EINVAL},
	};
	struct error err = {0};
	int root = begin();

	record_file("sys/fs/resctrl/gold/schemata", "    MB:0= 20;1= 70\n    L3:0=00f;1=7ff\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		note("%s, %s", cases[i].l3, cases[i].bandwidth);
		json_object_put(make(root,
				     &(struct oci_intel_rdt){.clos_id = "gold",
							     .l3_cache_schema = cases[i].l3,
							     .mem_bw_schema = cases[i].bandwidth},
				     cases[i].r, &err));
	}
	is_file(root, "gold/schemata", "    MB:0= 20;1= 70\n    L3:0=00f;1=7ff\n");
	end(root);
}

TEST(a_class_that_others_are_in_stays)
{
	struct oci_intel_rdt rdt = {.clos_id = "gold", .mem_bw_schema = "MB:0=50"};
	_cleanup_json_ struct json_object *record = NULL;
	struct error err = {0};
	int root = begin();

	record = make(root, &rdt, 0, &err);
	is_file(root, "gold/schemata", "MB:0=50\n");
	record_file("sys/fs/resctrl/gold/tasks", "77\n78\n");
	ok(intel_rdt_remove(record, 77, &err) == 0, "%s", err.text);
	ok(is_there(root, "gold"), "78 is in it");
	end(root);
}

TEST(the_default_class)
{
	struct oci_intel_rdt rdt = {.clos_id = "/", .enable_monitoring = true};
	_cleanup_json_ struct json_object *record = NULL;
	struct error err = {0};
	int root = begin();

	record_file("sys/fs/resctrl/mon_groups/none", "");
	record = make(root, &rdt, 0, &err);
	note("%s", err.text);
	ok(intel_rdt_add(record, 77, &err) == 0, "%s", err.text);
	is_file(root, "tasks", "1\n2\n77\n");
	is_file(root, "mon_groups/box/tasks", "77\n");
	empty_group("mon_groups/box");
	ok(intel_rdt_remove(record, 77, &err) == 0, "%s", err.text);
	ok(!is_there(root, "mon_groups/box"));
	is_file(root, "schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n");
	end(root);
}

TEST(what_the_kernel_says_is_told)
{
	_cleanup_free_ char *point = NULL;
	_cleanup_close_ int dir = -EBADF;
	struct error err = {0};
	int root = begin();

	dir = resctrl_open(root, &point, &err);
	must(dir >= 0, "%s", err.text);
	is_str(point, "/sys/fs/resctrl");
	is_int(resctrl_add_task(dir, "nosuch", 7, &err), -ENOENT);
	is_str(err.text, "put a task into the resctrl group 'nosuch': No such file or directory");
	record_file("sys/fs/resctrl/info/last_cmd_status", "Out of CLOSIDs\n");
	is_int(resctrl_make_group(dir, "a/b", &err), -ENOENT);
	is_str(err.text,
	       "make the resctrl group 'a/b': Out of CLOSIDs (No such file or directory)");
	end(root);
}

TEST(without_the_file_system)
{
	struct oci_config config = {.has_intel_rdt = true};
	_cleanup_json_ struct json_object *record = json_object_new_object();
	struct error err = {0};
	int root = begin();

	record_file("proc/self/mountinfo", "28 1 254:1 / / rw - ext4 /dev/vda1 rw,x=resctrl\n");
	is_int(intel_rdt_record(root, record, "box", &config, &err), -ENODEV);
	is_str(err.text, "linux.intelRdt: the resctrl file system is not mounted");
	is_int(json_object_object_length(record), 0);
	config.has_intel_rdt = false;
	is_int(intel_rdt_record(root, record, "box", &config, &err), 0);
	is_int(intel_rdt_add(record, 1, &err), 0);
	is_int(intel_rdt_remove(record, 1, &err), 0);
	is_int(intel_rdt_update(record, "L3:0=f", NULL, &err), -ENOTSUP);
	end(root);
}
