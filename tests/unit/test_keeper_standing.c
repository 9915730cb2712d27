// SPDX-License-Identifier: GPL-2.0-or-later
/* Terms that are set once, in a folder that looks like a control group. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/standing.h"
#include "kernel/topology.h"

struct place {
	char path[64];
	int dir;
	struct book *book;
	struct writer writer;
	struct standing standing;
	struct terms terms;
};

static void open_standing(struct place *place, int version)
{
	place->standing.memory.directory = strdup(place->path);
	place->standing.pids.directory = strdup(place->path);
	place->standing.io.directory = strdup(place->path);
	place->standing.memory.version = place->standing.io.version = version;
	place->standing.pids.version = version;
}

static bool make_place(struct place *place, int version)
{
	struct error err = {0};
	bool damaged;

	strcpy(place->path, "/tmp/behalf-standing-XXXXXX");
	if (!ok(mkdtemp(place->path) != NULL))
		return false;
	place->dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(book_open(place->dir, &place->book, &damaged, &err) == 0, "%s", err.text);
	place->writer.book = place->book;
	open_standing(place, version);
	return true;
}

static void leave_place(struct place *place)
{
	_cleanup_free_ char *command = string_format("rm -rf %s", place->path);

	standing_clear(&place->standing);
	book_close(place->book);
	close(place->dir);
	ok(system(command) == 0);
}

static void put(struct place *place, const char *file, const char *text)
{
	ok(file_replace_at(place->dir, file, text, 0600, false, NULL) == 0, "%s", file);
}

static bool holds(struct place *place, const char *file, const char *text)
{
	_cleanup_free_ char *now = NULL;

	file_read_at(place->dir, file, 4096, &now, NULL, NULL);
	/* unlike the kernel's, this file keeps the end of what was longer before */
	if (now && strlen(now) > strlen(text))
		now[strlen(text)] = '\0';
	return is_str(now, text);
}

static int set(struct place *place)
{
	struct error err = {0};
	int r = standing_set(&place->writer, "w", &place->standing, &place->terms, &err);

	if (r < 0)
		note("%s", err.text);
	return r;
}

TEST(memory_and_pids_are_set_and_put_back)
{
	struct place place = {0};
	struct error err = {0};

	if (!make_place(&place, 2))
		return;
	put(&place, "memory.max", "max\n");
	put(&place, "memory.min", "4096\n");
	put(&place, "pids.max", "77\n");
	place.terms.memory.limit_bytes = 1000000;
	place.terms.memory.reserve_bytes = 500000;
	is_int(set(&place), 0);
	holds(&place, "memory.max", "1000000");
	holds(&place, "memory.min", "500000");
	holds(&place, "pids.max", "77");
	place.terms.pids_limit = 5;
	place.terms.memory.limit_bytes = 0;
	is_int(set(&place), 0);
	is_int(writer_undo_all(&place.writer, &err), 0);
	holds(&place, "memory.max", "max");
	holds(&place, "memory.min", "4096");
	holds(&place, "pids.max", "77");
	leave_place(&place);
}

TEST(version_one_of_memory_keeps_no_reserve)
{
	struct place place = {0};

	if (!make_place(&place, 1))
		return;
	put(&place, "memory.limit_in_bytes", "9223372036854771712\n");
	place.terms.memory.limit_bytes = 1000000;
	is_int(set(&place), 0);
	holds(&place, "memory.limit_in_bytes", "1000000");
	place.terms.memory.reserve_bytes = 5;
	is_int(set(&place), -ENODEV);
	leave_place(&place);
}

