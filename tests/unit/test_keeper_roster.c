// SPDX-License-Identifier: GPL-2.0-or-later
/* What is set in the group of a workspace, which is a folder here, and by whom. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "keeper/above.h"
#include "keeper/roster.h"
#include "kernel/cgroup.h"

struct place {
	char path[64];
	int dir;
	struct book *book;
	struct writer writer;
	struct roster_entry entry;
	struct roster roster;
};

static void put(struct place *place, const char *file, const char *text)
{
	ok(file_replace_at(place->dir, file, text, 0600, false, NULL) == 0, "%s", file);
}

/* A limit of 0.3 is set, and 0.5 was found. */
static bool make_place(struct place *place)
{
	struct error err = {0};
	struct stat st = {0};
	bool damaged;

	strcpy(place->path, "/tmp/behalf-roster-XXXXXX");
	if (!ok(mkdtemp(place->path) != NULL))
		return false;
	place->dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(book_open(place->dir, &place->book, &damaged, &err) == 0, "%s", err.text);
	place->writer.book = place->book;
	place->entry.directory = place->path;
	ok(fstat(place->dir, &st) == 0);
	place->entry.inode = st.st_ino;
	place->entry.means = &means_cpu_v1;
	/* files are put in each other's place here */
	place->entry.gauge = (struct gauge)GAUGE_CLOSED;
	place->entry.gauge.procs = place->dir;
	place->entry.gauge.quota_file = means_cpu_v1.quota_file;
	place->entry.gauge.period_file = means_cpu_v1.period_file;
	place->entry.terms.cpu.limit_mcores = 300;
	place->roster.items = &place->entry;
	put(place, "cpu.cfs_quota_us", "50000\n");
	put(place, "cpu.cfs_period_us", "100000\n");
	ok(place->entry.means->find(&place->writer, place->path, false, &place->entry.applied,
				    &err) == 0,
	   "%s", err.text);
	place->entry.others_quota = 0.5;
	place->entry.applied.quota_cores = 0.3;
	put(place, "cpu.cfs_quota_us", "30000\n");
	return true;
}

static void leave_place(struct place *place)
{
	_cleanup_free_ char *command = string_format("rm -rf %s", place->path);

	book_close(place->book);
	close(place->dir);
	ok(system(command) == 0);
}

static int look(struct place *place)
{
	struct error err = {0};

	return roster_look_at_quota(&place->roster, 0, &place->writer, &err);
}

static bool has_noted(struct place *place, const char *quota)
{
	struct found found;

	return ok(book_find(place->book, place->path, "cpu.cfs_quota_us", &found)) &&
	       is_str(found.text, quota);
}

TEST(a_quota_of_somebody_else_is_believed_when_it_is_read_twice)
{
	_cleanup_free_ char *written = NULL;
	struct place place = {0};

	if (!make_place(&place))
		return;
	is_int(look(&place), 0);
	put(&place, "cpu.cfs_quota_us", "20000\n");
	is_int(look(&place), 0);
	/* another one by now: whoever changes it has not come to an end */
	put(&place, "cpu.cfs_quota_us", "10000\n");
	is_int(look(&place), 0);
	has_noted(&place, "50000");
	is_int(look(&place), 0);
	has_noted(&place, "10000");
	ok(place.entry.others_quota > 0.09 && place.entry.others_quota < 0.11);
	ok(place.entry.applied.quota_cores > 0.09 && place.entry.applied.quota_cores < 0.11);
	/* nothing may be set before the book says so */
	ok(file_read_at(place.dir, "found.json", 4096, &written, NULL, NULL) == 0);
	ok(written && strstr(written, "10000") != NULL && !strstr(written, "50000"));
	leave_place(&place);
}

/* A file of a control group that is gone, as those of a controller that is switched off are. */
static int open_gone(void)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	_cleanup_free_ char *group = NULL, *file = NULL;
	const char *mount;
	int fd;

	if (cgroup_layout_read(&layout, NULL) < 0 ||
	    !(mount = cgroup_layout_mount(layout, CGROUP_CPU)))
		return -EBADF;
	group = string_format("%s/behalf-roster-%d", mount, getpid());
	file = string_format("%s/cgroup.procs", group);
	if (mkdir(group, 0700) < 0)
		return -EBADF;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	ok(rmdir(group) == 0);
	return fd;
}

