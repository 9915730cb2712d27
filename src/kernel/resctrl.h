/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The resctrl file system (Documentation/filesystems/resctrl.rst): shares of caches and of memory
 * bandwidth, by groups of tasks. A group is a directory of the root; it also holds mon_groups/, whose
 * directories only count. GROUP is always the way to a directory below the root, "" the root itself.
 *
 * All functions return 0 or a negative errno; the sentence of a failure holds what the kernel left in
 * info/last_cmd_status.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Opens the directory where it is mounted: of the host (ROOT negative) or of a recorded tree with
 * proc/self/mountinfo. *POINT (may be NULL) is the mount point's path, the caller's to free. -ENODEV
 * when it is mounted nowhere.
 */
int resctrl_open(int root, char **point, struct error *err);

bool resctrl_has_group(int dir, const char *group);

/* Makes a group: 1, or 0 when it was there. */
int resctrl_make_group(int dir, const char *group, struct error *err);

/* Takes the group away; its tasks go to the group above. One that is not there is no failure. */
int resctrl_remove_group(int dir, const char *group, struct error *err);

/* Writes LINES ("L3:0=ff;1=f\nMB:0=50\n"), each resource at most once. */
int resctrl_write_schemata(int dir, const char *group, const char *lines, struct error *err);

/* Whether every share that LINES names is what the group has: -EINVAL with a sentence when not. */
int resctrl_check_schemata(int dir, const char *group, const char *lines, struct error *err);

/* Puts one task, a thread, into the group. */
int resctrl_add_task(int dir, const char *group, pid_t task, struct error *err);

/* 1 when the group has other tasks than EXCEPT, 0 when it has none. */
int resctrl_has_tasks(int dir, const char *group, pid_t except, struct error *err);
