/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the cgroup files of this room share; nobody else includes it. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/cgroup.h"

/* v1 has at most 16 hierarchies with controllers (CGROUP_HIERARCHY_ROOT...); named ones come on top. */
#define CGROUP_MAX_HIERARCHIES 24

/* Below it are groups of relative paths; it is removed when empty, whoever made it. */
#define CGROUP_OWN_PARENT "/behalf"

/* A buffer for a file of a group: a directory, a slash, a name. */
#define CGROUP_FILE_BYTES (PATH_MAX + NAME_MAX + 2)

/* A hierarchy: where it is mounted, and what lives there as bits 1 << enum cgroup_controller. */
struct cgroup_hierarchy {
	int version;
	uint32_t controllers;
	char *mount;
};

struct cgroup_layout {
	enum cgroup_mode mode;
	struct cgroup_hierarchy hierarchies[CGROUP_MAX_HIERARCHIES];
	size_t n;
};

/* A container's group in one hierarchy. */
struct cgroup_place {
	int version;
	uint32_t controllers;
	char *directory;     /* absolute */
	size_t mount_length; /* of directory: up to the hierarchy's root */
	unsigned int
		missing; /* so many components, from the leaf up, are the container's to remove */
	int entrance;	 /* v1: "tasks", for writing; v2: the directory */
};

struct cgroup {
	char *path;
	bool denied; /* some places were dropped: this user may not make groups there */
	struct cgroup_place places[CGROUP_MAX_HIERARCHIES];
	size_t n;
};

/* The place that has CONTROLLER; of CORE the v2 one when there is one. NULL: none. */
struct cgroup_place *cgroup_place_of(const struct cgroup *cg, enum cgroup_controller controller);

/* Which controllers NAMES has, words between any of the characters SEPARATORS, as bits. */
uint32_t cgroup_controllers_parse(const char *names, const char *separators, int version);

/*
 * Takes place number I away when R, what became of it, is no more than an ordinary user has to live
 * with: somebody else's file system, or one mounted read-only. For root of the host nothing is.
 */
bool cgroup_drop_denied(struct cgroup *cg, size_t i, int r);

/* Whether the group at DIRECTORY has processes of its own. */
bool cgroup_has_processes(const char *directory);

/* Whether the caller is not root, or only that of a user namespace. */
bool cgroup_is_ordinary_user(void);

/* Calls VISIT on DIRECTORY and on every group below it, deepest first. Stops at the first non-zero. */
int cgroup_walk(const char *directory, int (*visit)(const char *directory, void *data), void *data);

/* v2: lets the groups from the root down to PLACE's parent hand on CONTROLLERS, as bits. */
int cgroup_enable(const struct cgroup_place *place, uint32_t controllers, struct error *err);

/* For loops that wait for the kernel: sleeps for *NS and doubles it, up to 10 ms. */
void cgroup_pause(long *ns);
