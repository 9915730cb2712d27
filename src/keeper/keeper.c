// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper's life:
 *
 *	the lock		one keeper for the host: whoever has it
 *	the book		what an earlier one found and did not put back
 *	the socket, READY=1
 *	every period		the register, if it has changed; charges; the controller; writes
 *	the end			what was found is put back, or (SIGUSR1, --once) left to the next
 *
 * Nothing is written before the book has what was there. Every quota that is written is a valid limit by
 * itself (control.c), so whatever instant the keeper is killed at, what is left holds; the next one finds
 * the book, carries on from it, and can still put everything back.
 *
 * With the ledger off nothing is known of charges: the static limits are set, and the ledger is looked for
 * once a second.
 */
#include "keeper/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "keeper/above.h"
#include "keeper/aside.h"
#include "keeper/burst_round.h"
#include "keeper/disk.h"
#include "keeper/events.h"
#include "keeper/host_marks.h"
#include "keeper/host_round.h"
#include "keeper/lock.h"
#include "keeper/network_round.h"
#include "keeper/notify.h"
#include "keeper/settle.h"
#include "keeper/status.h"
#include "keeper/steer_round.h"
#include "ledger/charges.h"

#define REGISTER_NS 500000000ull  /* how often the register is looked at, */
#define LEDGER_NS 1000000000ull	  /* a ledger that is off, */
#define CARRY_NS 2000000000ull	  /* and the controller's memory written down */
#define STANDING_NS 5000000000ull /* and what could not be set, tried again */
#define ONCE_ROUNDS 11
#define TELL_ROUNDS 5
#define QUOTA_ROUNDS 20
#define SLOW_ROUNDS 10	 /* between readings of what hardly matters, */
#define SLOWER_ROUNDS 50 /* and where they are dear */

struct keeper {
	const struct keeper_options *options;
	char *socket_path;
	int dir, lock, signals, listening;
	struct book *book;
	struct writer writer;
	struct roster roster;
	struct aside aside;
	struct network_round network;
	struct ledger_charges *charges;
	uint64_t stamp, now_ns;
	uint64_t register_due_ns, ledger_due_ns, carry_due_ns, standing_due_ns;
	uint64_t watchdog_due_ns, watchdog_ns;
	struct steer_round steering;
	struct burst_round bursts;
	unsigned int rounds;
	bool read_register; /* whatever the stamp says */
	struct above above;
	struct disks disks;
	struct events events;
	struct host_round host;
	struct host_marks marks;
};

static int open_book(struct keeper *k, struct error *err)
{
	bool damaged = false;
	int r = book_open(k->dir, &k->book, &damaged, err);

	if (r < 0)
		return error_prefix(err, "the keeper's book in '%s'", keeper_directory());
	if (damaged)
		log_warning("the keeper's book in '%s' is damaged: what was set before cannot be "
			    "put back",
			    keeper_directory());
	k->writer.book = k->book;
	k->writer.lost = damaged;
	return 0;
}

/* ---- the register ---- */

static int watch(struct keeper *k, struct error *err)
{
	const size_t n = k->roster.control.n;
	_cleanup_free_ const char **paths = calloc(n + 1, sizeof(*paths));

	if (!paths)
		return error_oom(err);
	for (size_t i = 0; i < n; i++)
		paths[i] = k->roster.items[i].path;
	return k->charges ? ledger_charges_watch(k->charges, paths, n, err) : 0;
}

/* What stands by itself once it is set. ALL: the register has changed; else what failed is tried again. */
static void set_standing(struct keeper *k, bool all)
{
	for (size_t i = 0; i < k->roster.control.n; i++) {
		struct roster_entry *e = &k->roster.items[i];
		bool again = e->standing.failed;
		struct error err = {0};
		int r;

		if (!all && !again)
			continue;
		r = standing_set(&k->writer, e->called, &e->standing, &e->terms, &err);
		if (r < 0 && r != -ENOENT && (all || !again))
			log_warning("the terms of '%s' cannot be kept: %s", e->called, err.text);
	}
}

static void set_standing_again(struct keeper *k)
{
	if (k->now_ns < k->standing_due_ns)
		return;
	k->standing_due_ns = k->now_ns + STANDING_NS;
	set_standing(k, false);
	/* who could not be taken up */
	k->read_register |= k->roster.refused != NULL;
}

