/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The register of what is promised on this host, whoever promised it and under whatever --root: a file
 * for each promise in /run/behalf-promises, or where BEHALF_PROMISES says. Admission reads all of them and
 * adds one under one lock; the keeper reads.
 *
 * A promise goes with what it was made for, whoever removes that and however: it is believed only as
 * long as its group is there, and is the same one (its inode), and for a container somebody is in it. One
 * that has no group yet is believed as long as its maker lives. So nothing has to be undone after a crash.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "kernel/cgroup.h"
#include "plan/cpus.h"
#include "plan/terms.h"

enum promise_kind {
	PROMISE_CONTAINER, /* ends when nobody is in the group any more */
	PROMISE_CGROUP,	   /* of somebody else, by `terms set`: ends with the group */
};

struct promise {
	enum promise_kind kind;
	char *name;	  /* the container's id, or the group's path */
	char *state_root; /* --root of the container; NULL for a group */
	struct terms terms;
	bool has_cpus;
	struct cpus cpus; /* that it may run on, when not all */
	/*
	 * Planned when it was promised, at worst: what the I/O in its terms takes of its own threads, and with what is
	 * done on its behalf.
	 */
	uint32_t io_own_mcores, io_mcores;
	bool forced;	/* admitted though there was no room for it */
	char *intended; /* linux.cgroupsPath: where its group will be; NULL: not said */
	char *since;	/* ISO 8601 */
	pid_t maker;	/* who put it here, and when that process started */
	uint64_t maker_start;
	struct cgroup *cgroup; /* NULL: not made yet */
	uint64_t inode;	       /* of its CGROUP_CORE directory */
};

void promise_clear(struct promise *promise);

/* What its threads are promised: to compute, and for its I/O. */
static inline uint32_t promise_weighed_mcores(const struct promise *promise)
{
	return promise->terms.cpu.reserve_mcores + promise->io_own_mcores;
}

struct promise_list {
	struct promise *items;
	size_t n;
	char **unreadable; /* the names of the files of more, which cannot be read; NULL: there are none */
};

/* The name of the file of one of this root and name, by which it is known also when that cannot be read; the caller's to free. */
char *promise_file(const char *state_root, const char *name);
/* Whether the one of that FILE is among those. */
bool promise_list_misses(const struct promise_list *list, const char *file);

void promise_list_clear(struct promise_list *list);

/* Where it is. */
const char *promises_directory(void);

/*
 * Opens the register, and makes it, for one who alone may change it until *DIR, the caller's, is closed.
 * -ETIMEDOUT with a sentence that names the holder: somebody else has had it for PROMISES_PATIENCE_MS.
 */
#define PROMISES_PATIENCE_MS 30000
int promises_lock(int *dir, struct error *err);

/*
 * All promises that hold. DIR is what promises_lock gave: then files of others are removed; -EBADF: as
 * they are at the moment. *LIST is the caller's to promise_list_clear.
 */
int promises_read(int dir, struct promise_list *list, struct error *err);

/*
 * The same for one who promises nothing: files that cannot be read are passed over. *DAMAGED counts them, and
 * *TOLD is about the first.
 */
int promises_read_readable(struct promise_list *list, size_t *damaged, struct error *told,
			   struct error *err);

/* Adds a promise, or replaces the one of the same root and name. */
int promises_put(int dir, const struct promise *promise, struct error *err);

/* Takes one away; none is no error. STATE_ROOT is NULL for a group. */
int promises_remove(const char *state_root, const char *name, struct error *err);

/* Notes the group of a promise, which is there now. -ENODEV: it is in no hierarchy. */
int promise_set_cgroup(struct promise *promise, const struct cgroup *cgroup, struct error *err);

/* Who makes it, and when: this process, now. */
int promise_set_maker(struct promise *promise, struct error *err);

/* A number that is another one after every put and remove: whoever reads often looks at this first. */
uint64_t promises_stamp(void);
