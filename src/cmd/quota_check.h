/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "kernel/cgroup.h"
#include "promises/promises.h"

/*
 * On v2 a controller has to be switched on for a group by those above it. -ENODEV with a sentence that names the
 * controller: it is not, and PROMISE has terms that need it. A group that is not there yet is not looked at.
 */
int quota_check_controllers(const struct promise *promise, struct error *err);

/*
 * A reserve of CPU above the quota of a group that PROMISE's is in, or will be in, is a contradiction: -EINVAL with a
 * sentence that names the group. Its own group's quota counts too, where it is not that of a limit promised BEFORE, which
 * the keeper moves and takes back. BEFORE NULL: its own is not looked at, as it is set anew.
 */
int quota_check(const struct promise *promise, const struct cgroup_layout *layout,
		const struct terms *before, struct error *err);
