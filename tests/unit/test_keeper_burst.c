// SPDX-License-Identifier: GPL-2.0-or-later
/* How much of a disk's work comes at once: which disks, what bounds, and what the book has of it. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/disk_interrupts.h"
#include "keeper/means_burst.h"

struct place {
	char path[32];
	int root;
};

static bool make_place(struct place *place)
{
	strcpy(place->path, "/tmp/behalf-burst-XXXXXX");
	if (!ok(mkdtemp(place->path) != NULL))
		return false;
	place->root = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place->root >= 0;
}

static void leave_place(const struct place *place)
{
	_cleanup_free_ char *command = string_format("rm -rf '%s'", place->path);

	close(place->root);
	ok(system(command) == 0);
}

/* Writes a file, and makes the folders that it is in. */
static void put_as(const struct place *place, const char *path, const char *text, mode_t mode)
{
	_cleanup_free_ char *copy = strdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdirat(place->root, copy, 0755);
		*slash = '/';
	}
	ok(file_create_at(place->root, path, text, mode, NULL) == 0, "%s", path);
}

static void put(const struct place *place, const char *path, const char *text)
{
	put_as(place, path, text, 0644);
}

static void put_interrupt(const struct place *place, const char *device, const char *number,
			  const char *from, const char *to, bool placed)
{
	_cleanup_free_ char *irq = string_format("sys/devices/%s/msi_irqs/%s", device, number);
	_cleanup_free_ char *may = string_format("proc/irq/%s/smp_affinity", number);
	_cleanup_free_ char *now = string_format("proc/irq/%s/effective_affinity", number);

	put(place, irq, "msix\n");
	put_as(place, may, from, placed ? 0444 : 0644);
	put(place, now, to);
}

static void put_disk(const struct place *place, const char *name, const char *device)
{
	_cleanup_free_ char *at = string_format("sys/devices/%s/block/%s/dev", device, name);
	_cleanup_free_ char *link = string_format("sys/block/%s", name);
	_cleanup_free_ char *target = string_format("../devices/%s/block/%s", device, name);

	put(place, at, "8:0\n");
	mkdirat(place->root, "sys/block", 0755);
	ok(symlinkat(target, place->root, link) == 0);
}

static struct disk_interrupts *find(const struct place *place, size_t *n)
{
	struct disk_interrupts *disks = NULL;
	struct error err = {0};

	ok(disk_interrupts_find(place->root, &disks, n, &err) == 0, "%s", err.text);
	return disks;
}

TEST(a_disk_with_one_interrupt_that_cannot_be_moved)
{
	struct place place;
	_cleanup_free_ struct disk_interrupts *disks = NULL;
	size_t n;

	must(make_place(&place));
	put(&place, "sys/devices/pci0/0000:00:02.0/irq", "0\n");
	put_interrupt(&place, "pci0/0000:00:02.0", "35", "1\n", "1\n", false);
	put_interrupt(&place, "pci0/0000:00:02.0", "36", "f\n", "2\n", true);
	put_disk(&place, "vda", "pci0/0000:00:02.0/virtio1");
	disks = find(&place, &n);
	must(n == 1);
	is_str(disks[0].name, "vda");
	ok(cpus_count(&disks[0].cpus) == 1 && cpus_has(&disks[0].cpus, 1));
	leave_place(&place);
}

TEST(queues_of_several_cpus_and_of_one_each)
{
	struct place place;
	_cleanup_free_ struct disk_interrupts *disks = NULL;
	size_t n;

	must(make_place(&place));
	/* two for four CPUs */
	put(&place, "sys/devices/pci0/0000:00:03.0/irq", "0\n");
	put_interrupt(&place, "pci0/0000:00:03.0", "40", "3\n", "1\n", true);
	put_interrupt(&place, "pci0/0000:00:03.0", "41", "c\n", "8\n", true);
	put_disk(&place, "sda", "pci0/0000:00:03.0/host0/target0");
	/* one for each: what comes there was asked for there */
	put(&place, "sys/devices/pci0/0000:00:04.0/irq", "0\n");
	put_interrupt(&place, "pci0/0000:00:04.0", "50", "1\n", "1\n", true);
	put_interrupt(&place, "pci0/0000:00:04.0", "51", "00000002\n", "00000002\n", true);
	put_disk(&place, "nvme0n1", "pci0/0000:00:04.0/nvme/nvme0");
	disks = find(&place, &n);
	must(n == 1);
	is_str(disks[0].name, "sda");
	ok(cpus_count(&disks[0].cpus) == 2 && cpus_has(&disks[0].cpus, 0) &&
	   cpus_has(&disks[0].cpus, 3));
	leave_place(&place);
}