TEST(a_group_whose_controller_was_off_is_not_gone)
{
	struct place place = {0};
	struct gauge *gauge = &place.entry.gauge;
	char byte;

	if (!make_place(&place))
		return;
	gauge->quota = open_gone();
	if (gauge->quota < 0) {
		leave_place(&place);
		tap_skip("needs root");
		return;
	}
	is_int(pread(gauge->quota, &byte, 1, 0), -1);
	is_int(errno, ENODEV);
	/* on again meanwhile, as it was: it is open again */
	is_int(look(&place), 0);
	ok(gauge->quota >= 0 && pread(gauge->quota, &byte, 1, 0) == 1);
	close(gauge->quota);
	gauge->quota = open_gone();
	/* off, and on again by who has set no quota */
	is_int(unlinkat(place.dir, "cpu.cfs_quota_us", 0), 0);
	is_int(look(&place), 0);
	put(&place, "cpu.cfs_quota_us", "-1\n");
	is_int(look(&place), 0);
	is_int(look(&place), 0);
	ok(place.entry.applied.quota_cores == 0);
	/* and this one is gone, whoever has its name now */
	cleanup_close(&gauge->quota);
	gauge->quota = open_gone();
	place.entry.inode++;
	is_int(look(&place), -ENOENT);
	gauge->procs = -EBADF;
	gauge_close(gauge);
	leave_place(&place);
}

TEST(a_weight_is_known_anew_when_the_controller_was_off)
{
	struct place place = {0};

	if (!make_place(&place))
		return;
	put(&place, "cpu.shares", "1024\n");
	place.entry.weighed = true;
	place.entry.applied.weight = 65536;
	is_int(look(&place), 0);
	ok(place.entry.applied.weight == 65536);
	is_int(unlinkat(place.dir, "cpu.cfs_quota_us", 0), 0);
	is_int(look(&place), 0);
	is_int(look(&place), 0);
	ok(place.entry.applied.weight == 65536);
	put(&place, "cpu.cfs_quota_us", "30000\n");
	is_int(look(&place), 0);
	ok(place.entry.applied.weight == 1024);
	ok(place.entry.gauge.quota >= 0);
	close(place.entry.gauge.quota);
	close(place.entry.gauge.period);
	leave_place(&place);
}

static int cannot_find(struct writer *writer, const char *directory, bool weight,
		       struct control_setting *now, struct error *err)
{
	return error_set(err, EIO, "'%s' cannot be read", directory);
}

TEST(what_was_found_is_not_forgotten_for_what_cannot_be_read)
{
	struct means_cpu means = means_cpu_v1;
	struct place place = {0};

	if (!make_place(&place))
		return;
	means.find = cannot_find;
	place.entry.means = &means;
	put(&place, "cpu.cfs_quota_us", "20000\n");
	is_int(look(&place), 0);
	is_int(look(&place), -EIO);
	has_noted(&place, "50000");
	/* it is tried again, by one look more */
	place.entry.means = &means_cpu_v1;
	is_int(look(&place), 0);
	is_int(look(&place), 0);
	has_noted(&place, "20000");
	leave_place(&place);
}

/* A group that is a folder, as all controllers of v1 have it. */
static bool make_promise(const struct place *place, struct promise *promise)
{
	_cleanup_free_ char *text =
		string_format("{\"path\": \"/w\", \"places\": [{\"mount\": \"%s\", \"version\": 1, "
			      "\"controllers\": \"cpu,cpuacct\", \"missing\": 0}]}",
			      place->path);
	_cleanup_json_ struct json_object *record = NULL;
	struct error err = {0};

	*promise = (struct promise){.kind = PROMISE_CGROUP, .name = strdup("/w")};
	promise->terms.cpu.limit_mcores = 300;
	return ok(text && json_parse("record", text, strlen(text), &record, &err) == 0 &&
			  cgroup_from_json(record, &promise->cgroup, &err) == 0,
		  "%s", err.text);
}

