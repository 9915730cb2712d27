/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Mounts by descriptor: fsopen(2), open_tree(2), move_mount(2), mount_setattr(2) (Linux 5.12).
 * A mount is made detached, given its attributes, and only then attached onto a descriptor of the
 * target; no path is looked up twice, so nobody can swap it in between.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A new, detached mount of file system TYPE. FLAGS are MS_*: those of the superblock (MS_SYNCHRONOUS,
 * MS_DIRSYNC, MS_LAZYTIME, ...) go to the file system, the others become attributes of the mount.
 * DATA are the file system's own options, comma separated, or NULL. LABEL is SELinux' label with
 * what it is a label of, as "context=LABEL" (mount(8); a label may hold commas), or NULL. The sentence holds what the file system
 * had to say. Returns a descriptor or a negative errno.
 */
int mount_new(const char *type, const char *source, unsigned long flags, const char *data,
	      const char *label, struct error *err);

/*
 * A detached copy of the mount at PATH of DIRFD (PATH "" for DIRFD itself), what a bind mount is
 * made of. RECURSIVE takes the mounts below with it. Returns a descriptor or a negative errno; ERR
 * may be NULL.
 */
int mount_clone(int dirfd, const char *path, bool recursive, struct error *err);

/* Attaches a detached mount onto TARGET (any descriptor, O_PATH too). Negative errno. */
int mount_attach(int mount, int target);

/*
 * Sets and clears MOUNT_ATTR_* of MOUNT (with RECURSIVE: of all below as well). PROPAGATION is one of
 * MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0. Negative errno.
 */
int mount_change(int mount, bool recursive, uint64_t set, uint64_t clear,
		 unsigned long propagation);

/*
 * Maps the owners of files of the detached MOUNT (with RECURSIVE: of all below as well) as the user
 * namespace behind USER_NS does, once and for all. -EINVAL where the file system cannot (Linux 5.12).
 */
int mount_map_ids(int mount, bool recursive, int user_ns);

/* The MOUNT_ATTR_* that stand for the MS_* in FLAGS. The atime attributes are one field: see source. */
uint64_t mount_attributes(unsigned long flags);
