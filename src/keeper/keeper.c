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
 */
#include "keeper/keeper_internal.h"

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
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "keeper/lock.h"
#include "keeper/notify.h"
#include "keeper/settle.h"
#include "keeper/status.h"

#define REGISTER_NS 500000000ull  /* how often the register is looked at, */
#define CARRY_NS 2000000000ull	  /* the controller's memory written down */
#define STANDING_NS 5000000000ull /* and what could not be set, tried again */
#define PUT_BACK_NS 1000000000ull /* whoever waits for the end is told that it goes on */
#define ONCE_ROUNDS 11
#define TELL_ROUNDS 5

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
		k->writer.promise = e->promise;
		r = standing_set(&k->writer, e->called, &e->standing, &e->terms, &err);
		k->writer.promise = NULL;
		if (r < 0 && r != -ENOENT && (all || !again))
			log_warning("the terms of '%s' cannot be kept: %s", e->called, err.text);
	}
}

static void set_standing_again(struct keeper *k)
{
	if (k->now_ns < k->standing_due_ns)
		return;
	k->standing_due_ns = k->now_ns + STANDING_NS;
	for (size_t i = 0; i < k->roster.control.n && !k->writer.dry; i++)
		standing_look(&k->roster.items[i].standing);
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
	return r < 0 ? r : keeper_watch_charges(k, err);
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
		keeper_open_ledger(k);
		keeper_look_at_quotas(k);
		if (r == 0)
			r = keeper_keep_cpu(k, err);
		if (r == 0)
			r = keeper_count_requests(k, err);
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

/* Descriptors: five for each workspace. */
static void raise_limits(void)
{
	fd_raise_limit();
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

/* The first failure is the one that counts. */
static int add_failure(int r, const struct error *failure, struct error *err)
{
	if (r == 0)
		return 0;
	if (err->code)
		log_warning("%s", failure->text);
	else
		*err = *failure;
	return r;
}

/* Once all else is put back: a disk may hang. Whatever this one is killed at, the file has what is left to do. */
static int put_bursts_back(struct book *book, struct error *err)
{
	int undone = burst_undo_all(book, err), r = book_end(book, undone < 0 ? NULL : err);

	return undone < 0 ? undone : r;
}

/*
 * Somebody who stops a service waits for it to end, for so long (TimeoutStopSec), and what is not put back by then is for the
 * next one or --restore to do. As long as it goes on that is to be waited for; to answer meanwhile there is nothing.
 */
static void ask_for_time(void)
{
	static uint64_t due_ns;
	uint64_t now_ns = clock_monotonic_ns();

	if (now_ns < due_ns)
		return;
	due_ns = now_ns + PUT_BACK_NS;
	notify_manager("EXTEND_TIMEOUT_USEC=30000000\nWATCHDOG=1");
}

static int put_back(struct keeper *k, struct error *err)
{
	struct error rest_err = {0}, burst_err = {0};
	int rest, r;

	ask_for_time();
	k->writer.went_on = ask_for_time;
	rest = add_failure(writer_undo_all(&k->writer, &rest_err), &rest_err, err);
	r = add_failure(put_bursts_back(k->book, &burst_err), &burst_err, err);
	return rest < 0 ? rest : r;
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
		.network = {.uplink = options.uplink ? options.uplink
						     : secure_getenv("BEHALF_UPLINK"),
			    .whole = options.once || options.dry_run},
		.watchdog_ns = notify_watchdog_ns(),
		.bursts.most_us = options.burst_us,
	};
	int r;

	if (!options.period_ns)
		options.period_ns = CONTROL_PERIOD_NS;
	k.network.period_ns = options.period_ns;
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