TEST(who_cannot_be_taken_up_is_worth_another_update)
{
	struct roster roster = {.n_cpus = 2};
	struct place place = {0};
	struct promise promise;
	struct promise_list list = {.items = &promise, .n = 1};
	struct error err = {0};

	if (!make_place(&place) || !make_promise(&place, &promise))
		return;
	is_int(mkdirat(place.dir, "w", 0700), 0);
	/* which can be read at no time */
	is_int(mkdirat(place.dir, "w/cpu.cfs_quota_us", 0700), 0);
	put(&place, "w/cpu.cfs_period_us", "100000\n");
	put(&place, "w/cpuacct.usage", "0\n");
	put(&place, "w/cgroup.procs", "");
	for (int i = 0; i < 2; i++) {
		is_int(roster_update(&roster, &list, &place.writer, &err), 0);
		is_uint(roster.control.n, 0);
		ok(roster.refused && strcmp(roster.refused[0], "/w") == 0);
	}
	is_int(unlinkat(place.dir, "w/cpu.cfs_quota_us", AT_REMOVEDIR), 0);
	put(&place, "w/cpu.cfs_quota_us", "-1\n");
	is_int(roster_update(&roster, &list, &place.writer, &err), 0);
	is_uint(roster.control.n, 1);
	ok(!roster.refused);
	roster_end(&roster);
	promise_clear(&promise);
	leave_place(&place);
}

/* On v2 a controller may be switched off above the group, and on again. */
TEST(who_is_there_without_its_controller_is_worth_another_update)
{
	struct roster roster = {.n_cpus = 2};
	struct place place = {0};
	struct promise promise;
	struct promise_list list = {.items = &promise, .n = 1};
	struct error err = {0};

	if (!make_place(&place) || !make_promise(&place, &promise))
		return;
	is_int(mkdirat(place.dir, "w", 0700), 0);
	put(&place, "w/cpu.cfs_period_us", "100000\n");
	put(&place, "w/cpuacct.usage", "0\n");
	put(&place, "w/cgroup.procs", "");
	is_int(roster_update(&roster, &list, &place.writer, &err), 0);
	is_uint(roster.control.n, 0);
	ok(roster.refused != NULL);
	put(&place, "w/cpu.cfs_quota_us", "-1\n");
	is_int(roster_update(&roster, &list, &place.writer, &err), 0);
	is_uint(roster.control.n, 1);
	ok(!roster.refused);
	/* off when its terms change, so that it should have a weight */
	promise.terms.cpu.share = 200;
	is_int(roster_update(&roster, &list, &place.writer, &err), 0);
	is_uint(roster.control.n, 1);
	ok(roster.refused && !roster.items[0].weighed);
	put(&place, "w/cpu.shares", "1024\n");
	is_int(roster_update(&roster, &list, &place.writer, &err), 0);
	ok(!roster.refused && roster.items[0].weighed);
	roster_end(&roster);
	promise_clear(&promise);
	leave_place(&place);
}

/* A weight of a group above that is refused: the file cannot be written, and then it can. */
TEST(a_weight_above_that_could_not_be_written_is_tried_again)
{
	struct roster_entry entry = {.means = &means_cpu_v1};
	struct control_workspace w = {.reserve = {.wanted = 0.5}};
	struct roster roster = {
		.items = &entry, .generation = 1, .control = {.workspaces = &w, .n = 1}};
	_cleanup_free_ char *inner = NULL, *text = NULL;
	struct writer writer = {0};
	struct place place = {0};
	struct above above = {0};

	if (!make_place(&place))
		return;
	entry.weighed_mcores = 500;
	is_int(mkdirat(place.dir, "mid", 0700), 0);
	is_int(mkdirat(place.dir, "mid/w", 0700), 0);
	inner = string_format("%s/mid/w", place.path);
	entry.directory = inner;
	put(&place, "mid/cpu.shares", "1024\n");
	/* noted by the first round, and then not to be written */
	above_round(&above, &writer, &roster);
	is_int(file_read_at(place.dir, "mid/cpu.shares", 64, &text, NULL, NULL), 0);
	is_uint(strtoul(text, NULL, 10), 1024 + 32768);
	w.reserve.wanted = 1.0;
	is_int(unlinkat(place.dir, "mid/cpu.shares", 0), 0);
	is_int(mkdirat(place.dir, "mid/cpu.shares", 0700), 0);
	above_round(&above, &writer, &roster);
	is_int(unlinkat(place.dir, "mid/cpu.shares", AT_REMOVEDIR), 0);
	put(&place, "mid/cpu.shares", "1024\n");
	above_round(&above, &writer, &roster);
	free(take_ptr(text));
	is_int(file_read_at(place.dir, "mid/cpu.shares", 64, &text, NULL, NULL), 0);
	is_uint(strtoul(text, NULL, 10), 1024 + 65536);
	above_clear(&above);
	leave_place(&place);
}
