// SPDX-License-Identifier: GPL-2.0-or-later
/* A group in every hierarchy of this host: made, entered, limited, killed, frozen, removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "kernel/cgroup.h"
#include "tap.h"

static struct cgroup_layout *layout;
static char group_path[64];

/* Leaves a group that can be used; NULL when the test has to be skipped. */
static struct cgroup *begin(const char *parent)
{
	struct cgroup *cg = NULL;
	struct error err = {0};

	if (geteuid() != 0) {
		note("needs root");
		return NULL;
	}
	if (!ok(cgroup_layout_read(&layout, &err) == 0, "%s", err.text))
		return NULL;
	snprintf(group_path, sizeof(group_path), "%s/behalf-test-%d", parent, getpid());
	if (cgroup_create(layout, group_path, &cg, &err) < 0) {
		note("%s", err.text);
		return NULL;
	}
	return cg;
}

#define BEGIN(cg, parent)                                                                          \
	_cleanup_(cleanup_cgroup) struct cgroup *cg = begin(parent);                               \
	struct error err = {0};                                                                    \
	if (!cg)                                                                                   \
	skip("no groups can be made here")

/* How many directories of the group there are. */
static int count_directories(const struct cgroup *cg)
{
	int n = 0;

	for (int c = CGROUP_CORE; c < CGROUP_CONTROLLERS; c++) {
		const char *directory = cgroup_directory(cg, c);

		n += directory && access(directory, F_OK) == 0;
	}
	return n;
}

static void end(struct cgroup *cg)
{
	struct error err = {0};

	ok(cgroup_remove(cg, &err) == 0, "%s", err.text);
	is_int(count_directories(cg), 0);
	cgroup_layout_free(layout);
}

/* A process in the group that runs CODE; as a container's first process gets there. */
static pid_t start(struct cgroup *cg, void (*code)(void))
{
	int fd = cgroup_clone_fd(cg);
	struct clone_args args = {
		.flags = fd >= 0 ? CLONE_INTO_CGROUP : 0,
		.exit_signal = SIGCHLD,
		.cgroup = fd >= 0 ? (uint64_t)fd : 0,
	};
	int ready[2];
	char byte = 0;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		struct error err = {0};

		if (cgroup_enter_self(cg, fd >= 0, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			_exit(1);
		}
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		code();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		byte = 0;
	close(ready[0]);
	is_int(byte, 'x');
	return pid;
}

static void sleep_long(void)
{
	pause();
}

static void fork_without_end(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid > 0)
			_exit(0);
		usleep(200);
	}
}

TEST(made_entered_and_removed)
{
	needs_call(clone3);
	BEGIN(cg, "/behalf-test-parent");
	_cleanup_json_ struct json_object *record = cgroup_to_json(cg);
	struct json_object *places = NULL;
	_cleanup_free_ char *text = NULL, *path = NULL;
	char *line, *save = NULL;
	int inside = 0;
	pid_t pid;

	must(json_object_object_get_ex(record, "places", &places));
	pid = start(cg, sleep_long);
	path = string_format("/proc/%d/cgroup", pid);
	must(file_read_at(AT_FDCWD, path, 65536, &text, NULL, &err) == 0);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *name = strchr(line, ':') + 1;

		/* Hierarchies that are hidden here have the process where it was. */
		inside += string_ends_with(name, group_path);
	}
	ok(inside > 0);
	is_uint(inside, json_object_array_length(places));
	must(cgroup_kill(cg, 5000, &err) == 0, "%s", err.text);
	is_int(waitpid(pid, NULL, 0), pid);
	end(cg);
}

TEST(limits_are_read_back)
{
	BEGIN(cg, "");
	_cleanup_free_ char *text = NULL;
	int version = cgroup_version(cg, CGROUP_MEMORY);
	const char *file = version == 2 ? "memory.max" : "memory.limit_in_bytes";

	if (version) {
		ok(cgroup_write(cg, CGROUP_MEMORY, file, "33554432", &err) == 0, "%s", err.text);
		ok(cgroup_read(cg, CGROUP_MEMORY, file, &text, &err) == 0, "%s", err.text);
		is_str(text, "33554432");
		ok(cgroup_write(cg, CGROUP_MEMORY, "memory.none", "1", &err) == -ENOENT);
		is_str(err.text,
		       "the cgroup controller 'memory' has no 'memory.none' on this host");
	}
	end(cg);
}

TEST(a_controller_that_is_nowhere)
{
	BEGIN(cg, "");
	if (!cgroup_version(cg, CGROUP_MISC)) {
		ok(cgroup_write(cg, CGROUP_MISC, "misc.max", "1", &err) == -ENODEV);
		is_str(err.text, "this host has no cgroup controller 'misc'");
	}
	end(cg);
}

