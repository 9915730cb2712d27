/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How the kernel's own workers fare: those threads of the kernel that are in no workspace's group. A worker that is
 * ready for most of a second and hardly runs is starved, whatever it has to do (ksoftirqd apart); one that waits a
 * little each time it wakes up is not.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_thread;

/* All zero at first. */
struct host_threads {
	struct host_thread *items; /* by pid */
	size_t n;
	uint64_t at_ns;
	double got;   /* what all of them ran since the look before, in cores */
	double *lost; /* by CPU: what the starved ones waited, in cores */
	bool starved; /* any of them */
};

/*
 * Looks at all of them; worth it once a second, and while CPUs are short. False: nothing is known, as this is
 * the first look, or the kernel does not tell (/proc/2/task/2/children, schedstat).
 */
bool host_threads_look(struct host_threads *threads, unsigned int n_cpus, uint64_t now_ns);
/* What was seen so far is too long ago. */
void host_threads_forget(struct host_threads *threads);
void host_threads_clear(struct host_threads *threads);
