/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How the kernel's own workers fare: those threads of the kernel that are in no workspace's group. A worker that is
 * ready for most of a second and hardly runs is starved, whatever it has to do (ksoftirqd apart); one that waits a
 * little each time it wakes up is not. Workers of one pool of the kernel's take turns at the same work (workqueue.rst):
 * what one of them does not wait another one does, and together they are as one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_thread;
struct host_waiting;

/* All zero at first. */
struct host_threads {
	struct host_thread *items; /* by pid */
	size_t n;
	struct host_waiting *waiting; /* as of the last look */
	size_t n_waiting;
	uint64_t at_ns;
	double got;   /* what all of them ran since the look before, in cores */
	double *lost; /* by CPU: what the starved ones waited, in cores */
	bool starved; /* any of them */
};

#define HOST_POOL_BYTES 20

/* Of the time between two looks: a thread that waited more than it ran, or a worker that ran. */
struct host_waiting {
	char pool[HOST_POOL_BYTES]; /* of workers, or its own number */
	int cpu;		    /* that it ran on last */
	double ran, waited;
	bool waits; /* it is one of the first; the others tell how its pool fares */
};

/* Says whether it waits. Whether it is one for the list: a worker that hardly waits is, for what its pool does. */
bool host_threads_count(struct host_waiting *one);
/* Adds to LOST, by CPU, what those of the list waited that wait and are starved. Whether there are any. */
bool host_threads_starve(const struct host_waiting *list, size_t n, double *lost);
/*
 * The pool of the thread of that number and name: of "kworker/u8:1-loop0" it is "kworker/u8", and of
 * "kworker/0:1H-kblockd", which is one of the pool of more urgent work, "kworker/0H".
 */
void host_threads_pool(const char *name, int pid, char pool[static HOST_POOL_BYTES]);

/*
 * Looks at all of them; worth it once a second, and while CPUs are short. False: nothing is known, as this is
 * the first look, or the kernel does not tell (/proc/2/task/2/children, schedstat).
 */
bool host_threads_look(struct host_threads *threads, unsigned int n_cpus, uint64_t now_ns);
/* What was seen so far is too long ago. */
void host_threads_forget(struct host_threads *threads);
void host_threads_clear(struct host_threads *threads);