TEST(a_limit_above_that_of_memory_and_swap)
{
	struct place place = {0};
	struct error err = {0};

	if (!make_place(&place, 1))
		return;
	put(&place, "memory.limit_in_bytes", "1000000\n");
	put(&place, "memory.memsw.limit_in_bytes", "1500000\n");
	place.terms.memory.limit_bytes = 1200000;
	is_int(set(&place), 0);
	holds(&place, "memory.memsw.limit_in_bytes", "1500000");
	place.terms.memory.limit_bytes = 2000000;
	is_int(set(&place), 0);
	holds(&place, "memory.limit_in_bytes", "2000000");
	holds(&place, "memory.memsw.limit_in_bytes", "2300000");
	/* down again: the room is not needed any more */
	place.terms.memory.limit_bytes = 1100000;
	is_int(set(&place), 0);
	holds(&place, "memory.limit_in_bytes", "1100000");
	holds(&place, "memory.memsw.limit_in_bytes", "1500000");
	place.terms.memory.limit_bytes = 2000000;
	is_int(set(&place), 0);
	holds(&place, "memory.memsw.limit_in_bytes", "2400000");
	is_int(writer_undo_all(&place.writer, &err), 0);
	holds(&place, "memory.limit_in_bytes", "1000000");
	holds(&place, "memory.memsw.limit_in_bytes", "1500000");
	leave_place(&place);
}

/* A disk of this host, "8:0"; NULL: there is none. */
static const char *a_disk(struct topology *topology)
{
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	if (!ok(topology_read(root, topology, &err) == 0, "%s", err.text))
		return NULL;
	if (!topology->n_disks)
		tap_skip("no disk");
	return topology->n_disks ? topology->disks[0].whole : NULL;
}

static bool notes(struct place *place, const char *what, const char *text)
{
	struct found found;

	return ok(book_find(place->book, place->path, what, &found), "%s", what) &&
	       is_str(found.text, text);
}

/* Of the line of a disk only those values are written that are promised: others may be somebody else's. */
TEST(limits_of_a_disk_v2)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	const char *disk = a_disk(&topology);
	_cleanup_free_ char *line = string_format("%s rbps=9 wbps=7 riops=max wiops=5", disk);
	_cleanup_free_ char *rbps = string_format("%s rbps=1000", disk);
	_cleanup_free_ char *wiops = string_format("%s wiops=30", disk);
	_cleanup_free_ char *rbps_found = string_format("%s rbps=9", disk);
	_cleanup_free_ char *wiops_found = string_format("%s wiops=5", disk);
	_cleanup_free_ char *rbps_what = string_format("io.max %s rbps", disk);
	_cleanup_free_ char *wiops_what = string_format("io.max %s wiops", disk);
	struct terms_disk *terms;
	struct place place = {0};
	struct error err = {0};

	if (!disk || !make_place(&place, 2))
		return;
	terms = &place.terms.disks[place.terms.n_disks++];
	put(&place, "io.max", line);
	snprintf(terms->device, sizeof(terms->device), "%s", disk);
	terms->flow[TERMS_READ].limit_bytes = 1000;
	is_int(set(&place), 0);
	holds(&place, "io.max", rbps);
	notes(&place, rbps_what, rbps_found);
	is_uint(book_entries(place.book), 1);
	/* this file is no kernel's, which has all values in it again */
	put(&place, "io.max", line);
	terms->flow[TERMS_WRITE].limit_iops = 30;
	is_int(set(&place), 0);
	holds(&place, "io.max", wiops);
	notes(&place, wiops_what, wiops_found);
	/* what goes through the page cache is not held back at the disk */
	terms->flow[TERMS_WRITE].buffered = true;
	is_int(set(&place), 0);
	holds(&place, "io.max", wiops_found);
	is_uint(book_entries(place.book), 1);
	is_int(standing_undo(&place.writer, &place.standing, true, &err), 0);
	holds(&place, "io.max", rbps_found);
	leave_place(&place);
}