static int follow_register(struct keeper *k, struct error *err)
{
	_cleanup_(promise_list_clear) struct promise_list list = {0};
	struct error told = {0};
	uint64_t stamp;
	size_t damaged;
	int r;

	if (k->now_ns < k->register_due_ns && !k->read_register)
		return 0;
	k->register_due_ns = k->now_ns + REGISTER_NS;
	stamp = promises_stamp();
	if (stamp == k->stamp && !k->read_register)
		return 0;
	r = promises_read_readable(&list, &damaged, &told, err);
	if (r == 0 && damaged && stamp != k->stamp)
		log_warning("%s", told.text);
	if (r == 0)
		r = roster_update(&k->roster, &list, &k->writer, err);
	if (r < 0)
		return r;
	k->stamp = stamp;
	k->writer.lost = false;
	k->read_register = false;
	settle_estates(&k->roster, &list, &k->writer);
	if (settle_steering(&k->roster, &k->writer))
		k->steering = (struct steer_round){0};
	set_standing(k, true);
	aside_step(&k->aside, &k->roster);
	r = k->book && !k->writer.dry ? book_flush(k->book, err) : 0;
	return r < 0 ? r : watch(k, err);
}

/* ---- charges ---- */

static void open_ledger(struct keeper *k)
{
	struct error err = {0};

	if (k->charges || k->now_ns < k->ledger_due_ns)
		return;
	k->ledger_due_ns = k->now_ns + LEDGER_NS;
	if (ledger_charges_open(&k->charges, &err) < 0)
		return;
	/* a ledger of fewer CPUs is not this host's: it would be read beyond its end */
	if (ledger_charges_cpus(k->charges) < k->roster.n_cpus || watch(k, &err) < 0) {
		ledger_charges_close(k->charges);
		k->charges = NULL;
	}
}

/* A group that is gone takes its promise with it, which the register's stamp does not tell. */
static void note_gone(struct keeper *k, size_t i)
{
	k->roster.control.workspaces[i].gone = true;
	k->read_register = true;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENODEV;
}

static bool wants_billed(const struct roster_entry *e, const struct control_workspace *w)
{
	double limit = w->terms.limit_mcores / 1000.0;

	/* the window has to have it at both ends: keep on once it is needed */
	return limit > 0 ? w->limit.got > 0.5 * limit || e->applied.quota_cores != limit
			 : e->applied.quota_cores > 0 || w->blamed;
}

/*
 * What a thread waited is needed at once of those who have less than their reserve, and now and then of all.
 * What is read after a pause counts for one round only.
 */
static void read_waited(struct keeper *k, size_t i)
{
	struct roster_entry *e = &k->roster.items[i];
	struct control_workspace *w = &k->roster.control.workspaces[i];
	double reserve = w->terms.reserve_mcores / 1000.0;
	bool urgent = reserve > 0 && w->reserve.got < reserve && w->reserve.got > 0.01;
	uint64_t waited_ns, most_ns;
	int r;

	/* asking each thread costs a hundred times as much as pressure does */
	if (!urgent && (k->rounds + i) % (e->gauge.pressure >= 0 ? SLOW_ROUNDS : SLOWER_ROUNDS))
		return;
	r = gauge_waited_ns(&e->gauge, &waited_ns);
	if (is_gone(r))
		note_gone(k, i);
	if (r < 0)
		return;
	most_ns = k->options->period_ns * (reserve > 0 ? 1 : SLOW_ROUNDS);
	if (waited_ns > e->waited_base_ns)
		e->waited_ns += waited_ns - e->waited_base_ns < most_ns
					? waited_ns - e->waited_base_ns
					: most_ns;
	e->waited_base_ns = waited_ns;
}

static void see(struct keeper *k, size_t i)
{
	struct roster_entry *e = &k->roster.items[i];
	struct control_workspace *w = &k->roster.control.workspaces[i];
	const struct ledger_charge *charge = ledger_charges_of(k->charges, i);

	w->gone = false;
	w->seen = (struct control_seen){.own_ns = charge->own_ns,
					.behalf_ns = charge->behalf_ns,
					.imposed_ns = charge->imposed_ns};
	w->behalf_cpu_ns = charge->behalf_cpu_ns;
	read_waited(k, i);
	w->seen.waited_ns = e->waited_ns;
	/* of a group that is in no hierarchy which tells it, what its threads took stands for it */
	if (wants_billed(e, w) && is_gone(gauge_billed_ns(&e->gauge, &w->seen.billed_ns)))
		note_gone(k, i);
}

