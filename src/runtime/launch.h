/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the container's first process needs to know. The parent fills it before clone; the child owns
 * a copy of the same memory and the same descriptors.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "oci/config.h"
#include "runtime/namespaces.h"

struct cgroup;
struct cgroup_layout;
struct json_object;
struct seccomp_program;

struct launch {
	const char *id;
	const struct oci_config *config;
	const struct oci_process *process;
	unsigned int preserve_fds;
	bool no_pivot;
	bool no_new_keyring;
	bool reaper; /* the program gets an init, see reaper.c */

	int new_namespaces; /* CLONE_NEW* that are made, without CLONE_NEWCGROUP */
	bool in_user_ns;    /* in a user namespace that is not the caller's, made or joined */
	bool unmapped;	    /* the parent maps ids as an ordinary user, see init.c: stay dumpable */
	bool new_cgroup_ns; /* unshared only after the cgroups were entered */
	int sync;	    /* the child's end */
	int listener;	    /* `start` connects here; -EBADF for exec: run at once */
	const char *bundle_path;
	int joined_mount_ns; /* setns in the child, or -EBADF */
	int joined_cgroup_ns;
	int target;	       /* exec: pidfd of the container's init, else -EBADF */
	int target_root;       /* exec: the root of the container's init, or -EBADF */
	int target_namespaces; /* exec: CLONE_NEW* to enter there */
	/*
	 * By namespaces_type, else -EBADF. Of a first process that nobody of its user may look at, its own, for
	 * exec to be given before it is started; of exec, those that it was given to enter.
	 */
	int namespaces[NAMESPACE_TYPES];
	bool namespaces_given;			     /* exec: enter those, not what TARGET has */
	struct seccomp_program *seccomp;	     /* NULL: none */
	const struct oci_capabilities *capabilities; /* NULL: none is left */
	const struct cgroup *cgroup;		     /* NULL: the container has none */
	bool cgroup_later; /* the parent has us moved there before it says that we are placed */
	const struct cgroup_layout *layout;
	const int *mapped_mounts; /* by number of the mount, see idmap.h; NULL: none is mapped */
	struct json_object *hook_state; /* what hooks run by the child read; NULL: it runs none */

	/*
	 * Descriptors of the host, trusted because they are opened before anything changes; by the
	 * child itself, since what is mounted can only be bound by who is in the same namespace.
	 */
	int bundle;    /* directory, root.path and sources of bind mounts are relative to it */
	int host_proc; /* /proc */
	int host_null; /* /dev/null, O_PATH */

	int rootfs;	  /* the container's root, once it is mounted */
	int console;	  /* the pty's slave, -EBADF without terminal */
	const char *path; /* the program, once it is found */
};

/* Nothing is open yet. */
#define LAUNCH_NONE                                                                                \
	{                                                                                          \
		.sync = -EBADF, .listener = -EBADF, .bundle = -EBADF, .joined_mount_ns = -EBADF,   \
		.joined_cgroup_ns = -EBADF, .target = -EBADF, .target_root = -EBADF,               \
		.host_proc = -EBADF, .host_null = -EBADF, .rootfs = -EBADF, .console = -EBADF,     \
		.namespaces = {-EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF},    \
	}