TEST(disks_that_are_left_alone)
{
	struct place place;
	_cleanup_free_ struct disk_interrupts *disks = NULL;
	size_t n;

	must(make_place(&place));
	/* where it is can be chosen */
	put(&place, "sys/devices/pci0/0000:00:02.0/irq", "0\n");
	put_interrupt(&place, "pci0/0000:00:02.0", "36", "f\n", "2\n", false);
	put_disk(&place, "vda", "pci0/0000:00:02.0/virtio1");
	/* without such interrupts of its own, behind a bridge that has one */
	put_interrupt(&place, "pci0/0000:00:1c.0", "60", "f\n", "2\n", true);
	put(&place, "sys/devices/pci0/0000:00:1c.0/irq", "60\n");
	put(&place, "sys/devices/pci0/0000:00:1c.0/0000:01:00.0/irq", "11\n");
	put_disk(&place, "sdb", "pci0/0000:00:1c.0/0000:01:00.0/host1");
	/* of none */
	put_disk(&place, "loop0", "virtual");
	/* requests are made by who stands above it */
	put(&place, "sys/devices/pci0/0000:00:05.0/irq", "0\n");
	put_interrupt(&place, "pci0/0000:00:05.0", "70", "f\n", "2\n", true);
	put_disk(&place, "sdc", "pci0/0000:00:05.0/host2");
	put(&place, "sys/devices/pci0/0000:00:05.0/host2/block/sdc/holders/dm-0", "");
	put(&place, "sys/devices/virtual/block/dm-0/mq/0/cpu_list", "0\n");
	put_disk(&place, "dm-0", "virtual");
	disks = find(&place, &n);
	ok(n == 0);
	leave_place(&place);
}

/* One that passes on what it is given is no reason. */
TEST(a_disk_below_a_mapping)
{
	struct place place;
	_cleanup_free_ struct disk_interrupts *disks = NULL;
	size_t n;

	must(make_place(&place));
	put(&place, "sys/devices/pci0/0000:00:05.0/irq", "0\n");
	put_interrupt(&place, "pci0/0000:00:05.0", "70", "f\n", "2\n", true);
	put_disk(&place, "sdc", "pci0/0000:00:05.0/host2");
	put(&place, "sys/devices/pci0/0000:00:05.0/host2/block/sdc/holders/dm-0", "");
	put_disk(&place, "dm-0", "virtual");
	disks = find(&place, &n);
	ok(n == 1);
	leave_place(&place);
}

TEST(bounds)
{
	struct burst_bounds usual = burst_bounds(25);

	ok(usual.most[BURST_DEPTH] == 8 && usual.most[BURST_SIZE] == 64);
	for (unsigned int us = 1; us < 100000; us = us * 3 / 2 + 1) {
		const struct burst_bounds b = burst_bounds(us);
		double takes = 1e6 * burst_cost_s(b.most[BURST_DEPTH],
						  b.most[BURST_DEPTH] * b.most[BURST_SIZE]);

		/* never below what is sensible, and within what is asked for from there on */
		ok(b.most[BURST_DEPTH] >= 8 && b.most[BURST_SIZE] >= 16, "%u us", us);
		ok(takes <= us || (b.most[BURST_DEPTH] == 8 && b.most[BURST_SIZE] == 16), "%u us",
		   us);
		ok((b.most[BURST_SIZE] & (b.most[BURST_SIZE] - 1)) == 0);
	}
}

static void write_book(const struct place *place, struct book **book, const char *file,
		       const char *text)
{
	_cleanup_free_ char *queue = string_format("%s/queue", place->path);
	struct found found = {.means = BURST_MEANS, .where = queue, .what = file, .text = text};
	struct error err = {0};
	struct stat st;
	bool damaged;

	ok(book_open(place->root, book, &damaged, &err) == 0, "%s", err.text);
	ok(stat(queue, &st) == 0);
	found.inode = st.st_ino;
	ok(book_note(*book, &found, &err) == 0, "%s", err.text);
}

