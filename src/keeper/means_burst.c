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
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
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

bool burst_disk_of(const struct found *found, struct disk_interrupts *at)
{
	*at = (struct disk_interrupts){0};
	return strcmp(found->means, BURST_MEANS) == 0 &&
	       sscanf(found->where, "/sys/block/%63[^/]/queue", at->name) == 1;
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

/*
 * An entry's text: what was found, what was set, and what was there before that: "4096 64 1024". A keeper that is killed
 * between the book and the disk leaves the last, which may be what another has set.
 */
static struct burst_held held_of(const struct found *found)
{
	struct burst_held held = {0};
	int n = sscanf(found->text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &held.found, &held.set,
		       &held.before);

	held.held = n >= 2;
	if (n == 2)
		held.before = held.found;
	return held;
}

static bool is_ours(const struct burst_held *held, uint64_t now)
{
	return held->held && (now == held->set || now == held->before);
}

/* A disk that went and came again is another one. */
static struct burst_held held_at(const struct writer *writer, const char *directory,
				 enum burst_setting setting)
{
	struct found found;
	struct stat st;

	if (!writer->book || !book_find(writer->book, directory, files[setting], &found) ||
	    strcmp(found.means, BURST_MEANS) != 0 || stat(directory, &st) < 0 ||
	    st.st_ino != found.inode)
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
	snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %" PRIu64, held->found, held->set,
		 held->before);
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

/* It ends with the keeper, and keeps nothing of it open meanwhile: the next one can begin. 0 in the child. */
static pid_t fork_child(struct error *err)
{
	pid_t parent = getpid(), child = fork();

	if (child < 0)
		return error_errno(err, errno, "fork");
	if (child > 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	return 0;
}

/* As long as a disk is being changed it cannot be read, either. */
__attribute__((noreturn)) static void be_child(const char *directory, const struct change *change)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t now;

	if (dir < 0)
		_exit(errno);
	for (enum burst_setting i = 0; i < BURST_SETTINGS; i++)
		read_value(dir, files[i], &now);
	_exit(-write_all(dir, change));
}

static int start(struct writer *writer, struct burst_disk *disk, const char *directory,
		 const struct change *change, struct error *err)
{
	pid_t child = fork_child(err);

	if (child < 0)
		return child;
	if (child == 0)
		be_child(directory, change);
	disk->child = child;
	writer->writes += change->wanted[BURST_SIZE] || change->wanted[BURST_DEPTH];
	return 0;
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* Whether one is at it. What failed is seen by what is there now. */
static bool is_writing(struct burst_disk *disk)
{
	int status, code;

	if (disk->child == 0 || waitpid(disk->child, &status, WNOHANG) == 0)
		return disk->child != 0;
	disk->child = 0;
	code = code_of(status);
	/* gone, or the queue is being changed by somebody else in this moment */
	if (code == ENOENT || code == ENODEV || code == EBUSY)
		return false;
	if (code && !disk->failed)
		log_warning("the requests of disk '%s' cannot be bounded: %s", disk->at.name,
			    strerror(code));
	disk->failed = code != 0;
	return false;
}

/*
 * A keeper that was killed may have left a child that is at it yet, on a disk that hangs. So the first look at a disk is a
 * child's. 1: this one can go on, 0: not now.
 */
static int answers(struct writer *writer, struct burst_disk *disk, const char *directory,
		   struct error *err)
{
	int r;

	if (is_writing(disk))
		return 0;
	if (disk->asked)
		return 1;
	r = start(writer, disk, directory, &(struct change){0}, err);
	disk->asked = r == 0;
	return r;
}

/* Whether it has ended. */
static bool wait_for(pid_t child, uint64_t due_ns, int *status)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	pid_t r;

	*status = 0;
	while ((r = waitpid(child, status, WNOHANG)) == 0 && clock_monotonic_ns() < due_ns)
		nanosleep(&pause, NULL);
	return r != 0;
}

void burst_end(struct burst_disk *disk, uint64_t due_ns)
{
	int status;

	if (disk->child)
		wait_for(disk->child, due_ns, &status);
	disk->child = 0;
}

/* ---- holding ---- */

/* What was noted and never written, by one that was killed, has been changed by nobody. */
static bool is_of_others(const struct burst_disk *disk, enum burst_setting setting,
			 const struct burst_held *held, uint64_t now)
{
	if (!held->held || now == held->set)
		return false;
	return now != held->before || disk->seen[setting] ||
	       (disk->failed && held->before == held->found);
}

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
	disk->seen[setting] = held.held && (disk->seen[setting] || now == held.set);
	if (is_of_others(disk, setting, &held, now)) {
		book_forget_one(writer->book, directory, files[setting]);
		disk->others[setting] = true;
		return 0;
	}
	if (!held.held)
		held.found = held.set = now;
	most = most < held.found ? most : held.found;
	if (now == most)
		return 0;
	change->value[setting] = most;
	change->wanted[setting] = true;
	/* once more, as it did not come to the disk */
	if (held.held && held.set == most && held.before == now)
		return 0;
	disk->seen[setting] = false;
	held.before = now;
	held.set = most;
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
	int r = directory ? answers(writer, disk, directory, err) : error_oom(err);

	if (r <= 0)
		return r;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	r = 0;
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

void burst_forget_others(struct burst_disk *disk)
{
	memset(disk->seen, 0, sizeof(disk->seen));
	memset(disk->others, 0, sizeof(disk->others));
}

/* What is there already, or is not ours any more, is done with. */
int burst_let_go(struct writer *writer, struct burst_disk *disk, struct error *err)
{
	_cleanup_free_ char *directory = directory_of(disk);
	_cleanup_close_ int dir = -EBADF;
	struct change change = {0};
	int r = directory ? answers(writer, disk, directory, err) : error_oom(err);

	if (r <= 0)
		return r;
	burst_forget_others(disk);
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (enum burst_setting i = 0; i < BURST_SETTINGS; i++) {
		struct burst_held held = held_at(writer, directory, i);
		uint64_t now;

		if (!held.held)
			continue;
		change.wanted[i] = dir >= 0 && read_value(dir, files[i], &now) == 0 &&
				   is_ours(&held, now) && now != held.found;
		change.value[i] = held.found;
		if (!change.wanted[i])
			book_forget_one(writer->book, directory, files[i]);
	}
	if (!change.wanted[BURST_SIZE] && !change.wanted[BURST_DEPTH])
		return 0;
	return start(writer, disk, directory, &change, err);
}

/* ---- the end ---- */

/* Also what is as it was found, since somebody may be about to change it yet. */
int burst_undo(const struct found *found, struct error *err)
{
	_cleanup_close_ int dir = open(found->where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct burst_held held = held_of(found);
	struct stat st;
	uint64_t now;
	int r;

	if (dir < 0 || fstat(dir, &st) < 0 || st.st_ino != found->inode ||
	    read_value(dir, found->what, &now) < 0 || !is_ours(&held, now))
		return 0;
	r = write_setting(dir, found->what, held.found, err);
	if (r == -ENODEV || r == -ENOENT)
		return 0;
	return r < 0 ? error_prefix(err, "'%s'", found->where) : 0;
}

static bool is_of_disk(const struct found *found, const char *where)
{
	return strcmp(found->means, BURST_MEANS) == 0 && strcmp(found->where, where) == 0;
}

__attribute__((noreturn)) static void undo_disk(const struct book *book, const char *where)
{
	int result = 0;

	for (size_t i = book_entries(book); i-- > 0;) {
		const struct found found = book_entry(book, i);
		struct error err = {0};
		int r = is_of_disk(&found, where) ? burst_undo(&found, &err) : 0;

		result = r < 0 ? r : result;
	}
	_exit(-result);
}

static bool is_first_of_disk(const struct book *book, size_t at)
{
	const struct found first = book_entry(book, at);

	for (size_t i = 0; i < at; i++) {
		const struct found found = book_entry(book, i);

		if (is_of_disk(&found, first.where))
			return false;
	}
	return strcmp(first.means, BURST_MEANS) == 0;
}

static void forget_disk(struct book *book, const char *where)
{
	for (size_t i = book_entries(book); i-- > 0;) {
		const struct found found = book_entry(book, i);

		if (is_of_disk(&found, where))
			book_forget_at(book, i);
	}
}

/* What could not be put back in time stays in the book. */
static int finish(struct book *book, size_t at, pid_t child, uint64_t due_ns, struct error *err)
{
	_cleanup_free_ char *where = strdup(book_entry(book, at).where);
	int status, code;

	if (!where)
		return error_oom(err);
	if (!wait_for(child, due_ns, &status))
		return error_set(
			err, ETIMEDOUT,
			"the disk of '%s' does not answer: what is set there is noted, for "
			"the next keeper or --restore to put back",
			where);
	code = code_of(status);
	forget_disk(book, where);
	return code ? error_errno(err, code, "put back what '%s' had", where) : 0;
}

int burst_undo_all(struct book *book, struct error *err)
{
	size_t n = book_entries(book);
	_cleanup_free_ pid_t *children = calloc(n + 1, sizeof(*children));
	uint64_t due_ns = clock_monotonic_ns() + BURST_WAIT_NS;
	int r, result = children ? 0 : error_oom(err);

	for (size_t i = 0; children && i < n; i++) {
		if (!is_first_of_disk(book, i))
			continue;
		children[i] = fork_child(err);
		if (children[i] == 0)
			undo_disk(book, book_entry(book, i).where);
		result = children[i] < 0 ? children[i] : result;
	}
	/* to forget a disk moves only what comes after its first */
	for (size_t i = children ? n : 0; i-- > 0;) {
		r = children[i] > 0 ? finish(book, i, children[i], due_ns, err) : 0;
		result = r < 0 ? r : result;
	}
	return result;
}
