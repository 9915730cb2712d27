/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/*
 * Locks a directory that may be made for the purpose and is removed by whoever needs it last: a
 * flock(2) on its descriptor, which a killed process gives back by itself. Who waited may get a
 * directory that was removed meanwhile; with MAKE it is then made anew, otherwise that is -ENOENT.
 * Without WAIT -EWOULDBLOCK when somebody has it. *DIR is the caller's: closing it unlocks. Removing
 * the directory is right only while it is locked. Returns 0 or a negative errno.
 */
int directory_lock(const char *path, bool make, bool wait, int *dir);
