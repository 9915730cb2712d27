// SPDX-License-Identifier: GPL-2.0-or-later
/* Terms that are set once, in a folder that looks like a control group. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	place->standing.memory.directory = strdup(place->path);
	place->standing.pids.directory = strdup(place->path);
	place->standing.io.directory = strdup(place->path);
	place->standing.memory.version = place->standing.io.version = version;
	place->standing.pids.version = version;
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
	ok(file_create_at(place->dir, file, text, 0600, NULL) == 0, "%s", file);
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

TEST(limits_of_a_disk_v2)
{
	_cleanup_(topology_clear) struct topology topology = {0};
	const char *disk = a_disk(&topology);
	_cleanup_free_ char *found = string_format("%s rbps=9 wbps=max riops=max wiops=max", disk);
	_cleanup_free_ char *wanted =
		string_format("%s rbps=1000 wbps=max riops=max wiops=30", disk);
	struct terms_disk *terms;
	struct place place = {0};
	struct error err = {0};

	if (!disk || !make_place(&place, 2))
		return;
	terms = &place.terms.disks[place.terms.n_disks++];
	put(&place, "io.max", found);
	snprintf(terms->device, sizeof(terms->device), "%s", disk);
	terms->flow[TERMS_READ].limit_bytes = 1000;
	terms->flow[TERMS_WRITE].limit_iops = 30;
	is_int(set(&place), 0);
	holds(&place, "io.max", wanted);
	/* what goes through the page cache is not held back at the disk */
	terms->flow[TERMS_WRITE].buffered = true;
	is_int(set(&place), 0);
	free(wanted);
	wanted = string_format("%s rbps=1000 wbps=max riops=max wiops=max", disk);
	holds(&place, "io.max", wanted);
	is_int(standing_undo(&place.writer, &place.standing, &err), 0);
	holds(&place, "io.max", found);
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
		const char *found = version == 2 ? "8:0 rbps=9 wbps=7 riops=max wiops=5" : "8:0 9";
		const char *capped = version == 2 ? "8:0 rbps=4 wbps=max riops=max wiops=max"
						  : "8:0 4";
		const double caps[TERMS_ACCESSES] = {[TERMS_READ] = 4}, none[TERMS_ACCESSES] = {0};
		const struct standing_disk disk = {.number = "8:0"};
		struct place place = {0};
		struct error err = {0};

		if (!make_place(&place, version))
			return;
		put(&place, file, found);
		if (version == 1)
			put(&place, "blkio.throttle.write_bps_device", "");
		is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, caps, &err),
		       0);
		holds(&place, file, capped);
		is_int(standing_cap_disk(&place.writer, "w", &place.standing, &disk, none, &err),
		       0);
		holds(&place, file, found);
		leave_place(&place);
	}
}
