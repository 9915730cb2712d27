/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* CPU time of the kernel's own threads, apart from programs. */
#include <stdint.h>

#include "base/error.h"

struct kernel_threads;

/*
 * Those that there are now, under PROC_FD, a directory like /proc, which is borrowed until kernel_threads_close.
 * Left out are those that only do what others left to them (ksoftirqd, kworker), since the ledger knows
 * whose work that is.
 */
int kernel_threads_open(int proc_fd, struct kernel_threads **threads, struct error *err);
void kernel_threads_close(struct kernel_threads *threads);

/*
 * What they have run in all, in ns; one that has ended counts no more. *SET (SET may be NULL) is a number that other
 * threads would hardly have: where it is the same, the difference of two sums is what they ran in between.
 */
uint64_t kernel_threads_read(const struct kernel_threads *threads, uint64_t *set);

/* Of that what the threads of RCU have run, which free what others no longer use. */
uint64_t kernel_threads_read_rcu(const struct kernel_threads *threads);