static int read_charges(struct keeper *k, struct error *err)
{
	int r = ledger_charges_read(k->charges, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < k->roster.control.n; i++)
		see(k, i);
	k->roster.control.other_cpu_ns =
		ledger_charges_of(k->charges, k->roster.control.n)->behalf_cpu_ns;
	return 0;
}

/* Of disks, at each look at them; nobody else asks. */
static int count_requests(struct keeper *k, struct error *err)
{
	size_t n = k->roster.control.n;
	_cleanup_free_ uint32_t *requests = NULL;

	if (!disks_are_due(&k->disks, k->now_ns))
		return 0;
	requests = calloc(n + 1, sizeof(*requests));
	if (!requests)
		return error_oom(err);
	if (k->charges)
		ledger_charges_requests(k->charges, requests);
	for (size_t i = 0; i < n; i++)
		k->roster.items[i].requests = requests[i];
	return 0;
}

/* ---- writes ---- */

static void apply(struct keeper *k, size_t i, const struct control_setting *setting)
{
	struct roster_entry *e = &k->roster.items[i];
	struct control_setting wanted = *setting;
	struct error err = {0};
	int r;

	if (!e->weighed)
		wanted.weight = 0;
	if (e->others_quota > 0 &&
	    (wanted.quota_cores == 0 || wanted.quota_cores > e->others_quota))
		wanted.quota_cores = e->others_quota;
	r = e->means->set(&k->writer, e->called, e->directory, &wanted, &e->applied, &err);
	if (is_gone(r))
		note_gone(k, i);
	else if (r < 0 && !e->fails)
		log_warning("the terms of '%s' cannot be kept: %s", e->called, err.text);
	e->fails = r < 0;
}

static void look_at_quota(struct keeper *k, size_t i)
{
	struct roster_entry *e = &k->roster.items[i];
	struct error err = {0};
	int r = roster_look_at_quota(&k->roster, i, &k->writer, &err);

	if (is_gone(r))
		note_gone(k, i);
	else if (r < 0 && !e->quota_told)
		log_warning("the quota that somebody else has set for '%s' is not kept: %s",
			    e->called, err.text);
	e->quota_told = r < 0;
}

/* One after the other, each every two seconds. */
static void look_at_quotas(struct keeper *k)
{
	if (!k->book || k->writer.dry)
		return;
	for (size_t i = k->rounds % QUOTA_ROUNDS; i < k->roster.control.n; i += QUOTA_ROUNDS)
		if (!k->roster.control.workspaces[i].gone)
			look_at_quota(k, i);
}

static void set_static(struct keeper *k)
{
	host_round_forget(&k->host, &k->roster.control);
	for (size_t i = 0; i < k->roster.control.n; i++) {
		struct control_workspace *w = &k->roster.control.workspaces[i];

		w->setting = control_static(w);
		apply(k, i, &w->setting);
	}
}

static int keep(struct keeper *k, struct error *err)
{
	int r = k->charges ? read_charges(k, err) : -ESTALE;

	if (r == -ESTALE) {
		*err = (struct error){0};
		ledger_charges_close(k->charges);
		k->charges = NULL;
		set_static(k);
		return 0;
	}
	if (r == 0)
		host_round_look(&k->host, &k->roster.control, k->now_ns);
	if (r == 0 && control_round(&k->roster.control, k->now_ns) < 0)
		r = error_oom(err);
	if (r < 0)
		return r;
	steer_round(&k->steering, &k->writer, &k->roster, k->now_ns);
	for (size_t i = 0; i < k->roster.control.n; i++) {
		if (k->roster.control.workspaces[i].gone)
			continue;
		apply(k, i, &k->roster.control.workspaces[i].setting);
	}
	return 0;
}

/* What the next one should know. */
static int carry(struct keeper *k, struct error *err)
{
	if (!k->book || k->writer.dry || k->now_ns < k->carry_due_ns)
		return 0;
	k->carry_due_ns = k->now_ns + CARRY_NS;
	book_carry_nothing(k->book);
	for (size_t i = 0; i < k->roster.control.n; i++) {
		struct control_carried c = control_carry(&k->roster.control.workspaces[i]);
		struct json_object *o;

		if (c.debt_s <= 0 && c.squeeze == 0)
			continue;
		o = json_object_new_object();
		json_add_double(o, "inode", (double)k->roster.items[i].inode);
		json_add_double(o, "debt_s", c.debt_s);
		json_add_double(o, "gain", c.gain);
		json_add_double(o, "squeeze", c.squeeze);
		book_carry(k->book, k->roster.items[i].path, o);
	}
	return book_flush(k->book, err);
}