TEST(a_group_in_use_is_refused)
{
	needs_call(clone3);
	BEGIN(cg, "");
	_cleanup_(cleanup_cgroup) struct cgroup *other = NULL;
	pid_t pid = start(cg, sleep_long);

	/* kill(-1) is everybody */
	must(pid > 0);
	ok(cgroup_plan(layout, group_path, &other, &err) == -EBUSY);
	has_str(err.text, "exists and has processes");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* Empty, it is used, and stays when it was there before. */
	ok(cgroup_create(layout, group_path, &other, &err) == 0, "%s", err.text);
	if (other)
		ok(cgroup_remove(other, &err) == 0, "%s", err.text);
	ok(count_directories(cg) > 0);
	end(cg);
}

TEST(nobody_escapes_the_kill)
{
	needs_call(clone3);
	BEGIN(cg, "");
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	for (int i = 0; i < 4; i++)
		start(cg, fork_without_end);
	must(cgroup_kill(cg, 10000, &err) == 0, "%s", err.text);
	ok(cgroup_procs(cg, &pids, &n, &err) == 0);
	is_uint(n, 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	end(cg);
}

TEST(nested_groups_go_with_it)
{
	needs_call(clone3);
	BEGIN(cg, "");
	const char *directory = cgroup_directory(cg, CGROUP_CORE);
	_cleanup_free_ char *a = string_format("%s/a", directory);
	_cleanup_free_ char *b = string_format("%s/a/b", directory);
	_cleanup_free_ char *procs = string_format("%s/a/b/cgroup.procs", directory);
	_cleanup_free_ pid_t *pids = NULL;
	char text[16];
	size_t n = 0;
	pid_t pid;

	must(mkdir(a, 0755) == 0 && mkdir(b, 0755) == 0);
	pid = start(cg, sleep_long);
	snprintf(text, sizeof(text), "%d", pid);
	must(file_write_at(AT_FDCWD, procs, text, &err) == 0, "%s", err.text);
	must(cgroup_procs(cg, &pids, &n, &err) == 0 && n == 1);
	is_int(pids[0], pid);
	must(cgroup_kill(cg, 5000, &err) == 0, "%s", err.text);
	waitpid(pid, NULL, 0);
	end(cg);
}

TEST(frozen_thawed_killed_while_frozen)
{
	needs_call(clone3);
	BEGIN(cg, "");
	pid_t pid = start(cg, sleep_long);

	is_int(cgroup_is_frozen(cg), 0);
	must(cgroup_freeze(cg, true, &err) == 0, "%s", err.text);
	is_int(cgroup_is_frozen(cg), 1);
	must(cgroup_freeze(cg, false, &err) == 0, "%s", err.text);
	is_int(cgroup_is_frozen(cg), 0);
	must(cgroup_freeze(cg, true, &err) == 0, "%s", err.text);
	must(cgroup_kill(cg, 5000, &err) == 0, "%s", err.text);
	is_int(waitpid(pid, NULL, 0), pid);
	end(cg);
}

TEST(signals_reach_all)
{
	needs_call(clone3);
	BEGIN(cg, "");
	pid_t a = start(cg, sleep_long), b = start(cg, sleep_long);
	int status = 0;

	must(cgroup_signal(cg, SIGTERM, &err) == 0, "%s", err.text);
	waitpid(a, &status, 0);
	is_int(WTERMSIG(status), SIGTERM);
	waitpid(b, &status, 0);
	is_int(WTERMSIG(status), SIGTERM);
	end(cg);
}

TEST(moving_another_process)
{
	BEGIN(cg, "");
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	must(cgroup_enter(cg, pid, &err) == 0, "%s", err.text);
	must(cgroup_procs(cg, &pids, &n, &err) == 0 && n == 1);
	is_int(pids[0], pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	end(cg);
}

/* The record of a plan undoes whatever part of it has been made. */
TEST(a_plan_undoes_what_is_half_made)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;
	struct error err = {0};

	if (geteuid() != 0)
		skip("needs root");
	must(cgroup_layout_read(&l, &err) == 0, "%s", err.text);
	for (int made = CGROUP_CORE; made <= CGROUP_PIDS; made++) {
		_cleanup_(cleanup_cgroup) struct cgroup *plan = NULL, *again = NULL;
		_cleanup_json_ struct json_object *record = NULL;

		must(cgroup_plan(l, "/behalf-test-half/x", &plan, &err) == 0, "%s", err.text);
		record = cgroup_to_json(plan);
		for (int c = CGROUP_CORE; c < made; c++) {
			const char *directory = cgroup_directory(plan, c);
			_cleanup_free_ char *parent = directory ? strdup(directory) : NULL;

			if (!parent)
				continue;
			*strrchr(parent, '/') = '\0';
			mkdir(parent, 0755);
			mkdir(directory, 0755);
		}
		must(cgroup_from_json(record, &again, &err) == 0, "%s", err.text);
		is_str(cgroup_path(again), "/behalf-test-half/x");
		ok(cgroup_kill(again, 1000, &err) == 0, "%s", err.text);
		ok(cgroup_remove(again, &err) == 0, "%s", err.text);
		for (int c = CGROUP_CORE; c < CGROUP_CONTROLLERS; c++) {
			const char *directory = cgroup_directory(again, c);
			_cleanup_free_ char *parent = directory ? strdup(directory) : NULL;

			if (!parent)
				continue;
			*strrchr(parent, '/') = '\0';
			ok(access(parent, F_OK) < 0, "%s is left", parent);
		}
	}
}

TEST(damaged_records)
{
	static const char *const records[] = {
		"{}",
		"{\"path\": \"/x\"}",
		"{\"path\": \"/../x\", \"places\": []}",
		"{\"path\": \"x\", \"places\": []}",
		"{\"path\": \"/x\", \"places\": [1]}",
		"{\"path\": \"/x\", \"places\": [{\"mount\": \"/s\", \"version\": 3, "
		"\"controllers\": \"\", \"missing\": 1}]}",
		"{\"path\": \"/x\", \"places\": [{\"mount\": \"/s\", \"version\": 1, "
		"\"controllers\": \"cpu\", \"missing\": 2}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
		_cleanup_json_ struct json_object *record = NULL;
		struct error err = {0};

		note("%s", records[i]);
		must(json_parse("record", records[i], strlen(records[i]), &record, &err) == 0);
		ok(cgroup_from_json(record, &cg, &err) == -EINVAL);
	}
}

TEST(an_ordinary_user_does_without)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL, *again = NULL;
	_cleanup_json_ struct json_object *record = NULL;
	struct error err = {0};

	if (geteuid() != 0)
		skip("needs root");
	must(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
	must(cgroup_layout_read(&l, &err) == 0, "%s", err.text);
	if (cgroup_layout_mode(l) == CGROUP_NONE)
		skip("no cgroups");
	must(cgroup_plan(l, "/behalf-test-user", &cg, &err) == 0, "%s", err.text);
	record = cgroup_to_json(cg);
	must(cgroup_make(cg, &err) == 0, "%s", err.text);
	is_int(cgroup_clone_fd(cg), -EBADF);
	ok(cgroup_enter_self(cg, false, &err) == 0, "%s", err.text);
	ok(cgroup_write(cg, CGROUP_PIDS, "pids.max", "5", &err) == -EACCES);
	has_str(err.text, "may not use");
	must(cgroup_from_json(record, &again, &err) == 0, "%s", err.text);
	ok(cgroup_open(again, &err) == 0, "%s", err.text);
	cgroup_free(again);
	again = NULL;
	must(cgroup_from_json(record, &again, &err) == 0, "%s", err.text);
	ok(cgroup_kill(again, 1000, &err) == 0, "%s", err.text);
	ok(cgroup_remove(again, &err) == 0, "%s", err.text);
}

/* Others come and go below the same parent meanwhile. */
TEST_TIMEOUT(a_common_parent_comes_and_goes, 60)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;
	struct error err = {0};
	int failed = 0, status = 0;

	if (geteuid() != 0)
		skip("needs root");
	must(cgroup_layout_read(&l, &err) == 0, "%s", err.text);
	for (int child = 0; child < 4; child++) {
		if (fork())
			continue;
		for (int i = 0; i < 50; i++) {
			_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
			char path[64];

			snprintf(path, sizeof(path), "behalf-test-%d-%d", getpid(), i);
			if (cgroup_create(l, path, &cg, &err) < 0 || cgroup_remove(cg, &err) < 0) {
				fprintf(stderr, "%s\n", err.text);
				_exit(1);
			}
		}
		_exit(0);
	}
	while (waitpid(-1, &status, 0) > 0)
		failed += status != 0;
	is_int(failed, 0);
}

