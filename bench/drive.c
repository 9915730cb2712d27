// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory in /dev/shm holds the state of the workspaces, their register and their keeper's book, apart from the
 * host's own, and the page that we share with the loads: what each is to do, and what it has done. The scratch file
 * has a name for as long as the drive is open. Both are bound into the workspaces, and our own program with them.
 *
 * A reserve is there at any time, so what is judged is seconds, the middle one of three; the keeper goes by
 * seconds too.
 */
#include "drive.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strings.h"
#include "calibrate/flow_run.h"
#include "calibrate/private_ledger.h"
#include "calibrate/scratch.h"
#include "kernel/kernel_threads.h"
#include "ledger/difference.h"

#define NAME "behalf-sets" /* and a number: of workspaces; their groups are behalf-NAME */
#define SCRATCH_BYTES (64u << 20)
#define SETTLE_MS 1500
#define WINDOW_MS 1000
#define WINDOWS 3
#define READY_MS 5000
#define KEEPER_COMM "behalf-keeper"
#define AT "/run/sets/" /* in the workspaces */

extern char **environ;

/* Counts of one flow, and nobody else's in its cache lines. */
struct shared_counts {
	struct flow_counts counts;
} __attribute__((aligned(256)));

struct shared {
	struct flow_spec flows[DRIVE_FLOWS_MAX];
	size_t n_flows;
	uint32_t addresses[DRIVE_WORKSPACES_MAX]; /* said by who has it; host byte order */
	uint32_t go;				  /* all receive: send */
	struct shared_counts counts[DRIVE_FLOWS_MAX];
};

struct drive {
	const char *behalf;
	const volatile int *stop;
	bool own_ledger;
	char *directory, *root, *scratch_path, *shared_path;
	struct flow_scratch scratch;
	struct shared *shared;
	size_t n_workspaces; /* that are there */
	struct kernel_threads *threads;
	int proc;
};

struct moment {
	struct ledger_snapshot *books;
	struct flow_counts counts[DRIVE_FLOWS_MAX];
	uint64_t threads_ns, ours_ns;
};

static void cleanup_moment(struct moment *moment)
{
	ledger_snapshot_free(moment->books);
}

/* ---- in a workspace ---- */

static uint32_t own_address(void)
{
	struct ifaddrs *all, *at;
	uint32_t address = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (at = all; at && !address; at = at->ifa_next) {
		struct sockaddr_in in;

		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET ||
		    at->ifa_flags & IFF_LOOPBACK)
			continue;
		memcpy(&in, at->ifa_addr, sizeof(in));
		address = ntohl(in.sin_addr.s_addr);
	}
	freeifaddrs(all);
	return address;
}

static struct shared *map_shared(const char *path, int flags)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	void *at = MAP_FAILED;

	if (fd >= 0 && (!flags || ftruncate(fd, sizeof(struct shared)) == 0))
		at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

static void pause_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void start_receivers(struct shared *shared, unsigned int number)
{
	for (size_t i = 0; i < shared->n_flows; i++) {
		const struct flow_spec *flow = &shared->flows[i];

		if (flow_is_net(flow) && flow->to == number && fork() == 0)
			flow_run_receiver(flow, INADDR_ANY, &shared->counts[i].counts);
	}
}

static void start_senders(struct shared *shared, unsigned int number)
{
	const struct flow_scratch scratch = {
		.direct = open(AT "scratch", O_RDWR | O_DIRECT | O_CLOEXEC),
		.buffered = -EBADF,
		.size_bytes = SCRATCH_BYTES,
	};

	for (size_t i = 0; i < shared->n_flows; i++) {
		const struct flow_spec *flow = &shared->flows[i];
		volatile struct flow_counts *counts = &shared->counts[i].counts;

		if (flow->from != number || fork() != 0)
			continue;
		if (flow_is_net(flow))
			flow_run_sender(flow, shared->addresses[flow->to], counts);
		if (flow->kind == FLOW_SPIN)
			flow_run_spin(flow, counts);
		flow_run_disk(flow, &scratch, counts);
	}
}

int drive_load(const char *number)
{
	volatile struct shared *shared = map_shared(AT "shared", 0);
	unsigned int own = (unsigned int)strtoul(number, NULL, 10);

	if (!shared || own >= DRIVE_WORKSPACES_MAX)
		return EXIT_FAILURE;
	start_receivers((struct shared *)shared, own);
	shared->addresses[own] = own_address();
	while (!shared->go)
		pause_ms(5);
	start_senders((struct shared *)shared, own);
	for (;;)
		pause();
}