/* ---- the loop ---- */

static struct truth_sources sources_of(const struct keeper *k)
{
	return (struct truth_sources){
		.roster = &k->roster, .network = k->network.network, .disks = &k->disks};
}

static void answer(struct keeper *k)
{
	const struct keeper_figures figures = {
		.service = k->options->kind == KEEPER_SERVICE,
		.ledger_on = k->charges != NULL,
		.period_ns = k->options->period_ns,
		.rounds = k->rounds,
		.writes = k->writer.writes,
		.now_ns = k->now_ns,
		.host_starved = k->host.threads.starved,
		.events = k->events.last,
		.sources = sources_of(k),
		.bursts = &k->bursts,
		.writer = &k->writer,
	};
	_cleanup_json_ struct json_object *status = keeper_status(&figures);

	keeper_answer(k->listening, status);
}

static void tell(struct keeper *k)
{
	const struct truth_sources sources = sources_of(k);

	/* networks and disks are looked at less often */
	enum truth_kind kinds = k->rounds % TELL_ROUNDS ? TRUTHS_CPU : TRUTHS;

	for (size_t i = 0; i < k->roster.control.n; i++) {
		if (!k->roster.control.workspaces[i].gone)
			events_tell(&k->events, &sources, i, kinds);
	}
}

/* A trial leaves nothing. */
static void note_host(struct keeper *k)
{
	if (!k->options->dry_run && !k->options->once)
		host_marks_round(&k->marks, k->charges != NULL, k->now_ns);
}

static void feed_watchdog(struct keeper *k)
{
	if (!k->watchdog_ns || k->now_ns < k->watchdog_due_ns)
		return;
	k->watchdog_due_ns = k->now_ns + k->watchdog_ns / 3;
	notify_manager("WATCHDOG=1");
}

/* Until DUE_NS; answers who asks meanwhile. Returns the signal that ends the keeper, or 0. */
static int wait_until(struct keeper *k, uint64_t due_ns)
{
	for (;;) {
		struct pollfd polled[] = {{.fd = k->signals, .events = POLLIN},
					  {.fd = k->listening, .events = POLLIN}};
		uint64_t now_ns = clock_monotonic_ns();
		struct timespec left = {0};
		struct signalfd_siginfo info;

		if (now_ns < due_ns) {
			left.tv_sec = (time_t)((due_ns - now_ns) / 1000000000u);
			left.tv_nsec = (long)((due_ns - now_ns) % 1000000000u);
		}
		if (ppoll(polled, ARRAY_SIZE(polled), &left, NULL) <= 0) {
			if (clock_monotonic_ns() >= due_ns)
				return 0;
			continue;
		}
		if (polled[0].revents &&
		    read(k->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			return (int)info.ssi_signo;
		if (polled[1].revents)
			answer(k);
	}
}

static int loop(struct keeper *k, int *signal, struct error *err)
{
	uint64_t due_ns = clock_monotonic_ns();
	int r = 0;

	for (*signal = 0; r == 0 && *signal == 0; k->rounds++) {
		k->now_ns = clock_monotonic_ns();
		r = follow_register(k, err);
		open_ledger(k);
		look_at_quotas(k);
		if (r == 0)
			r = keep(k, err);
		if (r == 0)
			r = count_requests(k, err);
		if (r == 0) {
			note_host(k);
			network_round(&k->network, &k->writer, &k->roster, k->now_ns);
			above_round(&k->above, &k->writer, &k->roster);
			burst_round(&k->bursts, &k->writer, &k->roster, &k->events,
				    k->charges != NULL, k->now_ns);
			disks_round(&k->disks, &k->writer, &k->roster, k->now_ns);
			set_standing_again(k);
			tell(k);
		}
		if (r == 0)
			r = carry(k, err);
		feed_watchdog(k);
		if (k->rounds == 0)
			notify_manager("READY=1");
		if (k->options->once && k->rounds + 1 >= ONCE_ROUNDS)
			return 0;
		due_ns += k->options->period_ns;
		/* rounds that could not be held are not made up for */
		if (due_ns < k->now_ns)
			due_ns = k->now_ns + k->options->period_ns;
		if (r == 0)
			*signal = wait_until(k, due_ns);
	}
	return r;
}

static int take_signals(struct keeper *k, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, errno, "block signals");
	k->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return k->signals < 0 ? error_errno(err, errno, "make a signalfd") : 0;
}

/* Descriptors: four for each workspace. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	/* it runs seldom and shortly, and that should be when it is due */
	setpriority(PRIO_PROCESS, 0, -10);
}

