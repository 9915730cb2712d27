// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "kernel/kernel_threads.h"
#include "ledger/difference.h"

/* Counts of one flow, and nobody else's in its cache lines. */
struct shared_counts {
	struct flow_counts counts;
} __attribute__((aligned(256)));

struct measure {
	const struct site *site;
	const struct flow_scratch *scratch;
	struct shared_counts *shared;
	pid_t pids[MEASURE_FLOWS_MAX][2];
	struct kernel_threads *threads;
	bool is_host; /* we run in the root cgroup, and are charged to the host */
};

/* One moment: the books, and what the flows have done. */
struct moment {
	struct ledger_snapshot *books;
	struct flow_counts counts[MEASURE_FLOWS_MAX];
	uint64_t stolen_ns;
	uint64_t self_ns;    /* CPU time of this process */
	uint64_t threads_ns; /* of kernel threads */
	uint64_t rcu_ns;     /* of those of RCU */
};

double measure_behalf(const struct measure_charge *charge)
{
	double sum = 0;

	for (int i = 0; i < WIRE_CLASSES; i++)
		sum += charge->behalf[i];
	return sum;
}

double measure_charge(const struct measure_charge *charge)
{
	return charge->own + measure_behalf(charge);
}

/*
 * proc_pid_cgroup(5): the group in the hierarchy of the cpu controller, which is the accounted one; that
 * of v2 where v1 has none.
 */
static bool is_in_root_cgroup(void)
{
	_cleanup_free_ char *text = NULL;
	bool root = false, found = false;
	char *save = NULL;

	if (file_read_at(AT_FDCWD, "/proc/self/cgroup", 1u << 16, &text, NULL, NULL) < 0)
		return true;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *path = strrchr(line, ':');
		bool cpu = strstr(line, ":cpu:") || strstr(line, ":cpu,") || strstr(line, ",cpu:");

		if (!path || (!cpu && (found || strncmp(line, "0::", 3) != 0)))
			continue;
		root = strcmp(path, ":/") == 0;
		found = cpu;
	}
	return root;
}

int measure_open(const struct site *site, const struct flow_scratch *scratch,
		 struct measure **measure, struct error *err)
{
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct measure *opened;
	int r;

	if (proc < 0)
		return error_errno(err, errno, "open '/proc'");
	/* one for each thread of the kernel's, of which there are some on each CPU */
	fd_raise_limit();
	opened = calloc(1, sizeof(*opened));
	if (!opened)
		return error_oom(err);
	opened->site = site;
	opened->scratch = scratch;
	opened->is_host = is_in_root_cgroup();
	opened->shared = mmap(NULL, MEASURE_FLOWS_MAX * sizeof(*opened->shared),
			      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (opened->shared == MAP_FAILED) {
		opened->shared = NULL;
		r = error_oom(err);
	} else {
		r = kernel_threads_open(proc, &opened->threads, err);
	}
	if (r < 0) {
		measure_close(opened);
		return r;
	}
	*measure = opened;
	return 0;
}

static void stop_flows(struct measure *measure)
{
	for (size_t i = 0; i < MEASURE_FLOWS_MAX; i++)
		flow_stop(measure->pids[i]);
}

void measure_close(struct measure *measure)
{
	if (!measure)
		return;
	stop_flows(measure);
	if (measure->shared)
		munmap(measure->shared, MEASURE_FLOWS_MAX * sizeof(*measure->shared));
	kernel_threads_close(measure->threads);
	free(measure);
}

static int start_flows(struct measure *measure, const struct flow_spec *specs, size_t n,
		       struct error *err)
{
	int r = 0;

	memset(measure->shared, 0, MEASURE_FLOWS_MAX * sizeof(*measure->shared));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = flow_start(measure->site, measure->scratch, &specs[i],
			       &measure->shared[i].counts, measure->pids[i], err);
	return r;
}

static int check_flows(const struct measure *measure, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t failed = measure->shared[i].counts.failed;

		if (failed)
			return error_errno(err, (int)failed, "a generated load gave up");
	}
	return 0;
}

/* In short pieces: a signal may be handled by another thread of ours, or just before we sleep. */
static int wait_ms(unsigned int ms, const volatile int *stop)
{
	uint64_t until_ns = clock_monotonic_ns() + ms * 1000000ull, now_ns;
	struct timespec pause;

	while (!*stop && (now_ns = clock_monotonic_ns()) < until_ns) {
		uint64_t left_ns = until_ns - now_ns;

		pause = (struct timespec){.tv_nsec = left_ns < 100000000 ? (long)left_ns
									 : 100000000};
		nanosleep(&pause, NULL);
	}
	return *stop ? -EINTR : 0;
}