/* ---- around it ---- */

static int make_directory(struct drive *drive, const char *scratch, struct error *err)
{
	char template[] = "/dev/shm/behalf-sets-XXXXXX";
	_cleanup_free_ char *promises = NULL, *keeper = NULL;

	if (!mkdtemp(template))
		return error_errno(err, errno, "make a directory in '/dev/shm'");
	drive->directory = strdup(template);
	drive->root = string_format("%s/root", template);
	drive->shared_path = string_format("%s/shared", template);
	drive->scratch_path = string_format("%s/%s", scratch, strrchr(template, '/') + 1);
	promises = string_format("%s/promises", template);
	keeper = string_format("%s/keeper", template);
	if (!drive->directory || !drive->root || !drive->shared_path || !drive->scratch_path ||
	    !promises || !keeper || setenv("BEHALF_PROMISES", promises, 1) < 0 ||
	    setenv("BEHALF_KEEPER", keeper, 1) < 0)
		return error_oom(err);
	drive->shared = map_shared(drive->shared_path, O_CREAT | O_EXCL);
	return drive->shared ? 0 : error_errno(err, errno, "map '%s'", drive->shared_path);
}

static int make_scratch(struct drive *drive, const char *scratch, struct error *err)
{
	char nameless[64];
	int r = scratch_open(scratch, SCRATCH_BYTES, drive->stop, &drive->scratch, err);

	if (r < 0)
		return r;
	snprintf(nameless, sizeof(nameless), "/proc/self/fd/%d", drive->scratch.buffered);
	if (linkat(AT_FDCWD, nameless, AT_FDCWD, drive->scratch_path, AT_SYMLINK_FOLLOW) < 0)
		return error_errno(err, errno, "give the scratch file the name '%s'",
				   drive->scratch_path);
	return 0;
}

static int watch_threads(struct drive *drive, struct error *err)
{
	drive->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (drive->proc < 0)
		return error_errno(err, errno, "open '/proc'");
	return kernel_threads_open(drive->proc, &drive->threads, err);
}

int drive_open(const char *behalf, const char *scratch, const volatile int *stop,
	       struct drive **drive, struct error *err)
{
	struct drive *opened = calloc(1, sizeof(*opened));
	int r;

	if (!opened)
		return error_oom(err);
	*opened = (struct drive){.behalf = behalf,
				 .stop = stop,
				 .scratch = {.direct = -EBADF, .buffered = -EBADF},
				 .proc = -EBADF};
	r = private_ledger_open(&opened->own_ledger, err);
	if (r == 0)
		r = make_directory(opened, scratch, err);
	if (r == 0)
		r = make_scratch(opened, scratch, err);
	if (r == 0)
		r = watch_threads(opened, err);
	if (r < 0) {
		drive_close(opened);
		return r;
	}
	*drive = opened;
	return 0;
}

static int run(char *const *argv, struct error *err)
{
	posix_spawn_file_actions_t actions;
	int status, r;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	r = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return error_errno(err, r, "run '%s'", argv[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, ECHILD, "'%s' has failed", argv[0]);
	return 0;
}

static int add_option(char ***argv, const char *name, const char *value)
{
	_cleanup_free_ char *option = value ? string_format("--%s=%s", name, value)
					    : string_format("--%s", name);

	return option ? strv_append(argv, option) : -ENOMEM;
}

static int add_bind(char ***argv, const char *source, const char *name)
{
	_cleanup_free_ char *bind = string_format("%s:" AT "%s", source, name);

	return bind ? add_option(argv, "bind", bind) : -ENOMEM;
}

/* As the terms are, in the words of spawn's flags. */
static int add_terms(char ***argv, const struct terms *terms)
{
	int r = 0;

	for (const struct term_kind *kind = term_kinds; r == 0 && kind->name; kind++) {
		_cleanup_free_ char *value = terms_format(terms, kind);

		if (value)
			r = add_option(argv, kind->name, value);
	}
	return r;
}

/*
 * Admission has been asked by who knows that all of it is UDP; spawn, which does not, might refuse: the worst case of
 * TCP is another one.
 */
static int make_argv(const struct drive *drive, const struct terms *terms, size_t number,
		     char ***argv)
{
	const char *const first[] = {drive->behalf, "--root", drive->root,
				     "spawn",	    "-d",     "--force"};
	_cleanup_free_ char *name = string_format(NAME "%zu", number);
	_cleanup_free_ char *self = realpath("/proc/self/exe", NULL);
	char digit[24];
	int r = name && self ? 0 : -ENOMEM;

	snprintf(digit, sizeof(digit), "%zu", number);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(first); i++)
		r = strv_append(argv, first[i]);
	if (r == 0)
		r = add_option(argv, "name", name);
	if (r == 0)
		r = add_bind(argv, drive->shared_path, "shared");
	if (r == 0)
		r = add_bind(argv, drive->scratch_path, "scratch");
	if (r == 0)
		r = add_bind(argv, self, "load");
	if (r == 0)
		r = add_terms(argv, terms);
	if (r == 0)
		r = strv_append(argv, AT "load");
	if (r == 0)
		r = strv_append(argv, "--load");
	return r == 0 ? strv_append(argv, digit) : r;
}