/* The keeper after the one that has set it finds it in the book, and nothing of it promised any more. */
TEST(terms_that_went_while_no_keeper_ran_are_put_back)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	const char *disk = a_disk(&topology);
	_cleanup_free_ char *found = string_format("%s 0", disk);
	struct terms_disk *terms;
	struct place place = {0};

	if (!disk || !make_place(&place, 1))
		return;
	put(&place, "memory.limit_in_bytes", "5000000\n");
	put(&place, "pids.max", "77\n");
	put(&place, "blkio.throttle.read_bps_device", "");
	place.terms.memory.limit_bytes = 1000000;
	place.terms.pids_limit = 5;
	terms = &place.terms.disks[place.terms.n_disks++];
	snprintf(terms->device, sizeof(terms->device), "%s", disk);
	terms->flow[TERMS_READ].limit_bytes = 1000;
	is_int(set(&place), 0);
	holds(&place, "pids.max", "5");
	/* as a keeper begins */
	standing_clear(&place.standing);
	open_standing(&place, 1);
	place.terms = (struct terms){.memory.limit_bytes = 1000000};
	is_int(set(&place), 0);
	holds(&place, "memory.limit_in_bytes", "1000000");
	holds(&place, "pids.max", "77");
	holds(&place, "blkio.throttle.read_bps_device", found);
	is_uint(book_entries(place.book), 1);
	/* and once it is back it is somebody else's to change */
	put(&place, "pids.max", "99\n");
	place.terms.memory.limit_bytes = 0;
	is_int(set(&place), 0);
	holds(&place, "memory.limit_in_bytes", "5000000");
	holds(&place, "pids.max", "99");
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

/* What the maker of a container has set for its terms stays when the keeper ends, and goes with the term. */
TEST(the_term_itself_is_found)
{
	struct place place = {0};
	struct error err = {0};

	if (!make_place(&place, 2))
		return;
	place.standing.of_container = true;
	put(&place, "memory.max", "999424\n"); /* in whole pages */
	put(&place, "pids.max", "7\n");
	place.terms.memory.limit_bytes = 1000000;
	place.terms.pids_limit = 5;
	is_int(set(&place), 0);
	place.terms.memory.limit_bytes = 0;
	place.terms.pids_limit = 0;
	is_int(set(&place), 0);
	holds(&place, "memory.max", "max");
	holds(&place, "pids.max", "7");
	put(&place, "memory.max", "999424\n");
	place.terms.memory.limit_bytes = 1000000;
	is_int(set(&place), 0);
	is_int(writer_undo_all(&place.writer, &err), 0);
	holds(&place, "memory.max", "1000000");
	leave_place(&place);
}

/* Who changes a term of a container has set it, whatever was found before: it stays, and goes with the promise. */
TEST(a_changed_term_is_what_stays)
{
	struct place place = {0};
	struct error err = {0};

	if (!make_place(&place, 2))
		return;
	place.standing.of_container = true;
	put(&place, "memory.max", "max\n");
	put(&place, "pids.max", "7\n");
	place.terms.pids_limit = 5;
	is_int(set(&place), 0);
	place.terms.pids_limit = 6;
	place.terms.memory.limit_bytes = 999424;
	is_int(set(&place), 0);
	is_int(writer_undo_all(&place.writer, &err), 0);
	holds(&place, "pids.max", "6");
	holds(&place, "memory.max", "999424");
	is_int(standing_undo(&place.writer, &place.standing, true, &err), 0);
	holds(&place, "pids.max", "6");
	place.terms.pids_limit = 8;
	is_int(set(&place), 0);
	is_int(standing_undo(&place.writer, &place.standing, true, &err), 0);
	holds(&place, "pids.max", "max");
	leave_place(&place);
}

TEST(what_fails_is_tried_again_and_holds_nothing_else_up)
{
	struct place place = {0};

	if (!make_place(&place, 2))
		return;
	put(&place, "pids.max", "max\n");
	place.terms.memory.limit_bytes = 1000000;
	place.terms.pids_limit = 5;
	ok(set(&place) < 0);
	ok(place.standing.failed);
	holds(&place, "pids.max", "5");
	put(&place, "memory.max", "max\n");
	is_int(set(&place), 0);
	ok(!place.standing.failed);
	holds(&place, "memory.max", "1000000");
	leave_place(&place);
}

/* On v2 the files of a controller that was switched off and on are others, and say what they say of a new group. */
TEST(terms_are_set_again_when_their_controller_was_off)
{
	struct place place = {0};

	if (!make_place(&place, 2))
		return;
	put(&place, "memory.max", "max\n");
	put(&place, "pids.max", "max\n");
	place.terms.memory.limit_bytes = 1000000;
	place.terms.pids_limit = 5;
	is_int(set(&place), 0);
	standing_look(&place.standing);
	ok(!place.standing.failed);
	/* its inode is not to come again */
	is_int(renameat(place.dir, "pids.max", place.dir, "pids.off"), 0);
	standing_look(&place.standing);
	ok(!place.standing.failed);
	put(&place, "pids.max", "max\n");
	standing_look(&place.standing);
	ok(place.standing.failed);
	is_int(set(&place), 0);
	holds(&place, "pids.max", "5");
	holds(&place, "memory.max", "1000000");
	standing_look(&place.standing);
	ok(!place.standing.failed);
	is_int(writer_undo_all(&place.writer, NULL), 0);
	holds(&place, "pids.max", "max");
	leave_place(&place);
}

