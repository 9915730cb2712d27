/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "cmd/spawn_options.h"
#include "oci/config.h"
#include "runtime/user.h"

/*
 * The configuration of a workspace with ROOT_PATH as its root: that of `behalf spec`, with what the
 * options say and podman's default capabilities; terms are annotations (cmd/admit.h). *CONFIG is the caller's to oci_config_free.
 */
int spawn_config_make(const struct spawn_options *options, const char *root_path,
		      const struct user *user, struct oci_config **config, struct error *err);
