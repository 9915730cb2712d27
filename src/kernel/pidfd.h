/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* pidfd_open(2). Returns a descriptor or a negative errno. */
int pidfd_open_process(pid_t pid);

/* pidfd_send_signal(2); SIGNAL 0 asks whether it exists. Negative errno (-ESRCH: it ended). */
int pidfd_signal(int pidfd, int signal);

/* Whether the process has ended within TIMEOUT_MS (0: now, negative: wait for it). */
bool pidfd_ended(int pidfd, int timeout_ms);

/*
 * Start time of PID in clock ticks since boot (/proc/PID/stat, field 22), which with the pid names a
 * process for good, and whether it is a zombie (ZOMBIE may be NULL). Negative errno.
 */
int process_start_time(pid_t pid, uint64_t *ticks, bool *zombie);
