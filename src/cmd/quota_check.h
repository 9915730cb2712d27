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
 * sentence that names the group. OWN: its own group's quota counts too, since it is nobody's who would
 * raise it.
 */
int quota_check(const struct promise *promise, const struct cgroup_layout *layout, bool own,
		struct error *err);
