/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Control groups, v1, v2 and both at once: where the controllers live (layout), and the group that
 * one container has in every hierarchy (struct cgroup). See cgroups(7), cgroup-v2.rst.
 *
 * A container's group goes through these steps, in this order:
 *
 *	cgroup_layout_read(&layout)
 *	cgroup_plan(layout, path, &cg)	nothing is made; the layout may be freed now
 *	cgroup_to_json(cg)		written to the record: enough to undo all that follows
 *	cgroup_make(cg)			the directories; the entrances are open afterwards
 *	resources_apply(cg, ...)	limits, before anybody is inside
 *	clone3(CLONE_INTO_CGROUP, cgroup_clone_fd(cg))	when that is >= 0
 *	cgroup_enter_self(cg, cloned_into) as the first thing the child does
 *	unshare(CLONE_NEWCGROUP)	in the child, now: a cgroup namespace made by clone3 would have
 *					the parent's groups as its root
 *	...
 *	cgroup_kill(cg), cgroup_remove(cg)
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct json_object;

enum cgroup_mode {
	CGROUP_NONE,	/* no hierarchy is mounted */
	CGROUP_LEGACY,	/* v1 only */
	CGROUP_HYBRID,	/* v1, and a v2 hierarchy beside it, with or without controllers */
	CGROUP_UNIFIED, /* v2 only */
};

/* What has files in a group. CORE is the group itself: cgroup.procs, cgroup.freeze (v2 first). */
enum cgroup_controller {
	CGROUP_CORE,
	CGROUP_CPU,
	CGROUP_CPUACCT, /* v1 only; on v2 see CPU */
	CGROUP_CPUSET,
	CGROUP_MEMORY,
	CGROUP_IO, /* "blkio" on v1 */
	CGROUP_PIDS,
	CGROUP_DEVICES, /* v1 only; on v2 BPF programs, see cgroup_devices.h */
	CGROUP_FREEZER, /* v1 only; on v2 part of CORE */
	CGROUP_HUGETLB,
	CGROUP_NET_CLS,	 /* v1 only */
	CGROUP_NET_PRIO, /* v1 only */
	CGROUP_PERF_EVENT,
	CGROUP_RDMA,
	CGROUP_MISC,
	CGROUP_CONTROLLERS, /* their number */
};

const char *cgroup_mode_name(enum cgroup_mode mode);
/* The name the kernel uses in that version, 1 or 2. */
const char *cgroup_controller_name(enum cgroup_controller controller, int version);

struct cgroup_layout;

/*
 * Finds what is mounted, from /sys/fs/cgroup alone when that is v2, else from /proc/self/mountinfo.
 * No hierarchy at all is CGROUP_NONE, not an error.
 */
int cgroup_layout_read(struct cgroup_layout **layout, struct error *err);

/* As cgroup_layout_read, of a recorded tree: proc/self/mountinfo and the mount points below ROOT. */
int cgroup_layout_read_at(int root, struct cgroup_layout **layout, struct error *err);

enum cgroup_mode cgroup_layout_mode(const struct cgroup_layout *layout);
/* 1 or 2, where the controller lives; 0: nowhere. */
int cgroup_layout_version(const struct cgroup_layout *layout, enum cgroup_controller controller);
/* The mount point of the hierarchy that has it, or NULL. */
const char *cgroup_layout_mount(const struct cgroup_layout *layout,
				enum cgroup_controller controller);
void cgroup_layout_free(struct cgroup_layout *layout);
void cleanup_cgroup_layout(struct cgroup_layout **layout);

/* One container's group in every hierarchy. */
struct cgroup;

/*
 * PATH as linux.cgroupsPath: absolute is from the root of each hierarchy's mount, relative is below
 * /behalf. Refused with a sentence: systemd's "slice:prefix:name", "..", a group that has processes.
 * Looks which directories are missing, makes nothing. Does not keep LAYOUT.
 */
int cgroup_plan(const struct cgroup_layout *layout, const char *path, struct cgroup **cg,
		struct error *err);

/*
 * Makes the directories of a plan, and opens the entrances. On v1 cpusets are filled from their
 * parents; on v2 the controllers are enabled from the root down as far as the kernel allows. After a
 * failure cgroup_remove takes back what was made. Hierarchies that an ordinary user may not write to
 * are left out, and are nowhere from then on.
 */
int cgroup_make(struct cgroup *cg, struct error *err);

/* Says whether hierarchies are left out like that, instead of finding out; for the whole process. */
void cgroup_set_ordinary_user(bool ordinary);

/*
 * For a group that systemd makes: a plan whose leaf is the container's alone, and whose parents are not
 * where they are of slices. Once systemd has made the group, cgroup_adopt in place of cgroup_make adds
 * what is missing in hierarchies of controllers that systemd does not know (of v1). Nobody has entered
 * those then: cgroup_enter.
 */
void cgroup_leave_to_systemd(struct cgroup *cg);
int cgroup_adopt(struct cgroup *cg, struct error *err);