/* Other terms that are set while it is off are no reason to forget that. */
TEST(terms_are_set_again_when_others_changed_while_their_controller_was_off)
{
	struct place place = {0};

	if (!make_place(&place, 2))
		return;
	put(&place, "memory.max", "max\n");
	put(&place, "pids.max", "max\n");
	place.terms.memory.limit_bytes = 1000000;
	place.terms.pids_limit = 5;
	is_int(set(&place), 0);
	is_int(renameat(place.dir, "pids.max", place.dir, "pids.off"), 0);
	place.terms.memory.limit_bytes = 2000000;
	is_int(set(&place), 0);
	put(&place, "pids.max", "max\n");
	standing_look(&place.standing);
	ok(place.standing.failed);
	is_int(set(&place), 0);
	holds(&place, "pids.max", "5");
	/* and if it is on again before anybody has looked */
	is_int(renameat(place.dir, "pids.max", place.dir, "pids.off2"), 0);
	put(&place, "pids.max", "max\n");
	place.terms.memory.limit_bytes = 3000000;
	is_int(set(&place), 0);
	holds(&place, "pids.max", "5");
	/* of a term that is gone nothing is missed */
	place.terms.pids_limit = 0;
	is_int(set(&place), 0);
	is_int(renameat(place.dir, "pids.max", place.dir, "pids.off3"), 0);
	put(&place, "pids.max", "max\n");
	standing_look(&place.standing);
	ok(!place.standing.failed);
	leave_place(&place);
}

/* One on a disk is set anew by disk.c, which is told. */
TEST(a_controller_that_was_off_lifts_no_caps_of_others)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	const struct standing_caps caps = {.cap = {[TERMS_READ] = 400, [TERMS_WRITE] = 300}};
	const char *number = a_disk(&topology);
	_cleanup_free_ char *none =
		string_format("%s rbps=max wbps=max riops=max wiops=max", number);
	_cleanup_free_ char *limit = string_format("%s rbps=1000", number);
	_cleanup_free_ char *capped = string_format("%s wbps=300", number);
	_cleanup_free_ char *write = string_format("io.max %s wbps", number);
	struct standing_disk disk = {0};
	struct place place = {0};
	struct terms_disk *terms;
	struct error err = {0};
	struct found found;
	unsigned int writes;

	if (!number || !make_place(&place, 2))
		return;
	put(&place, "pids.max", "max\n");
	put(&place, "io.max", none);
	place.terms.pids_limit = 5;
	terms = &place.terms.disks[place.terms.n_disks++];
	snprintf(terms->device, sizeof(terms->device), "%s", number);
	terms->flow[TERMS_READ].limit_bytes = 1000;
	is_int(set(&place), 0);
	snprintf(disk.number, sizeof(disk.number), "%s", number);
	disk.terms = *terms;
	is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, &caps, &err), 0);
	holds(&place, "io.max", capped);
	writes = place.standing.disk_writes;
	is_int(renameat(place.dir, "pids.max", place.dir, "pids.off"), 0);
	put(&place, "pids.max", "max\n");
	standing_look(&place.standing);
	is_int(set(&place), 0);
	holds(&place, "pids.max", "5");
	holds(&place, "io.max", capped);
	is_uint(place.standing.disk_writes, writes);
	/* its own: the limit is there again, the cap's entry stays the cap's */
	is_int(renameat(place.dir, "io.max", place.dir, "io.off"), 0);
	put(&place, "io.max", none);
	standing_look(&place.standing);
	is_int(set(&place), 0);
	holds(&place, "io.max", limit);
	ok(place.standing.disk_writes != writes);
	ok(book_find(place.book, place.path, write, &found));
	is_str(found.means, STANDING_CAP_MEANS);
	leave_place(&place);
}

