/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The figures of a container that `events` prints. */
#include "base/error.h"

struct cgroup;
struct container;
struct json_object;

/*
 * What the kernel counts for the container, in the shape runc gives it (its types/events.go): times in
 * nanoseconds, sizes in bytes; what a host does not count is 0 or absent. The caller's to put.
 */
struct json_object *container_stats(const struct container *container, struct cgroup *cg);
