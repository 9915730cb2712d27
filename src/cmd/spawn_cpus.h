/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "cmd/spawn_options.h"

/* Whether there are the CPUs of --cpuset-cpus, and a means to keep the workspace on them. -ENODEV. */
int spawn_check_cpus(const struct spawn_options *options, struct error *err);
