// SPDX-License-Identifier: GPL-2.0-or-later
/* The register of promises, with groups that are plain directories. */
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/strings.h"
#include "promises/marks.h"
#include "promises/promises.h"
#include "promises/record.h"

#define _cleanup_list_ _cleanup_(promise_list_clear)
#define _cleanup_promise_ _cleanup_(promise_clear)

static char place[] = "/tmp/behalf-test-promises.XXXXXX";

static char *path_of(const char *name)
{
	return string_format("%s/%s", place, name);
}

static void begin(void)
{
	_cleanup_free_ char *register_path = NULL;

	must(mkdtemp(place));
	register_path = path_of("register");
	setenv("BEHALF_PROMISES", register_path, 1);
}

static void end(void)
{
	_cleanup_free_ char *command = string_format("rm -rf '%s'", place);

	ok(system(command) == 0);
}

static void write_procs(const char *group, const char *pids)
{
	_cleanup_free_ char *directory = string_format("%s/groups/%s", place, group);
	_cleanup_free_ char *file = string_format("%s/cgroup.procs", directory);
	FILE *out;

	must(path_make_directories(directory, 0755) == 0);
	out = fopen(file, "we");
	must(out);
	fputs(pids, out);
	fclose(out);
}

static void remove_group(const char *group)
{
	_cleanup_free_ char *command = string_format("rm -r '%s/groups/%s'", place, group);

	ok(system(command) == 0);
}

/* As long as it is open its inode's number is nobody else's: a file system, unlike the kernel's groups, gives it again. */
static int open_group(const char *group)
{
	_cleanup_free_ char *directory = string_format("%s/groups/%s", place, group);
	int fd = open(directory, O_PATH | O_CLOEXEC);

	ok(fd >= 0);
	return fd;
}

/* A group of one hierarchy. */
static struct cgroup *make_group(const char *group, const char *pids)
{
	_cleanup_free_ char *text = string_format(
		"{\"path\": \"/%s\", \"places\": [{\"mount\": \"%s/groups\", \"version\": 2, "
		"\"controllers\": \"cpu\", \"missing\": 1}]}",
		group, place);
	_cleanup_json_ struct json_object *json = json_tokener_parse(text);
	struct cgroup *cgroup = NULL;
	struct error err = {0};

	write_procs(group, pids);
	ok(cgroup_from_json(json, &cgroup, &err) == 0, "%s", err.text);
	return cgroup;
}

static void put(enum promise_kind kind, const char *root, const char *name, struct cgroup *cgroup)
{
	_cleanup_promise_ struct promise promise = {
		.kind = kind,
		.name = strdup(name),
		.state_root = root ? strdup(root) : NULL,
		.terms.cpu.reserve_mcores = 500,
	};
	_cleanup_close_ int dir = -EBADF;
	struct error err = {0};

	must(promise_set_maker(&promise, &err) == 0, "%s", err.text);
	if (cgroup)
		must(promise_set_cgroup(&promise, cgroup, &err) == 0, "%s", err.text);
	must(promises_lock(&dir, &err) == 0, "%s", err.text);
	must(promises_put(dir, &promise, &err) == 0, "%s", err.text);
}

static size_t count(void)
{
	_cleanup_list_ struct promise_list list = {0};
	struct error err = {0};

	ok(promises_read(-EBADF, &list, &err) == 0, "%s", err.text);
	return list.n;
}

static size_t count_files(void)
{
	_cleanup_closedir_ DIR *d = opendir(getenv("BEHALF_PROMISES"));
	struct dirent *entry;
	size_t n = 0;

	while (d && (entry = readdir(d)))
		n += *entry->d_name != '.';
	return n;
}

