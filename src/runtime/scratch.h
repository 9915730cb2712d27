/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The place where the root of a workspace is put together: ROOT/.spawn, in a mount namespace of its
 * own, so that nothing that is mounted there is seen by anybody or can be left behind. One at a time
 * has it; it is also the lock under which reserves are counted and promised.
 */
#include <stdbool.h>

#include "base/error.h"

struct scratch;

/*
 * Takes the lock, waiting for it, and makes ROOT if need be. Until scratch_leave the calling process,
 * which must have one thread, is in another mount namespace: a copy that follows the host's.
 */
int scratch_enter(const char *root, struct scratch **scratch, struct error *err);

/*
 * An overlay whose changes are kept in memory, charged to who makes them, and vanish: of the host's
 * root and the file systems mounted in it that hold programs and data (LOWER NULL), or of the
 * directory LOWER alone. *PATH is where it is; it belongs to SCRATCH.
 */
int scratch_make_overlay(struct scratch *scratch, const char *lower, const char **path,
			 struct error *err);

/*
 * Goes back to the mount namespace of before, gives the lock back and removes the place. Whoever has
 * cloned or opened what was mounted there keeps it.
 */
void scratch_leave(struct scratch *scratch);
void cleanup_scratch(struct scratch **scratch);

/* Removes what a killed process left of the place, if nobody has it now. */
void scratch_sweep(const char *root);