/* A limit that is promised while a cap holds is the limit's to put back, and it puts back what the cap has found. */
TEST(a_limit_over_a_cap_goes_with_its_term)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	const struct standing_caps caps = {.cap = {[TERMS_READ] = 400}}, lifted = {0};
	const char *number = a_disk(&topology);
	_cleanup_free_ char *before = string_format("%s 2000", number);
	_cleanup_free_ char *limit = string_format("%s 1000", number);
	struct standing_disk disk = {0};
	struct place place = {0};
	struct terms_disk *terms;
	struct error err = {0};

	if (!number || !make_place(&place, 1))
		return;
	put(&place, "blkio.throttle.read_bps_device", before);
	snprintf(disk.number, sizeof(disk.number), "%s", number);
	is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, &caps, &err), 0);
	terms = &place.terms.disks[place.terms.n_disks++];
	snprintf(terms->device, sizeof(terms->device), "%s", number);
	terms->flow[TERMS_READ].limit_bytes = 1000;
	is_int(set(&place), 0);
	disk.terms = *terms;
	is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, &lifted, &err), 0);
	holds(&place, "blkio.throttle.read_bps_device", limit);
	place.terms.n_disks = 0;
	is_int(set(&place), 0);
	holds(&place, "blkio.throttle.read_bps_device", before);
	is_uint(book_entries(place.book), 0);
	leave_place(&place);
}

/* A cap is lower than the limit that stands; it is nobody's but disk.c's to lift. */
TEST(what_fails_again_and_again_leaves_caps_alone)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	const struct standing_caps caps = {.cap = {[TERMS_READ] = 400}};
	struct standing_disk disk = {0};
	struct place place = {0};
	struct terms_disk *terms;
	struct error err = {0};
	const char *number = a_disk(&topology);
	_cleanup_free_ char *wanted = string_format("%s 1000", number);
	_cleanup_free_ char *capped = string_format("%s 400", number);

	if (!number || !make_place(&place, 1))
		return;
	put(&place, "blkio.throttle.read_bps_device", "");
	terms = &place.terms.disks[place.terms.n_disks++];
	snprintf(terms->device, sizeof(terms->device), "%s", number);
	terms->flow[TERMS_READ].limit_bytes = 1000;
	/* one of its values, its share or a limit that has no file here, and a term beside it */
	terms->flow[TERMS_READ].share = 50;
	terms->flow[TERMS_WRITE].limit_bytes = 1000;
	place.terms.memory.limit_bytes = 1000000;
	ok(set(&place) < 0);
	holds(&place, "blkio.throttle.read_bps_device", wanted);
	snprintf(disk.number, sizeof(disk.number), "%s", number);
	disk.terms = (struct terms_disk){.flow[TERMS_READ].limit_bytes = 1000};
	is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, &caps, &err), 0);
	holds(&place, "blkio.throttle.read_bps_device", capped);
	ok(set(&place) < 0);
	holds(&place, "blkio.throttle.read_bps_device", capped);
	leave_place(&place);
}

TEST(two_names_of_a_disk_are_one)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	const char *number = a_disk(&topology);
	_cleanup_free_ char *read = string_format("%s 1000", number);
	_cleanup_free_ char *write = string_format("%s 500", number);
	_cleanup_free_ char *none = string_format("%s 0", number);
	unsigned int major_number, minor_number;
	struct terms_disk *terms;
	struct place place = {0};

	if (!number || !make_place(&place, 1))
		return;
	terms = place.terms.disks;
	place.terms.n_disks = 2;
	snprintf(terms[0].device, sizeof(terms[0].device), "%s", number);
	snprintf(terms[1].device, sizeof(terms[1].device), "%.40s/disk", place.path);
	must(sscanf(number, "%u:%u", &major_number, &minor_number) == 2);
	if (mknod(terms[1].device, S_IFBLK | 0600, makedev(major_number, minor_number)) < 0) {
		tap_skip("no device can be made");
		return leave_place(&place);
	}
	put(&place, "blkio.throttle.read_bps_device", "");
	put(&place, "blkio.throttle.write_bps_device", "");
	terms[0].flow[TERMS_READ].limit_bytes = 1000;
	terms[1].flow[TERMS_READ].limit_bytes = 2000;
	terms[1].flow[TERMS_WRITE].limit_bytes = 500;
	is_int(set(&place), 0);
	holds(&place, "blkio.throttle.read_bps_device", read);
	holds(&place, "blkio.throttle.write_bps_device", write);
	place.terms.n_disks = 1;
	is_int(set(&place), 0);
	holds(&place, "blkio.throttle.read_bps_device", read);
	holds(&place, "blkio.throttle.write_bps_device", none);
	leave_place(&place);
}

