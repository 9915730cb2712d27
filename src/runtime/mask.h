/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "runtime/launch.h"

/*
 * linux.maskedPaths: files are covered with /dev/null, directories with one empty read-only tmpfs.
 * linux.readonlyPaths: covered with a read-only bind of themselves. Paths that are not there are
 * skipped, as the specification lets us.
 */
int mask_paths(struct launch *l, struct error *err);
