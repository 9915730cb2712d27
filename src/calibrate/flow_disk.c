// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads and writes of the scratch file, one at a time. Buffered writes are written back 25 times a second: by
 * fdatasync, in the writer's own time, or by the kernel's flusher. What is read through the page cache is read from
 * the device: in order, read ahead in small pieces; or at places of which none comes twice. Reading
 * ahead is asked for in the steps that are the kernel's own where nobody sets others (VM_READAHEAD_PAGES): where a device
 * has some megabytes, most measurements would have none of it, and few all. Everything is done often enough that
 * every measurement has its part.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "calibrate/flow_run.h"
#include "calibrate/scratch.h"

#define BUFFER_BYTES (1u << 20)
#define DROP_BYTES (512u << 10)
#define DROP_AHEAD_BYTES (1u << 20)
#define AHEAD_BYTES SCRATCH_PIECE_BYTES
#define SYNC_NS 40000000u

struct disk_run {
	const struct flow_spec *spec;
	int fd;
	uint64_t slots, slot; /* places of a request in the file */
	uint64_t stride;      /* from one to the next, out of order */
	uint64_t random;
	uint64_t synced_ns;
	uint64_t first;	  /* byte of the file: where its places begin */
	uint64_t bytes;	  /* so many from there */
	uint64_t dropped; /* from the page cache, up to there */
	uint64_t ahead;	  /* read ahead up to there */
	char *buffer;
};

/* xorshift64: any order that read-ahead cannot guess will do */
static uint64_t next_random(struct disk_run *run)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return run->random;
}

/* Far from one half, one third and so on of SLOTS, and without a common divisor: every place comes once. */
static uint64_t stride_of(uint64_t slots)
{
	uint64_t stride = (uint64_t)((double)slots * 0.6180339887) | 1, a = slots, b = stride, rest;

	for (;; b = ++stride, a = slots) {
		while ((rest = a % b)) {
			a = b;
			b = rest;
		}
		if (b <= 1)
			return stride;
	}
}

static off_t next_place(struct disk_run *run)
{
	if (run->spec->sequential)
		run->slot = (run->slot + 1) % run->slots;
	else if (run->spec->buffered && run->spec->kind == FLOW_READ)
		run->slot = (run->slot + run->stride) % run->slots;
	else
		run->slot = next_random(run) % run->slots;
	return (off_t)(run->first + run->slot * run->spec->size_bytes);
}

/*
 * All of the file is in the page cache but what is read next: what was freed is what is allocated again at once.
 * Dropped behind, it would join what is free already, and other memory be taken; where a hypervisor takes back what is
 * free and has to give it again, that costs ten times as much as reading, for seconds, or not at all. Pieces end
 * where folios end (calibrate/scratch.c); one cut through would stay, and all CPUs' lists be drained for it
 * (mm/fadvise.c, generic_fadvise).
 */
static void drop_ahead(struct disk_run *run, uint64_t at)
{
	uint64_t wanted = at + run->spec->size_bytes + DROP_AHEAD_BYTES;

	while (run->dropped < wanted && run->dropped < run->bytes) {
		posix_fadvise(run->fd, (off_t)run->dropped, DROP_BYTES, POSIX_FADV_DONTNEED);
		run->dropped += DROP_BYTES;
	}
}

static void read_ahead(struct disk_run *run, uint64_t at)
{
	uint64_t wanted = at + run->spec->size_bytes + AHEAD_BYTES;

	if (!run->spec->sequential)
		return;
	if (run->slot == 0)
		run->dropped = run->ahead = 0; /* begun anew */
	drop_ahead(run, at);
	while (run->ahead < wanted && run->ahead < run->bytes) {
		readahead(run->fd, (off_t)run->ahead, AHEAD_BYTES);
		run->ahead += AHEAD_BYTES;
	}
}

static int request(struct disk_run *run)
{
	off_t at = next_place(run);
	size_t size = run->spec->size_bytes;
	ssize_t n;

	if (run->spec->kind == FLOW_WRITE) {
		n = pwrite(run->fd, run->buffer, size, at);
	} else {
		read_ahead(run, (uint64_t)at);
		n = pread(run->fd, run->buffer, size, at);
	}
	if (n != (ssize_t)size)
		return n < 0 ? errno : EIO;
	return 0;
}

static int write_back(struct disk_run *run)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (!run->spec->buffered || !run->spec->synced || run->spec->kind != FLOW_WRITE ||
	    now_ns - run->synced_ns < SYNC_NS)
		return 0;
	run->synced_ns = now_ns;
	return fdatasync(run->fd) < 0 ? errno : 0;
}

/*
 * Half of the file is for those who read in order, which leaves it in the page cache; the other is dropped from it. What
 * is cached already would cost nothing to read, and who writes past the cache what is in it has to take it out there
 * first, which costs as much again.
 */
static void choose_half(struct disk_run *run)
{
	run->bytes /= 2;
	if (run->spec->sequential)
		return;
	run->first = run->bytes;
	/* what is not written back yet would stay */
	fdatasync(run->fd);
	posix_fadvise(run->fd, (off_t)run->first, 0, POSIX_FADV_DONTNEED);
}

static void prepare(struct disk_run *run, const struct flow_spec *spec,
		    const struct flow_scratch *scratch, volatile struct flow_counts *counts)
{
	*run = (struct disk_run){
		.spec = spec,
		.fd = spec->buffered ? scratch->buffered : scratch->direct,
		.bytes = scratch->size_bytes,
		.random = (uint64_t)getpid() * 0x9e3779b97f4a7c15u + 1,
		.synced_ns = clock_monotonic_ns(),
	};
	if (posix_memalign((void **)&run->buffer, 4096, BUFFER_BYTES) != 0)
		flow_run_fail(counts, ENOMEM);
	memset(run->buffer, 'b', BUFFER_BYTES);
	if (!spec->buffered || spec->kind == FLOW_READ)
		choose_half(run);
	run->slots = run->bytes / spec->size_bytes;
	if (run->fd < 0 || !run->slots || spec->size_bytes > BUFFER_BYTES)
		flow_run_fail(counts, EINVAL);
	run->slot = next_random(run) % run->slots;
	run->dropped = run->slot * spec->size_bytes / DROP_BYTES * DROP_BYTES;
	run->ahead = run->slot * spec->size_bytes / AHEAD_BYTES * AHEAD_BYTES;
	run->stride = stride_of(run->slots);
}

/* syncfs has the flusher do it, and waits (fs/fs-writeback.c, writeback_inodes_sb). */
void flow_run_flusher(const struct flow_scratch *scratch, volatile struct flow_counts *counts)
{
	const struct timespec pause = {.tv_nsec = SYNC_NS};

	for (;;) {
		nanosleep(&pause, NULL);
		if (syncfs(scratch->buffered) < 0)
			flow_run_fail(counts, errno);
	}
}

void flow_run_disk(const struct flow_spec *spec, const struct flow_scratch *scratch,
		   volatile struct flow_counts *counts)
{
	struct flow_pace pace;
	struct disk_run run;
	int error = 0;

	prepare(&run, spec, scratch, counts);
	flow_pace_start(&pace, spec->rate);
	while (!error) {
		uint64_t units = flow_pace_wait(&pace, counts);

		while (!error && units--) {
			error = request(&run);
			if (!error) {
				counts->sent++;
				counts->sent_bytes += spec->size_bytes;
			}
		}
		if (!error)
			error = write_back(&run);
	}
	flow_run_fail(counts, error);
}
