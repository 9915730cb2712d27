/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The network namespaces that the processes of a control group are in. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct netspace {
	int fd;
	ino_t inode;
};

#define NETSPACES_MAX 4

/*
 * Those of the processes in DIRECTORY and in groups below it, other than our own one, at most NETSPACES_MAX: a
 * container that makes more has made them for itself, and they have no links to the host. A group that is
 * gone has none. Close with netspaces_close. *CUT: there are more processes, groups or namespaces than are
 * looked at, so that one that is not found may be there all the same. THOROUGH looks at 65536 processes, not 256:
 * 0.1 s, for when nothing is known yet.
 */
int netspaces_of(const char *directory, bool thorough, struct netspace spaces[static NETSPACES_MAX],
		 size_t *n, bool *cut, struct error *err);
/*
 * Whether those that it would find without being thorough are the N of those INODES, and not cut. None is opened for that:
 * it takes a third of the time.
 */
bool netspaces_are(const char *directory, const ino_t *inodes, size_t n);
void netspaces_close(struct netspace *spaces, size_t n);
