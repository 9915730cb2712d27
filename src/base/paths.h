/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Opens PATH as a process with ROOT as its root directory would: symlinks and ".." stay inside
 * (openat2(2), RESOLVE_IN_ROOT, and no magic links). Returns a descriptor (O_CLOEXEC is added) or
 * a negative errno; ERR is not filled, callers know better what the object is called.
 */
int path_open_in_root(int root, const char *path, uint64_t flags, mode_t mode);

/*
 * mkdir -p inside ROOT; existing components are followed inside ROOT, also where a symlink leads to
 * something that is missing: that is made. Returns 0 or -errno.
 */
int path_make_directories_in_root(int root, const char *path, mode_t mode);

/* The same for an empty file, whose directories get mode 0755. 0, too, when there is something. */
int path_make_file_in_root(int root, const char *path, mode_t mode);

/* mkdir -p from the working directory. Returns 0 or a negative errno. */
int path_make_directories(const char *path, mode_t mode);

/* Whether NAME can be one component of a path: not empty, no slash, not "." or "..". */
bool path_is_component(const char *name);
