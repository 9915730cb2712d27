/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The means for terms that are set once and then stand, as the kernel itself keeps them: memory, pids, and the
 * limits of disks (memory.rst, pids.rst, blkio-controller.rst of v1; cgroup-v2.rst).
 *
 * Writes through the page cache have no limit here: what is held back then is the write-back, for which
 * a journal that others wait for may have to wait. They are charged all the same.
 */
#include "base/error.h"
#include "keeper/writer.h"
#include "kernel/cgroup.h"
#include "plan/terms.h"

#define STANDING_MEANS "standing"
/* Of what is set over that for a while, where nothing stands. */
#define STANDING_CAP_MEANS "disk"

/* One of them, each for itself: what has failed does not make others be set again, over what holds for a while. */
struct standing_value {
	uint64_t now; /* 0: none */
	bool known; /* else a keeper before this one may have set it: what is promised no more is put back */
};

struct standing_disk_values;

/* One of each controller's. */
#define STANDING_FILES 3

/* Where a workspace's files are. */
struct standing {
	struct {
		char *directory; /* NULL: no such controller */
		int version;
	} memory, pids, io;
	char *pressure_directory; /* where io.pressure is; NULL: nowhere */
	/* Whoever made it may have set memory.limit and pids.limit already, as terms of a container are. */
	bool of_container;
	/* standing.c's own */
	struct terms wanted;		/* by the last call, */
	bool asked;			/* if there was one */
	bool failed;			/* something is still to be set */
	uint64_t files[STANDING_FILES]; /* their inodes when last seen; 0: nothing is set in them */
	struct standing_value memory_limit, memory_reserve, pids_limit;
	struct standing_disk_values *disks;
	size_t n_disks;
	unsigned int disk_writes; /* values of disks that were set, over a cap if there was one */
};

/* A disk as the controllers name it, and what is promised of it. */
struct standing_disk {
	char number[24]; /* "8:0" */
	struct terms_disk terms;
};

/*
 * The disk that DEVICE of terms names ("": that of the root file system), without terms. -ENODEV with a
 * sentence.
 */
int standing_find_disk(const char *device, struct standing_disk *disk, struct error *err);

/* -ENOMEM. Clear it in any case. */
int standing_open(const struct cgroup *cgroup, struct standing *standing, struct error *err);
void standing_clear(struct standing *standing);

/*
 * Sets what differs between TERMS and what was set before, on behalf of workspace NAME; of a term that is there no more,
 * by this keeper or one before it, what was found is put back. What fails holds nothing else up, and is tried again
 * by the next call. -ENOENT: the group is gone; -ENODEV: a controller, or a disk, is not there.
 */
int standing_set(struct writer *writer, const char *name, struct standing *standing,
		 const struct terms *terms, struct error *err);

/*
 * Looks whether a controller of v2 was switched off and on since: its files are others then, and nothing of that is set any
 * more. The next call of standing_set sets it again.
 */
void standing_look(struct standing *standing);

/* What holds on a disk for a while, bytes per second. */
struct standing_caps {
	double cap[TERMS_ACCESSES]; /* lower than its terms' limits; 0: none */
	double drain; /* the limits of writes are no lower than this; 0: they are as they are */
};

/* For disk.c. */
int standing_cap_disk(struct writer *writer, const char *name, const struct standing *standing,
		      const struct standing_disk *disk, const struct standing_caps *caps,
		      struct error *err);

/* Puts back what was found in all of its places. */
int standing_undo(struct writer *writer, const struct standing *standing, bool gone,
		  struct error *err);

/* Puts one entry of the book back. For writer.c. */
int standing_undo_one(const struct found *found, struct error *err);