static int spawn_one(struct drive *drive, const struct terms *terms, struct error *err)
{
	_cleanup_strv_ char **argv = NULL;

	if (make_argv(drive, terms, drive->n_workspaces, &argv) < 0)
		return error_oom(err);
	drive->n_workspaces++;
	return run(argv, err);
}

static void delete_all(struct drive *drive)
{
	for (size_t i = 0; i < drive->n_workspaces; i++) {
		char name[32];
		const char *const argv[] = {drive->behalf, "--root", drive->root, "delete",
					    "-f",	   name,     NULL};

		snprintf(name, sizeof(name), NAME "%zu", i);
		run((char *const *)argv, NULL);
	}
	drive->n_workspaces = 0;
	/* of their supervisors, which are ours (PR_SET_CHILD_SUBREAPER) */
	for (int ms = 0; ms < READY_MS && waitpid(-1, NULL, WNOHANG) >= 0; ms += 10)
		pause_ms(10);
}

static bool is_ready(const struct drive *drive)
{
	const volatile struct shared *shared = drive->shared;
	bool ready = true;

	for (size_t i = 0; i < drive->n_workspaces; i++)
		ready = ready && shared->addresses[i];
	for (size_t i = 0; i < shared->n_flows; i++)
		ready = ready &&
			(shared->flows[i].kind > FLOW_CONNECT || shared->counts[i].counts.ready);
	return ready;
}

static int begin(struct drive *drive, const struct drive_plan *plan, struct error *err)
{
	int r = 0;

	memset(drive->shared, 0, sizeof(*drive->shared));
	memcpy(drive->shared->flows, plan->flows, sizeof(plan->flows));
	drive->shared->n_flows = plan->n_flows;
	for (size_t i = 0; r == 0 && i < plan->n_workspaces; i++)
		r = spawn_one(drive, &plan->terms[i], err);
	for (int ms = 0; r == 0 && ms < READY_MS && !is_ready(drive); ms += 10)
		pause_ms(10);
	if (r == 0 && !is_ready(drive))
		return error_set(err, ETIMEDOUT, "a load did not start");
	drive->shared->go = 1;
	return r;
}

static int wait_ms(const struct drive *drive, unsigned int ms)
{
	uint64_t until_ns = clock_monotonic_ns() + ms * 1000000ull, now_ns;

	while (!*drive->stop && (now_ns = clock_monotonic_ns()) < until_ns)
		pause_ms((unsigned int)((until_ns - now_ns) / 1000000) % 100 + 1);
	return *drive->stop ? -EINTR : 0;
}

/* sched-stats.rst: /proc/PID/schedstat begins with the time on a CPU, in ns. */
static uint64_t run_ns_of(int proc, const char *pid)
{
	_cleanup_free_ char *name = NULL, *stat = NULL;
	char path[64];

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	if (file_read_at(proc, path, 64, &name, NULL, NULL) < 0 ||
	    strcmp(name, KEEPER_COMM "\n") != 0)
		return 0;
	snprintf(path, sizeof(path), "%.20s/schedstat", pid);
	return file_read_at(proc, path, 256, &stat, NULL, NULL) < 0 ? 0 : strtoull(stat, NULL, 10);
}

/* What the keeper beside the workspaces has run so far: it is part of what is driven, and no one else's work. */
static uint64_t keeper_ns(const struct drive *drive)
{
	int fd = openat(drive->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t sum = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			sum += run_ns_of(drive->proc, entry->d_name);
	}
	return sum;
}