/* proc_stat(5): the eighth figure of "cpu", in ticks */
static uint64_t read_stolen_ns(void)
{
	_cleanup_free_ char *text = NULL;
	uint64_t stolen = 0;

	if (file_read_at(AT_FDCWD, "/proc/stat", 1u << 22, &text, NULL, NULL) < 0 ||
	    sscanf(text, "cpu %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &stolen) != 1)
		return 0;
	return stolen * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

static int read_moment(const struct measure *measure, struct moment *moment, struct error *err)
{
	for (size_t i = 0; i < MEASURE_FLOWS_MAX; i++)
		moment->counts[i] = measure->shared[i].counts;
	moment->stolen_ns = read_stolen_ns();
	moment->threads_ns = kernel_threads_read(measure->threads, NULL);
	moment->rcu_ns = kernel_threads_read_rcu(measure->threads);
	moment->self_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	return ledger_snapshot_read(&moment->books, err);
}

static void cleanup_moment(struct moment *moment)
{
	ledger_snapshot_free(moment->books);
}

static void fill_charge(const struct ledger_account *account, double wall_s,
			struct measure_charge *charge)
{
	charge->own = (double)ledger_account_own_ns(account) / wall_s;
	for (int i = 0; i < WIRE_CLASSES; i++)
		charge->behalf[i] = (double)account->behalf_ns[i] / wall_s;
}

static void fill_account(const struct measure *measure, const struct ledger_account *account,
			 struct measure_figures *figures)
{
	for (enum site_workspace w = 0; w < SITE_WORKSPACES; w++) {
		if (strcmp(account->cgroup, site_cgroup(measure->site, w)) == 0) {
			fill_charge(account, figures->wall_s, &figures->workspaces[w]);
			return;
		}
	}
	if (strcmp(account->cgroup, "/") == 0)
		fill_charge(account, figures->wall_s, &figures->host);
	else
		figures->others += (double)ledger_account_charge_ns(account) / figures->wall_s;
}

static void fill_books(const struct measure *measure, const struct ledger_snapshot *books,
		       struct measure_figures *figures)
{
	figures->wall_s = (double)books->wall_ns / 1e9;
	for (size_t i = 0; i < books->n_accounts; i++)
		fill_account(measure, &books->accounts[i], figures);
	for (int i = 0; i < WIRE_CLASSES; i++)
		figures->unattributed += (double)books->unattributed_ns[i] / figures->wall_s;
	figures->idle = (double)books->idle_ns / figures->wall_s;
	figures->books = (double)books->sum_ns / ((double)books->wall_ns * books->cpus);
}

/* 0 where it shrank: threads that have ended take their time with them. */
static double grown(uint64_t before, uint64_t after)
{
	return after > before ? (double)(after - before) : 0;
}

static void fill_flow(const struct flow_counts *before, const struct flow_counts *after,
		      double wall_s, struct measure_flow *flow)
{
	flow->sent = (double)(after->sent - before->sent) / wall_s;
	flow->sent_bytes = (double)(after->sent_bytes - before->sent_bytes) / wall_s;
	flow->received = (double)(after->received - before->received) / wall_s;
	flow->received_bytes = (double)(after->received_bytes - before->received_bytes) / wall_s;
	flow->wakeups = (double)(after->wakeups - before->wakeups) / wall_s;
}

/* BEFORE is left as it is. */
static int fill_figures(const struct measure *measure, const struct moment *before,
			const struct moment *after, struct measure_figures *figures,
			struct error *err)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *books =
		ledger_snapshot_copy(after->books);
	double self, threads;

	if (!books)
		return error_oom(err);
	memset(figures, 0, sizeof(*figures));
	ledger_snapshot_subtract(books, before->books);
	fill_books(measure, books, figures);
	self = (double)(after->self_ns - before->self_ns) / figures->wall_s;
	if (measure->is_host)
		figures->host.own = fmax(0, figures->host.own - self);
	else
		figures->others = fmax(0, figures->others - self);
	threads = grown(before->threads_ns, after->threads_ns) / figures->wall_s;
	figures->programs = fmax(0, figures->host.own - threads);
	figures->host.own -= figures->programs;
	figures->rcu = grown(before->rcu_ns, after->rcu_ns) / figures->wall_s;
	figures->stolen = (double)(after->stolen_ns - before->stolen_ns) / figures->wall_s;
	for (size_t i = 0; i < MEASURE_FLOWS_MAX; i++)
		fill_flow(&before->counts[i], &after->counts[i], figures->wall_s,
			  &figures->flows[i]);
	return 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void measure_median(const struct measure_figures *all, size_t n, struct measure_figures *result)
{
	double *out = (double *)result, values[MEASURE_WINDOWS_MAX];

	for (size_t i = 0; i < sizeof(*result) / sizeof(double); i++) {
		for (size_t w = 0; w < n; w++)
			values[w] = ((const double *)&all[w])[i];
		out[i] = median(values, n);
	}
}

/* Windows that follow each other without a gap: the end of one is the beginning of the next. */
static int take_windows(struct measure *measure, const struct measure_plan *plan,
			const volatile int *stop, struct measure_figures *windows,
			struct error *err)
{
	_cleanup_(cleanup_moment) struct moment before = {0};
	int r = read_moment(measure, &before, err);

	for (unsigned int w = 0; r == 0 && w < plan->windows; w++) {
		struct moment after = {0};

		r = wait_ms(plan->window_ms, stop);
		if (r == 0)
			r = read_moment(measure, &after, err);
		if (r == 0)
			r = check_flows(measure, plan->n_specs, err);
		if (r == 0)
			r = fill_figures(measure, &before, &after, &windows[w], err);
		cleanup_moment(&before);
		before = after;
	}
	return r;
}

int measure_run(struct measure *measure, const struct measure_plan *plan, const volatile int *stop,
		struct measure_figures *figures, struct error *err)
{
	struct measure_figures windows[MEASURE_WINDOWS_MAX];
	int r;

	if (plan->n_specs > MEASURE_FLOWS_MAX || plan->windows > MEASURE_WINDOWS_MAX)
		return error_set(err, E2BIG, "more than %d loads at once", MEASURE_FLOWS_MAX);
	r = start_flows(measure, plan->specs, plan->n_specs, err);
	if (r == 0)
		r = wait_ms(plan->settle_ms, stop);
	if (r == 0)
		r = check_flows(measure, plan->n_specs, err);
	if (r == 0)
		r = take_windows(measure, plan, stop, windows, err);
	stop_flows(measure);
	if (r == 0)
		measure_median(windows, plan->windows, figures);
	return r;
}
