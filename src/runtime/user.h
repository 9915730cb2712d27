/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct user {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary ones */
	size_t n_groups;
};

/*
 * Who TEXT, "NAME", "UID", "NAME:GROUP", "UID:GID", is by /etc/passwd and /etc/group below ROOT, which
 * are opened as from inside. As podman has it: a UID that passwd does not know is taken as it is, with
 * group 0; with a group given there are no supplementary ones, without they come from /etc/group.
 * -ENOENT for an unknown name. *USER is the caller's to user_clear.
 */
int user_resolve(int root, const char *text, struct user *user, struct error *err);

void user_clear(struct user *user);
