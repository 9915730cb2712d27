/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "runtime/container.h"

/*
 * Undoes everything that the record of CONTAINER, which is locked, names: processes, cgroups,
 * network, files. Goes on after a failure and returns the first one; the record then stays, so that it
 * can be tried again.
 */
int container_undo(struct container *container, struct error *err);
