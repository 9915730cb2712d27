/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "runtime/launch.h"

/* Mounts all of config.mounts below l->rootfs, in order (config.md, "Mounts"). */
int mounts_make(struct launch *l, struct error *err);

/* Makes those tmpfs mounts read-only that had to stay writable until devices were made. */
int mounts_finish(struct launch *l, struct error *err);

/*
 * Opens DESTINATION inside the container's root as a mount target, made when absent: a directory, or
 * an empty file when FILE. Returns a descriptor (O_PATH) or a negative errno with a sentence.
 */
int mounts_open_target(struct launch *l, const char *destination, bool file, struct error *err);

/*
 * A bind mount in two steps: the source, of l->bundle, as a detached mount with the options of M (*FILE:
 * it is no directory), and attaching it below l->rootfs. In between another mount namespace may be
 * entered. The first returns a descriptor, both a negative errno with a sentence.
 */
int mounts_clone_bind(struct launch *l, const struct oci_mount *m, bool *file, struct error *err);
int mounts_attach(struct launch *l, const struct oci_mount *m, int mount, bool file,
		  struct error *err);

/* cgroup_mount.c: the `cgroup` mount of a container, on v2 one mount, on v1 a tmpfs of hierarchies. */
int cgroup_mount_make(struct launch *l, const struct oci_mount *m, int target, struct error *err);
