/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who answers for a container's system calls under SCMP_ACT_NOTIFY (config-linux.md, "Seccomp"). */
#include <sys/types.h>

#include "base/error.h"

struct container;
struct oci_seccomp;

/*
 * Sends LISTENER, the descriptor of the filter of process PID of CONTAINER, to the agent behind
 * linux.seccomp.listenerPath, with the container process state.
 */
int seccomp_listener_hand_over(const struct container *container, const struct oci_seccomp *seccomp,
			       pid_t pid, int listener, struct error *err);