/* cgroup_plan and cgroup_make; nothing is left behind on failure. */
int cgroup_create(const struct cgroup_layout *layout, const char *path, struct cgroup **cg,
		  struct error *err);

/*
 * The record: {"path", "version2": mount, "mounts": {...}}: all that cgroup_from_json needs to enter,
 * signal or remove the group, made fully, in part or not at all. The value is the caller's to put.
 */
struct json_object *cgroup_to_json(const struct cgroup *cg);
int cgroup_from_json(struct json_object *record, struct cgroup **cg, struct error *err);

/*
 * The group at PATH that somebody else has made, with whoever is in it, wherever it is: "/a/b" from the root of
 * the hierarchies, or with a mount point before that. To be read, written to and watched; cgroup_remove
 * would take nothing away that was there. -ENOENT: no hierarchy has it.
 */
int cgroup_find(const struct cgroup_layout *layout, const char *path, struct cgroup **cg,
		struct error *err);

/* "/behalf/ID" */
const char *cgroup_path(const struct cgroup *cg);
/* 1 or 2, where the controller lives for this group; 0: nowhere. */
int cgroup_version(const struct cgroup *cg, enum cgroup_controller controller);
/* The group's directory in the hierarchy of that controller, absolute; NULL: none. */
const char *cgroup_directory(const struct cgroup *cg, enum cgroup_controller controller);

/*
 * The descriptor for clone3's CLONE_INTO_CGROUP: the group in the v2 hierarchy. Owned by CG.
 * -EBADF when there is none.
 */
int cgroup_clone_fd(const struct cgroup *cg);

/*
 * As cgroup_open, for groups below: each of GROUPS is "[CONTROLLER,...:]PATH", entered in the
 * hierarchies of those controllers, or in all that have such a group. None is made: -ENOENT.
 */
int cgroup_open_below(struct cgroup *cg, char *const *groups, struct error *err);

/*
 * Opens the entrances when cgroup_make did not (exec: after cgroup_from_json), so that
 * cgroup_clone_fd and cgroup_enter_self need no path any more.
 */
int cgroup_open(struct cgroup *cg, struct error *err);

/*
 * As cgroup_open, to join PID, the container's first process: when a v2 group has handed controllers
 * on to groups below it, processes can only be in those (cgroup-v2.rst, "No Internal Process
 * Constraint"), and the one that PID is in is opened.
 */
int cgroup_open_beside(struct cgroup *cg, pid_t pid, struct error *err);

/*
 * Moves the calling thread, which must be its process's only one, into the group in every hierarchy;
 * CLONED_INTO: clone3 has put it into the v2 one already. Allocates nothing, works after unshare and
 * with another root directory. Moving oneself alone takes no process-wide lock in the kernel and
 * waits for no RCU grace period, moving another does: prefer this to cgroup_enter.
 */
int cgroup_enter_self(const struct cgroup *cg, bool cloned_into, struct error *err);

/* Moves another process, with all its threads. */
int cgroup_enter(struct cgroup *cg, pid_t pid, struct error *err);

/* All processes in the group and below it; *PIDS is the caller's to free. A missing group: none. */
int cgroup_procs(const struct cgroup *cg, pid_t **pids, size_t *n, struct error *err);

/* Sends SIGNAL to all processes in the group and below it, once. */
int cgroup_signal(const struct cgroup *cg, int signal, struct error *err);

/*
 * Kills everything in the group and below it, also when it is frozen and while it forks, and waits
 * until it is empty, at most TIMEOUT_MS (then -ETIMEDOUT).
 */
int cgroup_kill(const struct cgroup *cg, unsigned int timeout_ms, struct error *err);

/* Freezes or thaws, and waits until that is so, at most 10 s (then thawed again, -ETIMEDOUT). */
int cgroup_freeze(const struct cgroup *cg, bool frozen, struct error *err);
/* 1 frozen, 0 not. */
int cgroup_is_frozen(const struct cgroup *cg);

/*
 * Removes what the plan would make: groups below it, the group, and the parents that were missing
 * when they are empty by now. Waits for exiting processes, at most 5 s; living ones are -EBUSY.
 * Works on what is there; directories that are gone are no error.
 */
int cgroup_remove(struct cgroup *cg, struct error *err);

/*
 * Removes the one group of the plan by which its processes are found, if there are none in it or below it,
 * which is sooner done than to look. False: there may be some. The others are cgroup_remove's all the same.
 */
bool cgroup_remove_empty(const struct cgroup *cg);

/*
 * One file of the group: FILE is the whole name, "cpu.shares". -ENODEV when the controller lives
 * nowhere, -ENOENT when it has no such file. On v2 the controller is enabled first if need be.
 */
int cgroup_write(struct cgroup *cg, enum cgroup_controller controller, const char *file,
		 const char *text, struct error *err);
/* *TEXT without trailing newlines, the caller's to free. */
int cgroup_read(struct cgroup *cg, enum cgroup_controller controller, const char *file, char **text,
		struct error *err);

void cgroup_free(struct cgroup *cg);
void cleanup_cgroup(struct cgroup **cg);