/* Controllers stay enabled for groups below the root, so this host gets back what it had. */
static char *enabled_before;

static void restore_enabled(void)
{
	_cleanup_free_ char *now = NULL;
	const char *file = "/sys/fs/cgroup/cgroup.subtree_control";

	if (enabled_before && !strstr(enabled_before, "hugetlb") &&
	    file_read_at(AT_FDCWD, file, 4096, &now, NULL, NULL) == 0 && strstr(now, "hugetlb"))
		file_write_at(AT_FDCWD, file, "-hugetlb", NULL);
}

static void private_v2(void)
{
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	file_read_at(AT_FDCWD, "/sys/fs/cgroup/cgroup.subtree_control", 4096, &enabled_before, NULL,
		     NULL);
	atexit(restore_enabled);
}

TEST(v2_alone)
{
	needs_call(clone3);
	if (geteuid() == 0)
		private_v2();
	BEGIN(cg, "");
	pid_t pid;

	if (cgroup_layout_mode(layout) != CGROUP_UNIFIED) {
		end(cg);
		skip("no cgroup v2");
	}
	pid = start(cg, sleep_long);
	must(cgroup_freeze(cg, true, &err) == 0, "%s", err.text);
	is_int(cgroup_is_frozen(cg), 1);
	must(cgroup_kill(cg, 5000, &err) == 0, "%s", err.text);
	is_int(waitpid(pid, NULL, 0), pid);
	end(cg);
}

