// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/means_burst.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"

/*
 * What the ledger posts to class block for a request that is done, 0.4 us of many at once to 1.7 of one alone, and
 * for each KiB of its pages in the page cache, of which direct ones are a third. On a machine that is twice as slow all
 * takes twice as long.
 */
#define REQUEST_US 1.5
#define KIB_US 0.021

/* With fewer an fsync, whose data, journal and flush are several requests, waits for itself. */
#define DEPTH_LEAST 8
#define SIZE_LEAST 16

#define VALUE_BYTES 64

static const char *const files[BURST_SETTINGS] = {
	[BURST_SIZE] = "max_sectors_kb",
	[BURST_DEPTH] = "nr_requests",
};

double burst_cost_s(uint64_t requests, uint64_t kib)
{
	return ((double)requests * REQUEST_US + (double)kib * KIB_US) / 1e6;
}

/* As many at least as make a half of it, and the other half is their pages. A power of two suits any size of a block. */
struct burst_bounds burst_bounds(unsigned int most_us)
{
	struct burst_bounds bounds;
	double depth = most_us / (2 * REQUEST_US), size;

	bounds.most[BURST_DEPTH] = depth > DEPTH_LEAST ? (uint64_t)depth : DEPTH_LEAST;
	size = ((double)most_us / (double)bounds.most[BURST_DEPTH] - REQUEST_US) / KIB_US;
	bounds.most[BURST_SIZE] = SIZE_LEAST;
	while ((double)bounds.most[BURST_SIZE] * 2 <= size)
		bounds.most[BURST_SIZE] *= 2;
	return bounds;
}

static char *directory_of(const struct burst_disk *disk)
{
	return string_format("/sys/block/%s/queue", disk->at.name);
}

static int read_value(int dir, const char *file, uint64_t *value)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read_at(dir, file, VALUE_BYTES, &text, NULL, NULL);

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return string_to_u64(text, 10, value);
}

static int write_value(int dir, const char *file, uint64_t value, struct error *err)
{
	char text[VALUE_BYTES];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return file_write_at(dir, file, text, err);
}

/* From Linux 6.9 on any limit of a queue that is written sets the read-ahead to its default, too (blk_apply_bdi_limits). */
static int write_setting(int dir, const char *file, uint64_t value, struct error *err)
{
	uint64_t before, after;
	bool known = read_value(dir, "read_ahead_kb", &before) == 0;
	int r = write_value(dir, file, value, err);

	if (r == 0 && known && read_value(dir, "read_ahead_kb", &after) == 0 && after != before)
		r = write_value(dir, "read_ahead_kb", before, err);
	return r;
}

/* ---- the book ---- */

/* An entry's text: what was found, and what was set: "4096 64". */
static struct burst_held held_of(const struct found *found)
{
	struct burst_held held = {0};

	held.held = sscanf(found->text, "%" SCNu64 " %" SCNu64, &held.found, &held.set) == 2;
	return held;
}

static struct burst_held held_at(const struct writer *writer, const char *directory,
				 enum burst_setting setting)
{
	struct found found;

	if (!writer->book || !book_find(writer->book, directory, files[setting], &found) ||
	    strcmp(found.means, BURST_MEANS) != 0)
		return (struct burst_held){0};
	return held_of(&found);
}

struct burst_held burst_held(const struct writer *writer, const struct burst_disk *disk,
			     enum burst_setting setting)
{
	_cleanup_free_ char *directory = directory_of(disk);

	return directory ? held_at(writer, directory, setting) : (struct burst_held){0};
}

bool burst_is_held(const struct writer *writer, const struct burst_disk *disk)
{
	return burst_held(writer, disk, BURST_SIZE).held ||
	       burst_held(writer, disk, BURST_DEPTH).held;
}

static int note(struct writer *writer, const char *directory, int dir, enum burst_setting setting,
		const struct burst_held *held, struct error *err)
{
	char text[VALUE_BYTES];
	struct found found = {
		.means = BURST_MEANS, .where = directory, .what = files[setting], .text = text};
	struct stat st;

	if (fstat(dir, &st) < 0)
		return error_errno(err, errno, "look at '%s'", directory);
	found.inode = st.st_ino;
	snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, held->found, held->set);
	book_forget_one(writer->book, directory, files[setting]);
	return book_note(writer->book, &found, err);
}

/* ---- the child ---- */

struct change {
	bool wanted[BURST_SETTINGS];
	uint64_t value[BURST_SETTINGS];
};

static int write_all(int dir, const struct change *change)
{
	int result = 0;

	for (enum burst_setting i = 0; i < BURST_SETTINGS; i++) {
		int r = change->wanted[i] ? write_setting(dir, files[i], change->value[i], NULL)
					  : 0;

		result = r < 0 ? r : result;
	}
	return result;
}

/* It ends with the keeper, and keeps nothing of it open meanwhile: the next one can begin. */
__attribute__((noreturn)) static void be_child(pid_t parent, const char *directory,
					       const struct change *change)
{
	int dir;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_exit(dir < 0 ? errno : -write_all(dir, change));
}