static void expect(const struct place *place, const char *file, const char *text)
{
	_cleanup_free_ char *path = string_format("queue/%s", file), *now = NULL;

	ok(file_read_at(place->root, path, 64, &now, NULL, NULL) == 0);
	now[strcspn(now, "\n")] = '\0';
	is_str(now, text);
}

TEST(what_was_set_is_put_back_and_what_others_have_set_is_left)
{
	struct place place;
	_cleanup_(cleanup_book) struct book *book = NULL;
	struct error err = {0};

	must(make_place(&place));
	put(&place, "queue/nr_requests", "8");
	put(&place, "queue/max_sectors_kb", "1024");
	write_book(&place, &book, "nr_requests", "256 8");
	ok(burst_undo_all(book, &err) == 0, "%s", err.text);
	expect(&place, "nr_requests", "256");
	cleanup_book(&book);
	write_book(&place, &book, "max_sectors_kb", "4096 64");
	ok(burst_undo_all(book, &err) == 0, "%s", err.text);
	expect(&place, "max_sectors_kb", "1024");
	leave_place(&place);
}

/* What another keeper was to set, and was killed before it did. */
TEST(what_a_keeper_before_has_set_is_put_back_too)
{
	static const char *const texts[] = {"4096 64 1024", "4096 1024 64"};
	struct place place;
	_cleanup_(cleanup_book) struct book *book = NULL;
	struct error err = {0};

	must(make_place(&place));
	put(&place, "queue/max_sectors_kb", "1024");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_book(&book);
		write_book(&place, &book, "max_sectors_kb", texts[i]);
		ok(burst_undo_all(book, &err) == 0, "%s", err.text);
		expect(&place, "max_sectors_kb", "4096");
		ok(file_write_at(place.root, "queue/max_sectors_kb", "1024", NULL) == 0);
	}
	leave_place(&place);
}

/* A disk whose queue is in PLACE. */
static struct burst_disk disk_at(const struct place *place)
{
	struct burst_disk disk = {0};

	snprintf(disk.at.name, sizeof(disk.at.name), "../..%s", place->path);
	return disk;
}

static char *queue_of(const struct place *place)
{
	return string_format("/sys/block/../..%s/queue", place->path);
}

static void note_as(const struct place *place, struct book *book, const char *file,
		    const char *text)
{
	_cleanup_free_ char *queue = queue_of(place);
	struct found found = {.means = BURST_MEANS, .where = queue, .what = file, .text = text};
	struct stat st = {0};

	ok(stat(queue, &st) == 0);
	found.inode = st.st_ino;
	ok(book_note(book, &found, NULL) == 0);
}

static void open_book(const struct place *place, struct writer *writer)
{
	struct error err = {0};
	bool damaged;

	ok(book_open(place->root, &writer->book, &damaged, &err) == 0, "%s", err.text);
}

static void wait_shortly(void)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	nanosleep(&pause, NULL);
}

/* As many digits as there were: a file is not cut, as an attribute is. */
static void hold(struct writer *writer, struct burst_disk *disk)
{
	const struct burst_bounds bounds = {.most = {[BURST_SIZE] = 1024, [BURST_DEPTH] = 128}};
	struct error err = {0};

	/* asks, writes, sees what was written */
	for (int i = 0; i < 3; i++) {
		ok(burst_hold(writer, disk, &bounds, &err) == 0, "%s", err.text);
		burst_end(disk, clock_monotonic_ns() + BURST_WAIT_NS);
	}
}