/* exec into a container that has made groups of its own, as systemd in a container does. */
TEST(beside_the_first_process)
{
	needs_call(clone3);
	if (geteuid() == 0)
		private_v2();
	BEGIN(cg, "");
	_cleanup_(cleanup_cgroup) struct cgroup *again = NULL;
	_cleanup_json_ struct json_object *record = cgroup_to_json(cg);
	const char *directory = cgroup_directory(cg, CGROUP_CORE);
	_cleanup_free_ char *inner = string_format("%s/init", directory);
	_cleanup_free_ char *procs = string_format("%s/init/cgroup.procs", directory);
	_cleanup_free_ char *control = string_format("%s/cgroup.subtree_control", directory);
	_cleanup_free_ char *text = NULL;
	char number[16];
	pid_t pid, beside;

	if (cgroup_version(cg, CGROUP_HUGETLB) != 2) {
		end(cg);
		skip("no controller on v2");
	}
	/* Enables the controller, so that there is one to hand on. */
	ok(cgroup_write(cg, CGROUP_HUGETLB, "hugetlb.2MB.max", "max", &err) == 0, "%s", err.text);
	pid = start(cg, sleep_long);
	snprintf(number, sizeof(number), "%d", pid);
	must(mkdir(inner, 0755) == 0);
	must(file_write_at(AT_FDCWD, procs, number, &err) == 0, "%s", err.text);
	must(file_write_at(AT_FDCWD, control, "+hugetlb", &err) == 0, "%s", err.text);
	must(cgroup_from_json(record, &again, &err) == 0, "%s", err.text);
	must(cgroup_open_beside(again, pid, &err) == 0, "%s", err.text);
	beside = start(again, sleep_long);
	must(file_read_at(AT_FDCWD, procs, 4096, &text, NULL, &err) == 0);
	snprintf(number, sizeof(number), "%d\n", beside);
	has_str(text, number);
	must(cgroup_kill(cg, 5000, &err) == 0, "%s", err.text);
	waitpid(pid, NULL, 0);
	waitpid(beside, NULL, 0);
	end(cg);
}

/*
 * As in a container that may use cgroups: its own processes are in the root that it sees. Returns
 * whether all is as it should be; checks do not count here, in a child of the test.
 */
static bool works_inside(struct cgroup *outer)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *l = NULL;
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	struct error err = {0};
	bool works = true;
	pid_t pid;

	/* A file system cannot be mounted over itself. */
	if (cgroup_enter_self(outer, false, &err) < 0 ||
	    unshare(CLONE_NEWCGROUP | CLONE_NEWNS) < 0 ||
	    umount2("/sys/fs/cgroup", MNT_DETACH) < 0 ||
	    mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0 ||
	    cgroup_layout_read(&l, &err) < 0 || cgroup_create(l, "/inner", &cg, &err) < 0)
		return ok(false, "%s %s", err.text, strerror(errno));
	if (cgroup_version(cg, CGROUP_HUGETLB))
		works = is_int(cgroup_write(cg, CGROUP_HUGETLB, "hugetlb.2MB.max", "0", &err),
			       -EBUSY) &&
			has_str(err.text, "'/sys/fs/cgroup' has processes and can hand no");
	/* A container still can be made, without limits. */
	pid = start(cg, sleep_long);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return pid > 0 && is_str(cgroup_directory(cg, CGROUP_CORE), "/sys/fs/cgroup/inner") &&
	       works && ok(cgroup_remove(cg, &err) == 0, "%s", err.text);
}

TEST(inside_a_cgroup_namespace)
{
	needs_call(clone3);
	if (geteuid() == 0)
		private_v2();
	BEGIN(cg, "");
	int status = 0;
	pid_t pid;

	if (cgroup_layout_mode(layout) != CGROUP_UNIFIED) {
		end(cg);
		skip("no cgroup v2");
	}
	if (cgroup_version(cg, CGROUP_HUGETLB))
		ok(cgroup_write(cg, CGROUP_HUGETLB, "hugetlb.2MB.max", "max", &err) == 0, "%s",
		   err.text);
	pid = fork();
	if (pid == 0) {
		bool works = works_inside(cg);

		fflush(stdout);
		_exit(!works);
	}
	waitpid(pid, &status, 0);
	is_int(status, 0);
	end(cg);
}