TEST(limits_of_a_disk_v1)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	const char *disk = a_disk(&topology);
	_cleanup_free_ char *wanted = string_format("%s 1000", disk);
	_cleanup_free_ char *none = string_format("%s 0", disk);
	struct terms_disk *terms;
	struct place place = {0};

	if (!disk || !make_place(&place, 1))
		return;
	terms = &place.terms.disks[place.terms.n_disks++];
	put(&place, "blkio.throttle.write_bps_device", "");
	snprintf(terms->device, sizeof(terms->device), "%s", disk);
	terms->flow[TERMS_WRITE].limit_bytes = 1000;
	is_int(set(&place), 0);
	holds(&place, "blkio.throttle.write_bps_device", wanted);
	/* one that is promised no more has no limit either */
	place.terms.n_disks = 0;
	is_int(set(&place), 0);
	holds(&place, "blkio.throttle.write_bps_device", none);
	place.terms.n_disks = 1;
	snprintf(terms->device, sizeof(terms->device), "/dev/no-such-disk");
	is_int(set(&place), -ENODEV);
	leave_place(&place);
}

TEST(a_cap_that_is_lifted_leaves_what_others_have_set)
{
	for (int version = 1; version <= 2; version++) {
		const char *file = version == 2 ? "io.max" : "blkio.throttle.read_bps_device";
		const char *line = version == 2 ? "8:0 rbps=9 wbps=7 riops=max wiops=5" : "8:0 9";
		const char *found = version == 2 ? "8:0 rbps=9" : "8:0 9";
		const char *capped = version == 2 ? "8:0 rbps=4" : "8:0 4";
		const struct standing_caps caps = {.cap = {[TERMS_READ] = 4}}, none = {0};
		const struct standing_disk disk = {.number = "8:0"};
		struct place place = {0};
		struct error err = {0};

		if (!make_place(&place, version))
			return;
		put(&place, file, line);
		is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, &caps, &err),
		       0);
		holds(&place, file, capped);
		is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, &none, &err),
		       0);
		holds(&place, file, found);
		is_uint(book_entries(place.book), 0);
		leave_place(&place);
	}
}

/* What a journal may wait for is not held by the limit either, and the limit is there again afterwards. */
TEST(a_limit_of_writes_gives_way_to_what_is_dirty)
{
	const struct standing_caps drain = {.drain = 5000}, less = {.drain = 10}, none = {0};
	struct standing_disk disk = {.number = "8:0"};
	struct place place = {0};
	struct error err = {0};

	if (!make_place(&place, 1))
		return;
	put(&place, "blkio.throttle.write_bps_device", "8:0 1000");
	put(&place, "blkio.throttle.write_iops_device", "8:0 20");
	disk.terms.flow[TERMS_WRITE].limit_bytes = 1000;
	disk.terms.flow[TERMS_WRITE].limit_iops = 20;
	is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, &drain, &err), 0);
	holds(&place, "blkio.throttle.write_bps_device", "8:0 5000");
	holds(&place, "blkio.throttle.write_iops_device", "8:0 0");
	is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, &less, &err), 0);
	holds(&place, "blkio.throttle.write_bps_device", "8:0 1000");
	is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, &none, &err), 0);
	holds(&place, "blkio.throttle.write_bps_device", "8:0 1000");
	holds(&place, "blkio.throttle.write_iops_device", "8:0 20");
	leave_place(&place);
}