TEST(what_a_keeper_before_has_set_is_held_as_its_own)
{
	struct place place;
	struct writer writer = {0};
	struct burst_disk disk;
	struct burst_held held;

	must(make_place(&place));
	put(&place, "queue/nr_requests", "256");
	put(&place, "queue/max_sectors_kb", "2048");
	open_book(&place, &writer);
	disk = disk_at(&place);
	note_as(&place, writer.book, "max_sectors_kb", "4096 1536 2048");
	hold(&writer, &disk);
	expect(&place, "max_sectors_kb", "1024");
	expect(&place, "nr_requests", "128");
	held = burst_held(&writer, &disk, BURST_SIZE);
	ok(held.held && held.found == 4096 && held.set == 1024 && held.before == 2048);
	ok(!disk.others[BURST_SIZE]);
	/* and what somebody sets then is left */
	ok(file_write_at(place.root, "queue/max_sectors_kb", "2048", NULL) == 0);
	hold(&writer, &disk);
	ok(disk.others[BURST_SIZE]);
	expect(&place, "max_sectors_kb", "2048");
	book_close(writer.book);
	leave_place(&place);
}

TEST(a_disk_that_came_again_is_another_one)
{
	struct place place;
	struct writer writer = {0};
	struct burst_disk disk;

	must(make_place(&place));
	put(&place, "queue/nr_requests", "256");
	put(&place, "queue/max_sectors_kb", "4096");
	open_book(&place, &writer);
	disk = disk_at(&place);
	hold(&writer, &disk);
	expect(&place, "nr_requests", "128");
	ok(renameat(place.root, "queue", place.root, "gone") == 0);
	ok(!burst_is_held(&writer, &disk));
	put(&place, "queue/nr_requests", "256");
	put(&place, "queue/max_sectors_kb", "4096");
	hold(&writer, &disk);
	expect(&place, "nr_requests", "128");
	expect(&place, "max_sectors_kb", "1024");
	ok(burst_is_held(&writer, &disk));
	book_close(writer.book);
	leave_place(&place);
}

/* Whoever opens a pipe waits for its other end: as long as nobody answers. */
static void make_hang(const struct place *place)
{
	ok(mkdirat(place->root, "queue", 0755) == 0);
	ok(mkfifoat(place->root, "queue/nr_requests", 0600) == 0);
	put(place, "queue/max_sectors_kb", "64");
}

TEST(nobody_waits_for_a_disk_that_hangs)
{
	struct place place;
	struct writer writer = {0};
	struct burst_disk disk;
	const struct burst_bounds bounds = {.most = {[BURST_SIZE] = 64, [BURST_DEPTH] = 8}};
	struct error err = {0};

	must(make_place(&place));
	make_hang(&place);
	open_book(&place, &writer);
	disk = disk_at(&place);
	note_as(&place, writer.book, "max_sectors_kb", "4096 64 4096");
	for (int i = 0; i < 3; i++) {
		ok(burst_hold(&writer, &disk, &bounds, &err) == 0, "%s", err.text);
		ok(burst_let_go(&writer, &disk, &err) == 0, "%s", err.text);
		wait_shortly();
	}
	ok(disk.child != 0);
	burst_end(&disk, clock_monotonic_ns() + BURST_WAIT_NS / 10);
	ok(disk.child == 0);
	expect(&place, "max_sectors_kb", "64");
	book_close(writer.book);
	leave_place(&place);
}

TEST(what_a_disk_that_hangs_has_stays_noted)
{
	struct place place, good;
	struct writer writer = {0};
	struct error err = {0};
	struct found found;
	_cleanup_free_ char *queue = NULL;

	must(make_place(&place));
	must(make_place(&good));
	make_hang(&place);
	put(&good, "queue/nr_requests", "8");
	put(&good, "queue/max_sectors_kb", "64");
	open_book(&place, &writer);
	note_as(&place, writer.book, "nr_requests", "256 8 256");
	note_as(&good, writer.book, "nr_requests", "256 8 256");
	note_as(&place, writer.book, "max_sectors_kb", "4096 64 4096");
	note_as(&good, writer.book, "max_sectors_kb", "4096 64 4096");
	is_int(burst_undo_all(writer.book, &err), -ETIMEDOUT);
	ok(strstr(err.text, place.path) != NULL, "%s", err.text);
	expect(&good, "nr_requests", "256");
	expect(&good, "max_sectors_kb", "4096");
	is_uint(book_entries(writer.book), 2);
	queue = queue_of(&place);
	ok(book_find(writer.book, queue, "nr_requests", &found));
	book_close(writer.book);
	leave_place(&place);
	leave_place(&good);
}
