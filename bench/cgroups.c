// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the groups of one container cost, step by step, in microseconds: cgroups [ROUNDS]. The last line
 * is JSON. Every round finds the kernel at rest, as a container that is started now and then does.
 *
 * "entered by itself" is how behalf puts a process there; "moved from outside" is what others do, and
 * waits for an RCU grace period in the kernel.
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "kernel/cgroup.h"
#include "oci/config.h"
#include "runtime/resources.h"

#define MAX_ROUNDS 1000
#define REST_US 20000

enum step { LAYOUT, PLAN, MAKE, RESOURCES, CLONE, ENTER, MOVE, REMOVE, STEPS };

static const char *const names[STEPS][2] = {
	[LAYOUT] = {"layout", "found what is mounted"},
	[PLAN] = {"plan", "planned"},
	[MAKE] = {"make", "made"},
	[RESOURCES] = {"resources", "default devices set"},
	[CLONE] = {"clone", "a process cloned"},
	[ENTER] = {"enter", "entered by itself"},
	[MOVE] = {"move", "moved from outside"},
	[REMOVE] = {"remove", "removed"},
};

static double spent_us[STEPS][MAX_ROUNDS];

static void step_ends(enum step step, int round, uint64_t *since_ns)
{
	uint64_t now_ns = clock_monotonic_ns();

	spent_us[step][round] = (double)(now_ns - *since_ns) / 1000;
	*since_ns = clock_monotonic_ns();
}

/* A child of the kind that runtimes make; it tells how long entering took, in nanoseconds. */
static pid_t clone_child(const struct cgroup *cg, bool enter, int pipe_out)
{
	int fd = enter ? cgroup_clone_fd(cg) : -1;
	struct clone_args args = {
		.flags = fd >= 0 ? CLONE_INTO_CGROUP : 0,
		.exit_signal = SIGCHLD,
		.cgroup = fd >= 0 ? (uint64_t)fd : 0,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0) {
		uint64_t start_ns = clock_monotonic_ns(), took_ns;

		if (enter && cgroup_enter_self(cg, fd >= 0, NULL) < 0)
			_exit(1);
		took_ns = clock_monotonic_ns() - start_ns;
		if (write(pipe_out, &took_ns, sizeof(took_ns)) != sizeof(took_ns))
			_exit(1);
		pause();
	}
	return pid;
}

static int run_child(struct cgroup *cg, bool enter, int round, struct error *err)
{
	uint64_t since_ns = clock_monotonic_ns(), took_ns = 0;
	int pair[2], r = 0;
	pid_t pid;

	if (pipe(pair) < 0)
		return error_errno(err, errno, "make a pipe");
	pid = clone_child(cg, enter, pair[1]);
	if (enter)
		step_ends(CLONE, round, &since_ns);
	close(pair[1]);
	if (pid < 0 || read(pair[0], &took_ns, sizeof(took_ns)) != sizeof(took_ns))
		r = error_set(err, EIO, "the child did not enter the cgroup");
	close(pair[0]);
	if (enter)
		spent_us[ENTER][round] = (double)took_ns / 1000;
	since_ns = clock_monotonic_ns();
	if (r == 0 && !enter) {
		r = cgroup_enter(cg, pid, err);
		step_ends(MOVE, round, &since_ns);
	}
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return r;
}

static int run_round(int round, struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	const struct oci_resources none = {0};
	uint64_t since_ns;
	char path[64];
	int r;

	usleep(REST_US);
	snprintf(path, sizeof(path), "/behalf-bench-%d", getpid());
	since_ns = clock_monotonic_ns();
	r = cgroup_layout_read(&layout, err);
	step_ends(LAYOUT, round, &since_ns);
	if (r == 0)
		r = cgroup_plan(layout, path, &cg, err);
	step_ends(PLAN, round, &since_ns);
	if (r < 0)
		return r;
	r = cgroup_make(cg, err);
	step_ends(MAKE, round, &since_ns);
	if (r == 0)
		r = resources_apply(cg, &none, err);
	step_ends(RESOURCES, round, &since_ns);
	if (r == 0)
		r = run_child(cg, true, round, err);
	usleep(REST_US);
	if (r == 0)
		r = run_child(cg, false, round, err);
	since_ns = clock_monotonic_ns();
	if (cgroup_remove(cg, r == 0 ? err : NULL) < 0 && r == 0)
		r = -EIO;
	step_ends(REMOVE, round, &since_ns);
	return r;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100;
	struct error err = {0};

	if (rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "bench/cgroups: 1 to %d rounds\n", MAX_ROUNDS);
		return EXIT_FAILURE;
	}
	printf("one container's groups, %d rounds\n", rounds);
	for (int round = 0; round < rounds; round++) {
		if (run_round(round, &err) < 0) {
			fprintf(stderr, "bench/cgroups: %s\n", err.text);
			return EXIT_FAILURE;
		}
	}
	for (int step = 0; step < STEPS; step++) {
		qsort(spent_us[step], (size_t)rounds, sizeof(double), compare);
		printf("  %-24s median %8.1f us   p90 %8.1f us\n", names[step][1],
		       spent_us[step][rounds / 2], spent_us[step][rounds * 9 / 10]);
	}
	printf("{\"bench\":\"cgroups\",\"rounds\":%d", rounds);
	for (int step = 0; step < STEPS; step++)
		printf(",\"%s_us\":%.1f", names[step][0], spent_us[step][rounds / 2]);
	printf("}\n");
	return EXIT_SUCCESS;
}
