/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "kernel/cgroup.h"
#include "promises/promises.h"

/*
 * A reserve of CPU above the quota of a group that PROMISE's is in, or will be in, is a contradiction: -EINVAL with a
 * sentence that names the group. OWN: its own group's quota counts too, since it is nobody's who would
 * raise it.
 */
int quota_check(const struct promise *promise, const struct cgroup_layout *layout, bool own,
		struct error *err);