static int name_socket(struct keeper *k, struct error *err)
{
	k->socket_path = k->options->socket
				 ? strdup(k->options->socket)
				 : string_format("%s/" KEEPER_SOCKET, keeper_directory());
	return k->socket_path ? 0 : error_oom(err);
}

static int begin(struct keeper *k, struct error *err)
{
	int r;

	if (k->options->dry_run) {
		k->writer.dry = stdout;
		return take_signals(k, err);
	}
	k->dir = keeper_open_directory(err);
	r = k->dir < 0 ? k->dir : name_socket(k, err);
	if (r == 0)
		r = keeper_lock(k->dir, k->socket_path, k->options->kind, &k->lock, err);
	if (r == 0)
		r = take_signals(k, err);
	if (r == 0)
		r = open_book(k, err);
	if (r == 0 && !k->options->restore) {
		k->listening = keeper_listen(k->socket_path, err);
		r = k->listening < 0 ? k->listening : 0;
	}
	return r;
}

static int put_back(struct keeper *k, struct error *err)
{
	/* the first failure is the one that counts */
	struct error undo_err = {0};
	int r = writer_undo_all(&k->writer, &undo_err);

	if (r == 0)
		return 0;
	if (err->code)
		log_warning("%s", undo_err.text);
	else
		*err = undo_err;
	return r;
}

static int live(struct keeper *k, struct error *err)
{
	int signal = 0, r = begin(k, err);

	if (r < 0)
		return r;
	if (k->options->restore)
		return put_back(k, err);
	raise_limits();
	settle_moments(&k->writer);
	aside_begin(&k->aside);
	r = loop(k, &signal, err);
	notify_manager("STOPPING=1");
	burst_round_clear(&k->bursts);
	if (k->listening >= 0)
		unlink(k->socket_path);
	if (k->options->once || signal == SIGUSR1)
		network_round_leave(&k->network);
	if (k->options->dry_run || k->options->once || signal == SIGUSR1)
		return r;
	return put_back(k, err) < 0 ? -err->code : r;
}

int keeper_run(const struct keeper_options *given, struct error *err)
{
	struct keeper_options options = *given;
	struct keeper k = {
		.options = &options,
		.dir = -EBADF,
		.lock = -EBADF,
		.signals = -EBADF,
		.listening = -EBADF,
		.writer = {.json = options.json},
		.roster = {.n_cpus = (unsigned int)sysconf(_SC_NPROCESSORS_CONF)},
		.events = {.json = options.json, .log = options.kind == KEEPER_SERVICE},
		.read_register = true,
		.network.uplink = options.uplink ? options.uplink : secure_getenv("BEHALF_UPLINK"),
		.watchdog_ns = notify_watchdog_ns(),
		.bursts.most_us = options.burst_us,
	};
	int r;

	if (!options.period_ns)
		options.period_ns = CONTROL_PERIOD_NS;
	k.roster.control.n_cpus = k.roster.n_cpus;
	k.roster.control.host_reserve = options.host_reserve == 0
						? KEEPER_HOST_CORES * k.roster.n_cpus
						: options.host_reserve;
	r = events_open(&k.events) < 0 ? error_oom(err) : live(&k, err);
	network_close(k.network.network);
	roster_end(&k.roster);
	ledger_charges_close(k.charges);
	host_marks_close(&k.marks);
	book_close(k.book);
	above_clear(&k.above);
	disks_clear(&k.disks);
	host_threads_clear(&k.host.threads);
	events_clear(&k.events);
	free(k.socket_path);
	cleanup_close(&k.listening);
	cleanup_close(&k.signals);
	cleanup_close(&k.lock);
	cleanup_close(&k.dir);
	return r;
}
