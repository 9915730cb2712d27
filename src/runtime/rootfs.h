/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "runtime/launch.h"

/* Cuts the propagation of mounts to the host and binds root.path as a mount: sets l->rootfs. */
int rootfs_prepare(struct launch *l, struct error *err);

/* Makes l->rootfs the root of the process, and the host's root unreachable. */
int rootfs_enter(struct launch *l, struct error *err);