static int read_moment(const struct drive *drive, struct moment *moment, struct error *err)
{
	for (size_t i = 0; i < DRIVE_FLOWS_MAX; i++) {
		moment->counts[i] = drive->shared->counts[i].counts;
		if (moment->counts[i].failed)
			return error_errno(err, (int)moment->counts[i].failed, "a load gave up");
	}
	moment->threads_ns = kernel_threads_read(drive->threads, NULL);
	moment->ours_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + keeper_ns(drive);
	return ledger_snapshot_read(&moment->books, err);
}

/* In ns: what is no workspace's, nor its keeper's, and not the kernel's own. */
static double foreign_ns(const struct moment *before, const struct moment *after,
			 const struct ledger_snapshot *books)
{
	double sum = -(double)(after->ours_ns - before->ours_ns);

	for (size_t i = 0; i < books->n_accounts; i++) {
		const struct ledger_account *account = &books->accounts[i];

		if (strcmp(account->cgroup, "/") == 0)
			sum += (double)ledger_account_own_ns(account) -
			       (double)(after->threads_ns - before->threads_ns);
		else if (!string_starts_with(account->cgroup, "/behalf-" NAME))
			sum += (double)ledger_account_charge_ns(account);
	}
	return sum > 0 ? sum : 0;
}

static int take_window(const struct drive *drive, struct moment *before,
		       struct drive_figures *figures, struct error *err)
{
	struct moment after = {0};
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *books = NULL;
	double wall_s;
	int r = wait_ms(drive, WINDOW_MS);

	if (r == 0)
		r = read_moment(drive, &after, err);
	if (r < 0)
		return r;
	books = ledger_snapshot_copy(after.books);
	if (!books) {
		cleanup_moment(&after);
		return error_oom(err);
	}
	ledger_snapshot_subtract(books, before->books);
	wall_s = (double)books->wall_ns / 1e9;
	for (size_t i = 0; i < DRIVE_FLOWS_MAX; i++) {
		const struct flow_counts *from = &before->counts[i], *to = &after.counts[i];

		figures->flows[i].sent = (double)(to->sent - from->sent) / wall_s;
		figures->flows[i].received = (double)(to->received - from->received) / wall_s;
	}
	figures->foreign = foreign_ns(before, &after, books) / 1e9 / wall_s;
	cleanup_moment(before);
	*before = after;
	return 0;
}

static double middle(double a, double b, double c)
{
	double least = a < b ? a : b, most = a < b ? b : a;

	return c < least ? least : c > most ? most : c;
}

static void take_middle(const struct drive_figures *windows, struct drive_figures *figures)
{
	for (size_t i = 0; i < DRIVE_FLOWS_MAX; i++) {
		figures->flows[i].sent = middle(windows[0].flows[i].sent, windows[1].flows[i].sent,
						windows[2].flows[i].sent);
		figures->flows[i].received = middle(windows[0].flows[i].received,
						    windows[1].flows[i].received,
						    windows[2].flows[i].received);
	}
	figures->foreign = middle(windows[0].foreign, windows[1].foreign, windows[2].foreign);
}

static int measure(const struct drive *drive, struct drive_figures *figures, struct error *err)
{
	_cleanup_(cleanup_moment) struct moment before = {0};
	struct drive_figures windows[WINDOWS];
	int r = wait_ms(drive, SETTLE_MS);

	if (r == 0)
		r = read_moment(drive, &before, err);
	for (int i = 0; r == 0 && i < WINDOWS; i++)
		r = take_window(drive, &before, &windows[i], err);
	if (r == 0)
		take_middle(windows, figures);
	return r;
}

int drive_run(struct drive *drive, const struct drive_plan *plan, struct drive_figures *figures,
	      struct error *err)
{
	int r;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	r = begin(drive, plan, err);
	if (r == 0)
		r = measure(drive, figures, err);
	delete_all(drive);
	return r;
}

static void remove_directory(const char *directory)
{
	const char *const argv[] = {"/bin/rm", "-rf", directory, NULL};

	run((char *const *)argv, NULL);
}

void drive_close(struct drive *drive)
{
	if (!drive)
		return;
	delete_all(drive);
	if (drive->shared)
		munmap(drive->shared, sizeof(*drive->shared));
	if (drive->scratch_path)
		unlink(drive->scratch_path);
	if (drive->directory)
		remove_directory(drive->directory);
	scratch_close(&drive->scratch);
	kernel_threads_close(drive->threads);
	cleanup_close(&drive->proc);
	private_ledger_close(drive->own_ledger);
	free(drive->directory);
	free(drive->root);
	free(drive->scratch_path);
	free(drive->shared_path);
	free(drive);
}
