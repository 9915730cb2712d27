/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The means for how much of a disk's work comes at once. A disk may finish all that it has been given before it raises
 * one interrupt, and all of that completes in one softirq, in the time of whoever runs on the CPU that the interrupt
 * comes to. A quota holds those who asked for it to so much per second, but not to so much at a time. So the size of a request
 * (max_sectors_kb) and how many there are at once (nr_requests; Documentation/ABI/stable/sysfs-block) are lowered until
 * all together complete within a bound.
 *
 * While either is written the kernel lets nothing new begin at the disk, and waits until what has begun is done: in
 * uninterruptible sleep, on a disk that hangs for good; and so does who only reads meanwhile. So a child does that, and
 * nobody waits for it, but at the end for BURST_WAIT_NS.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keeper/disk_interrupts.h"
#include "keeper/writer.h"

#define BURST_MEANS "burst"
#define BURST_WAIT_NS 2000000000ull

enum burst_setting { BURST_SIZE, BURST_DEPTH, BURST_SETTINGS };

/* KiB, and a number; by enum burst_setting. */
struct burst_bounds {
	uint64_t most[BURST_SETTINGS];
};

/* With which what completes at once takes MOST_US, as far as the least that is sensible allows. */
struct burst_bounds burst_bounds(unsigned int most_us);

/* What it takes about to complete so much, in seconds of a CPU. */
double burst_cost_s(uint64_t requests, uint64_t kib);

struct burst_disk {
	struct disk_interrupts at;
	bool seen[BURST_SETTINGS];   /* what was set, in place */
	bool others[BURST_SETTINGS]; /* somebody else has changed it: it is left to them */
	bool told;		     /* by a dry run */
	bool failed;		     /* the last child, which was told */
	bool asked;		     /* a child whether the disk answers */
	pid_t child;		     /* that is at it, 0: none */
};

/* What is set of one setting, what was found, and what was there before it was set. */
struct burst_held {
	bool held;
	uint64_t found, set, before;
};
struct burst_held burst_held(const struct writer *writer, const struct burst_disk *disk,
			     enum burst_setting setting);
/* Which disk an entry of the book is about. */
bool burst_disk_of(const struct found *found, struct disk_interrupts *at);
bool burst_is_held(const struct writer *writer, const struct burst_disk *disk);

/* Lowers what is above BOUNDS. Nothing while a child writes. To be called again: what others change is left to them. */
int burst_hold(struct writer *writer, struct burst_disk *disk, const struct burst_bounds *bounds,
	       struct error *err);

/* Puts back what was found, unless somebody else has changed it since. To be called until it is not held any more. */
int burst_let_go(struct writer *writer, struct burst_disk *disk, struct error *err);

/* Nobody holds it: what others have changed is what is found next time. */
void burst_forget_others(struct burst_disk *disk);

/* Waits for the child until DUE_NS (clock_monotonic_ns), and leaves it then; what it has set stays. */
void burst_end(struct burst_disk *disk, uint64_t due_ns);

/* One entry of the book, for writer.c; for as long as the disk takes. */
int burst_undo(const struct found *found, struct error *err);

/*
 * All of BOOK, which has no others, within BURST_WAIT_NS: a child for each disk. What is done is forgotten, and what a
 * disk has not answered to by then stays. Returns the last failure.
 */
int burst_undo_all(struct book *book, struct error *err);