static int start(struct writer *writer, struct burst_disk *disk, const char *directory,
		 const struct change *change, struct error *err)
{
	pid_t parent = getpid();

	disk->child = fork();
	if (disk->child < 0) {
		disk->child = 0;
		return error_errno(err, errno, "fork");
	}
	if (disk->child == 0)
		be_child(parent, directory, change);
	writer->writes++;
	return 0;
}

/* Whether one is at it. What failed is seen by what is there now. */
static bool is_writing(struct burst_disk *disk)
{
	int status, code;

	if (disk->child == 0 || waitpid(disk->child, &status, WNOHANG) == 0)
		return disk->child != 0;
	disk->child = 0;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	/* gone, or the queue is being changed by somebody else in this moment */
	if (code == ENOENT || code == ENODEV || code == EBUSY)
		return false;
	if (code && !disk->failed)
		log_warning("the requests of disk '%s' cannot be bounded: %s", disk->at.name,
			    strerror(code));
	disk->failed = code != 0;
	return false;
}

void burst_end(struct burst_disk *disk)
{
	if (disk->child)
		waitpid(disk->child, NULL, 0);
	disk->child = 0;
}

/* ---- holding ---- */

/* One setting: what is to be written of it. */
static int prepare(struct writer *writer, struct burst_disk *disk, const char *directory, int dir,
		   enum burst_setting setting, uint64_t most, struct change *change,
		   struct error *err)
{
	struct burst_held held = held_at(writer, directory, setting);
	uint64_t now;
	int r = read_value(dir, files[setting], &now);

	if (r < 0 || disk->others[setting])
		return 0;
	disk->seen[setting] |= held.held && now == held.set;
	/* what was noted and never written, by one that was killed, has been changed by nobody */
	if (held.held && now != held.set &&
	    (now != held.found || disk->seen[setting] || disk->failed)) {
		book_forget_one(writer->book, directory, files[setting]);
		disk->others[setting] = true;
		return 0;
	}
	if (!held.held)
		held = (struct burst_held){.held = true, .found = now, .set = now};
	most = most < held.found ? most : held.found;
	if (now == most)
		return 0;
	held.set = change->value[setting] = most;
	change->wanted[setting] = true;
	return writer->book ? note(writer, directory, dir, setting, &held, err) : 0;
}

static void tell(struct writer *writer, struct burst_disk *disk, const char *directory,
		 const struct change *change)
{
	for (enum burst_setting i = 0; i < BURST_SETTINGS && !disk->told; i++) {
		char text[VALUE_BYTES];

		snprintf(text, sizeof(text), "%" PRIu64, change->value[i]);
		if (change->wanted[i])
			writer_tell(writer, "host", directory, files[i], text);
	}
	disk->told = true;
}

int burst_hold(struct writer *writer, struct burst_disk *disk, const struct burst_bounds *bounds,
	       struct error *err)
{
	_cleanup_free_ char *directory = directory_of(disk);
	_cleanup_close_ int dir = -EBADF;
	struct change change = {0};
	int r = 0;

	if (!directory)
		return error_oom(err);
	if (is_writing(disk))
		return 0;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	for (enum burst_setting i = 0; i < BURST_SETTINGS && r == 0; i++)
		r = prepare(writer, disk, directory, dir, i, bounds->most[i], &change, err);
	if (r < 0)
		return r;
	if (writer->dry)
		tell(writer, disk, directory, &change);
	if (writer->dry || (!change.wanted[BURST_SIZE] && !change.wanted[BURST_DEPTH]))
		return 0;
	r = writer->book ? book_flush(writer->book, err) : 0;
	return r == 0 ? start(writer, disk, directory, &change, err) : r;
}

/* What is there already, or is not ours any more, is done with. */
int burst_let_go(struct writer *writer, struct burst_disk *disk, struct error *err)
{
	_cleanup_free_ char *directory = directory_of(disk);
	_cleanup_close_ int dir = -EBADF;
	struct change change = {0};

	if (!directory)
		return error_oom(err);
	if (is_writing(disk))
		return 0;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (enum burst_setting i = 0; i < BURST_SETTINGS; i++) {
		struct burst_held held = held_at(writer, directory, i);
		uint64_t now;

		disk->seen[i] = disk->others[i] = false;
		if (!held.held)
			continue;
		change.wanted[i] = dir >= 0 && read_value(dir, files[i], &now) == 0 &&
				   now == held.set;
		change.value[i] = held.found;
		if (!change.wanted[i])
			book_forget_one(writer->book, directory, files[i]);
	}
	if (!change.wanted[BURST_SIZE] && !change.wanted[BURST_DEPTH])
		return 0;
	return start(writer, disk, directory, &change, err);
}

int burst_undo(const struct found *found, struct error *err)
{
	_cleanup_close_ int dir = open(found->where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct burst_held held = held_of(found);
	struct stat st;
	uint64_t now;
	int r;

	if (dir < 0 || fstat(dir, &st) < 0 || st.st_ino != found->inode || !held.held ||
	    read_value(dir, found->what, &now) < 0 || now != held.set)
		return 0;
	r = write_setting(dir, found->what, held.found, err);
	if (r == -ENODEV || r == -ENOENT)
		return 0;
	return r < 0 ? error_prefix(err, "'%s'", found->where) : 0;
}
