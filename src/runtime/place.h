/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What only the parent may do for a new process of a container: ids, limits, its terminal. */
#include <sys/types.h>

#include "base/error.h"
#include "oci/config.h"

/* Writes linux.uidMappings and gidMappings of PID's new user namespace. */
int place_map_ids(pid_t pid, const struct oci_config *config, struct error *err);

/* process.rlimits and oomScoreAdj. */
int place_set_limits(pid_t pid, const struct oci_process *process, struct error *err);

/*
 * Gives the master of a terminal away: to the Unix socket SOCKET_PATH (then *MASTER stays the
 * caller's to close) or into *TAKER.
 */
int place_hand_over_console(const char *socket_path, int *taker, int *master, struct error *err);

/* Writes PID to PATH in one piece; PATH may be NULL. */
int place_write_pid_file(const char *path, pid_t pid, struct error *err);
