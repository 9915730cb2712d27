/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The process that `exec` runs, from its command line. */
#include <stdbool.h>

#include "base/error.h"
#include "runtime/container.h"

struct exec_request {
	struct container_exec_options exec;
	const char *id;
	char **command;		  /* NULL-terminated, may be empty */
	const char *process_file; /* --process */
	const char *cwd, *user, *apparmor, *label, *pidfd_socket;
	char **env, **groups, **capabilities, **cgroups; /* the caller's to strv_free */
	bool detach, tty, no_new_privs;
};

/*
 * --process, or else a process as the container's first one, but for the command and what the options
 * say. It lives in *HOLDER.
 */
int exec_make_process(const struct container *container, struct exec_request *r,
		      struct oci_config **holder, struct error *err);