TEST(a_promise_is_written_and_read)
{
	struct promise promise = {
		.kind = PROMISE_CONTAINER,
		.name = (char *)"web",
		.state_root = (char *)"/run/behalf",
		.terms = {.cpu = {500, 2000, 200}, .memory.limit_bytes = 1 << 30, .path = "bridge"},
		.has_cpus = true,
		.forced = true,
		.io_own_mcores = 40,
		.io_mcores = 90,
		.since = (char *)"2026-01-01T00:00:00Z",
		.maker = 4711,
		.maker_start = UINT64_MAX - 1,
	};
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_promise_ struct promise read = {0};
	struct error err = {0};

	promise.terms.net[TERMS_EGRESS].reserve_bps = 200000000;
	promise.terms.n_disks = 1;
	strcpy(promise.terms.disks[0].device, "/dev/vda");
	promise.terms.disks[0].flow[TERMS_READ].reserve_iops = 2000;
	cpus_add(&promise.cpus, 3);
	json = promise_to_json(&promise);
	must(promise_from_json(json, &read, &err) == 0, "%s", err.text);
	is_str(read.name, "web");
	is_str(read.state_root, "/run/behalf");
	is_str(read.since, promise.since);
	is_uint(read.maker_start, promise.maker_start);
	is_int(read.maker, 4711);
	is_uint(read.io_own_mcores, 40);
	is_uint(read.io_mcores, 90);
	ok(read.forced && read.has_cpus && cpus_has(&read.cpus, 3) && cpus_count(&read.cpus) == 1);
	ok(memcmp(&read.terms, &promise.terms, sizeof(read.terms)) == 0);
}

