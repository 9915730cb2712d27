/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"

/*
 * The path of the cgroup ID in the hierarchy mounted at MOUNT, which MOUNT_FD is open on; "cgroup-ID"
 * when it is not there any more or cannot be looked up. The caller's to free, NULL when memory is out.
 */
char *ledger_cgroup_path(int mount_fd, const char *mount, uint64_t id);

/*
 * The path of SLOT's cgroup. One that is not there any more, as it was removed while it was looked up, is called
 * "cgroup-ID" where it was: below the nearest ancestor that is there, which inherits its account. N_SLOTS of SLOTS
 * are told from. The caller's to free, NULL when memory is out.
 */
char *ledger_slot_path(int mount_fd, const char *mount, const struct wire_slot_info *slots,
		       uint32_t n_slots, uint32_t slot);

/* The id of the hierarchy's root, 0 when it cannot be had. */
uint64_t ledger_cgroup_root_id(int mount_fd);

/* Whether the cgroup PATH is below ANCESTOR, and not that itself. */
bool ledger_cgroup_is_below(const char *path, const char *ancestor);
