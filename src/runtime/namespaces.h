/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The namespaces of a configuration: those that are made become flags of clone3, those given by path
 * are opened here and entered around the clone.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "oci/config.h"

#define NAMESPACE_TYPES 8

struct namespaces {
	int new_types;		     /* CLONE_NEW* to make */
	int joined[NAMESPACE_TYPES]; /* opened from paths, by namespace_index; -EBADF: none */
	char time_offsets[128];	     /* as timens_offsets takes them; empty: none */
};

#define NAMESPACES_NONE                                                                            \
	{                                                                                          \
		.joined = {-EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF},        \
	}

/* The kinds in the order in which they are joined: CLONE_NEW* of NTH, which is below NAMESPACE_TYPES. */
int namespaces_type(size_t nth);

/*
 * Opens the calling process' own below PROC, a /proc: one for each type, -EBADF where the kernel has no such
 * kind.
 */
int namespaces_open_own(int proc, int own[NAMESPACE_TYPES], struct error *err);

/* Opens and checks every path. On failure nothing is open. */
int namespaces_open(const struct oci_config *config, struct namespaces *ns, struct error *err);
/*
 * Whether the caller could come back to its own namespace of TYPE, having entered another one: root of a user
 * namespace only to one that belongs to it.
 */
bool namespaces_can_return(int type);
/* Adds the namespace of TYPE that process PID is in. */
int namespaces_join_of(struct namespaces *ns, pid_t pid, int type, struct error *err);
void namespaces_close(struct namespaces *ns);

/* The descriptor joined for CLONE_NEW* TYPE, or -EBADF. */
int namespaces_joined(const struct namespaces *ns, int type);

/*
 * Clones the calling process: in the child returns 0, in the parent the child's pid with *PIDFD, or a
 * negative errno. The child is in all namespaces but a joined mount or cgroup namespace (launch.h) and
 * a new cgroup namespace. The parent's own namespaces are as before. CGROUP is a descriptor for
 * CLONE_INTO_CGROUP or negative.
 */
pid_t namespaces_clone(const struct namespaces *ns, int cgroup, int *pidfd, struct error *err);