TEST(what_is_no_promise_is_refused)
{
	static const char *const cases[][2] = {
		{"[]", "not a promise"},
		{"{}", "not a promise"},
		{"{\"name\": 5}", "not a promise"},
		{"{\"name\": \"a\"}", "kind"},
		{"{\"name\": \"a\", \"kind\": \"thing\"}", "kind"},
		{"{\"name\": \"a\", \"kind\": \"cgroup\"}", "terms"},
		{"{\"name\": \"a\", \"kind\": \"cgroup\", \"terms\": {\"x\": \"1\"}}", "'x'"},
		{"{\"name\": \"a\", \"kind\": \"cgroup\", \"terms\": {\"io.behalf.cpu.reserve\": 1}}",
		 "io.behalf.cpu.reserve"},
		{"{\"name\": \"a\", \"kind\": \"cgroup\", \"terms\": {}, \"cpus\": \"x\"}", "cpus"},
		{"{\"name\": \"a\", \"kind\": \"cgroup\", \"terms\": {}, \"cgroup\": {}}",
		 "damaged"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ struct json_object *json = json_tokener_parse(cases[i][0]);
		_cleanup_promise_ struct promise read = {0};
		struct error err = {0};

		note("%s", cases[i][0]);
		is_int(promise_from_json(json, &read, &err), -EINVAL);
		has_str(err.text, cases[i][1]);
	}
}

TEST(a_register_that_is_not_there_is_empty)
{
	begin();
	is_uint(count(), 0);
	is_int(promises_remove("/run/behalf", "web", NULL), 0);
	is_uint(promises_stamp(), 0);
	end();
}

TEST(a_promise_ends_with_its_container)
{
	_cleanup_(cleanup_cgroup) struct cgroup *group = NULL;
	int old;

	begin();
	group = make_group("web", "1\n");
	put(PROMISE_CONTAINER, "/run/behalf", "web", group);
	is_uint(count(), 1);
	/* stopped, and not deleted */
	write_procs("web", "");
	is_uint(count(), 0);
	write_procs("web", "1\n");
	is_uint(count(), 1);
	/* somebody is in a group below */
	write_procs("web", "");
	write_procs("web/below", "1\n");
	is_uint(count(), 1);
	old = open_group("web");
	remove_group("web");
	is_uint(count(), 0);
	/* another group of the name */
	write_procs("web", "1\n");
	is_uint(count(), 0);
	close(old);
	end();
}

TEST(a_promise_to_a_group_ends_with_the_group)
{
	_cleanup_(cleanup_cgroup) struct cgroup *group = NULL;

	begin();
	group = make_group("slice", "");
	put(PROMISE_CGROUP, NULL, "/slice", group);
	is_uint(count(), 1);
	remove_group("slice");
	is_uint(count(), 0);
	end();
}

TEST(without_a_group_a_promise_ends_with_its_maker)
{
	int status;
	pid_t pid;

	begin();
	put(PROMISE_CONTAINER, "/run/behalf", "ours", NULL);
	pid = fork();
	if (pid == 0) {
		put(PROMISE_CONTAINER, "/run/behalf", "of a child", NULL);
		_exit(count() == 2 ? 0 : 1);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	is_int(status, 0);
	is_uint(count(), 1);
	end();
}

TEST(names_of_two_roots_are_two_promises)
{
	begin();
	put(PROMISE_CONTAINER, "/run/a", "web", NULL);
	put(PROMISE_CONTAINER, "/run/b", "web", NULL);
	put(PROMISE_CGROUP, NULL, "web", NULL);
	put(PROMISE_CONTAINER, "/run/b", "web", NULL);
	is_uint(count(), 3);
	is_int(promises_remove("/run/a", "web", NULL), 0);
	is_uint(count(), 2);
	is_int(promises_remove(NULL, "web", NULL), 0);
	is_uint(count(), 1);
	end();
}

TEST(any_name_becomes_a_file)
{
	char name[256];

	begin();
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	put(PROMISE_CONTAINER, "/run/a", name, NULL);
	put(PROMISE_CGROUP, NULL, "/../../etc/passwd", NULL);
	put(PROMISE_CGROUP, NULL, "/machine.slice/a b", NULL);
	put(PROMISE_CGROUP, NULL, "/", NULL);
	is_uint(count(), 4);
	is_uint(count_files(), 4);
	end();
}

TEST(who_locks_clears_what_is_left)
{
	_cleanup_(cleanup_cgroup) struct cgroup *group = NULL;
	_cleanup_list_ struct promise_list list = {0};
	_cleanup_close_ int dir = -EBADF;
	struct error err = {0};

	begin();
	group = make_group("gone", "1\n");
	put(PROMISE_CONTAINER, "/run/a", "gone", group);
	put(PROMISE_CONTAINER, "/run/a", "stays", NULL);
	remove_group("gone");
	is_uint(count(), 1);
	is_uint(count_files(), 2);
	must(promises_lock(&dir, &err) == 0);
	is_int(file_create_at(dir, "x.json.17.tmp", "{\"na", 0600, &err), 0);
	is_int(promises_read(dir, &list, &err), 0);
	is_uint(list.n, 1);
	is_uint(count_files(), 1);
	end();
}

TEST(a_damaged_file_is_named)
{
	_cleanup_list_ struct promise_list list = {0};
	_cleanup_close_ int dir = -EBADF;
	struct error err = {0};

	begin();
	must(promises_lock(&dir, &err) == 0);
	is_int(file_create_at(dir, "bad.json", "{\"name\": ", 0600, &err), 0);
	ok(promises_read(dir, &list, &err) < 0);
	has_str(err.text, "register/bad.json");
	has_str(err.text, "removing that file");
	end();
}

TEST(who_promises_nothing_reads_on)
{
	_cleanup_list_ struct promise_list list = {0};
	_cleanup_close_ int dir = -EBADF;
	struct error err = {0}, told = {0};
	size_t damaged = 0;

	begin();
	put(PROMISE_CONTAINER, "/run/a", "one", NULL);
	put(PROMISE_CONTAINER, "/run/a", "two", NULL);
	must(promises_lock(&dir, &err) == 0);
	is_int(file_create_at(dir, "bad.json", "{\"name\": ", 0600, &err), 0);
	is_int(promises_read_readable(&list, &damaged, &told, &err), 0);
	is_uint(list.n, 2);
	is_uint(damaged, 1);
	has_str(told.text, "register/bad.json");
	end();
}

static bool misses(const struct promise_list *list, const char *state_root, const char *name)
{
	_cleanup_free_ char *file = promise_file(state_root, name);

	return file && promise_list_misses(list, file);
}

TEST(whose_record_cannot_be_read_is_known)
{
	_cleanup_list_ struct promise_list list = {0};
	struct error err = {0}, told = {0};
	char command[PATH_MAX + 64];
	size_t damaged = 0;

	begin();
	put(PROMISE_CONTAINER, "/run/a", "one", NULL);
	put(PROMISE_CONTAINER, "/run/a", "two", NULL);
	snprintf(command, sizeof(command), "for file in '%s'/two-*; do echo '{' >\"$file\"; done",
		 getenv("BEHALF_PROMISES"));
	must(system(command) == 0);
	is_int(promises_read_readable(&list, &damaged, &told, &err), 0);
	is_uint(list.n, 1);
	is_uint(damaged, 1);
	ok(misses(&list, "/run/a", "two"));
	ok(!misses(&list, "/run/a", "one"));
	ok(!misses(&list, "/run/b", "two"));
	ok(!misses(&list, NULL, "two"));
	end();
}

TEST(the_stamp_tells_of_every_change)
{
	uint64_t stamps[4];

	begin();
	put(PROMISE_CONTAINER, "/run/a", "one", NULL);
	stamps[0] = promises_stamp();
	is_uint(promises_stamp(), stamps[0]);
	put(PROMISE_CONTAINER, "/run/a", "two", NULL);
	stamps[1] = promises_stamp();
	put(PROMISE_CONTAINER, "/run/a", "two", NULL);
	stamps[2] = promises_stamp();
	promises_remove("/run/a", "two", NULL);
	stamps[3] = promises_stamp();
	for (int i = 0; i < 3; i++)
		ok(stamps[i] != stamps[i + 1], "%d", i);
	end();
}

/* Two at once would both find the room that is there for one. */
TEST(one_at_a_time_has_the_lock)
{
	_cleanup_close_ int dir = -EBADF;
	struct error err = {0};
	int status;
	pid_t pid;

	begin();
	must(promises_lock(&dir, &err) == 0);
	pid = fork();
	if (pid == 0) {
		int other = -EBADF;

		close(dir);
		alarm(1);
		_exit(promises_lock(&other, NULL) == 0 ? 0 : 1);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	end();
}

/* Marks are kept beside the register, whoever makes them. */
TEST(marks_are_kept_every_few_seconds)
{
	struct lately_mark mark = {.ledger = 1, .at_ns = 10000000000, .rest_ns = 5};
	_cleanup_free_ char *path = NULL, *damaged = NULL;
	struct lately_marks marks;
	struct error err = {0};

	begin();
	must(marks_read(&marks, &err) == 0);
	is_int(marks.n, 0);
	ok(marks_add(&mark, &err) == 0, "%s", err.text);
	mark.at_ns += LATELY_PERIOD_NS / 2 - 1;
	must(marks_add(&mark, &err) == 0);
	must(marks_read(&marks, &err) == 0);
	is_int(marks.n, 1);
	mark.at_ns++;
	must(marks_add(&mark, &err) == 0);
	must(marks_read(&marks, &err) == 0);
	must(marks.n == 2);
	is_int(marks.all[1].rest_ns, 5);
	/* who read the clock first, and writes last, takes none of them away */
	mark.at_ns--;
	must(marks_add(&mark, &err) == 0);
	mark.at_ns -= 2 * LATELY_PERIOD_NS;
	must(marks_add(&mark, &err) == 0);
	must(marks_read(&marks, &err) == 0);
	is_int(marks.n, 2);
	mark.at_ns += 2 * LATELY_PERIOD_NS + 1;
	/* the register itself is not touched by it */
	damaged = path_of("register");
	ok(access(damaged, F_OK) < 0);
	path = path_of("register.marks");
	must(file_replace_at(AT_FDCWD, path, "nonsense", 0644, false, NULL) == 0);
	must(marks_add(&mark, &err) == 0);
	must(marks_read(&marks, &err) == 0);
	is_int(marks.n, 1);
	marks_forget();
	ok(access(path, F_OK) < 0);
	end();
}
