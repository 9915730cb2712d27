// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * behalf top: the books again and again, in a terminal or as lines.
 *
 * A sample is the difference between two readings of the ledger. The first page of the terminal shows
 * what the ledger has seen since it was switched on, the next one comes soon, those after it by the
 * delay.
 *
 * A ledger that is off is switched on by the first reading, and off again at the end, whichever way that
 * is reached: errors and signals come back to cmd_top(). Signals are blocked but while ppoll() waits, so
 * that none is lost between a look at `caught` and the wait.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strings.h"
#include "cmd/interval.h"
#include "cmd/listing.h"
#include "cmd/options.h"
#include "cmd/sample.h"
#include "ledger/load.h"
#include "ledger/snapshot.h"
#include "ledger/status.h"
#include "view/history.h"
#include "view/json.h"
#include "view/terminal.h"
#include "view/text.h"
#include "view/top.h"

#define DEFAULT_DELAY_NS 2000000000ull
/* The page of the terminal that follows the first comes sooner. */
#define FIRST_DELAY_NS 500000000ull
/* A ledger younger than this has nothing to show yet. */
#define YOUNG_NS 200000000ull
/* That it was switched on is told so long. */
#define NEWS_NS 5000000000ull

struct top {
	struct view_top view;
	bool batch;
	bool json;
	uint64_t count;		       /* samples, 0: no end */
	bool switched_on;	       /* the ledger was off, and is to be so again */
	uint64_t on_since_ns;	       /* which ledger that is */
	bool ended;		       /* there is no further line in the record */
	uint64_t read_ns;	       /* when the reading was made, CLOCK_MONOTONIC */
	struct ledger_snapshot *last;  /* the reading */
	struct ledger_snapshot *shown; /* the sample */
	struct view_history *history;
	char time[16];
	sigset_t waiting; /* the signal mask while waiting */
};

static volatile sig_atomic_t caught;

static void note_signal(int signal)
{
	caught = signal;
}

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* SIGPIPE is ignored: that nobody reads any more is seen when writing. */
static void watch_signals(struct top *top)
{
	struct sigaction action = {.sa_handler = note_signal}, ignore = {.sa_handler = SIG_IGN};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++) {
		struct sigaction old;

		/* nohup(1) */
		if (sigaction(ending_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		sigaction(ending_signals[i], &action, NULL);
		sigaddset(&blocked, ending_signals[i]);
	}
	sigaction(SIGPIPE, &ignore, NULL);
	sigprocmask(SIG_BLOCK, &blocked, &top->waiting);
	for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++)
		sigdelset(&top->waiting, ending_signals[i]);
}

/* ---- samples ---- */

static int switch_on(struct top *top, struct error *err)
{
	struct ledger_change change;
	struct ledger_status status;
	int r = ledger_on(&change, err);

	if (r < 0)
		return error_prefix(err, "the ledger is off (`behalf ledger on` switches it on) "
					 "and could not be switched on");
	top->switched_on = change.what == LEDGER_SWITCHED;
	if (top->switched_on && ledger_status_read(&status, err) == 0 && status.on)
		top->on_since_ns = status.since_ns;
	return 0;
}

/* Leaves the ledger as it was found, unless somebody has switched it off and on since. */
static void switch_off(const struct top *top)
{
	struct ledger_status status = {0};
	struct error err = {0};
	bool changed;

	if (!top->switched_on)
		return;
	if (ledger_status_read(&status, &err) == 0 && status.since_ns != top->on_since_ns)
		return;
	if (ledger_off(&changed, &err) < 0)
		log_error("%s", err.text);
}

static void note_time(struct top *top, uint64_t realtime_ns)
{
	time_t now = (time_t)(realtime_ns / 1000000000u);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(top->time, sizeof(top->time), "%H:%M:%S", &tm);
	top->view.time = top->time;
}

/* Reads the ledger, and makes the sample since the last reading; since it was on, without one. */
static int take_sample(struct top *top, struct error *err)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *now = NULL, *sample = NULL;
	uint64_t realtime_ns = 0;
	int r = sample_read(&now, &realtime_ns, err);

	if (r == -ENODATA && top->last) {
		top->ended = true;
		return 0;
	}
	if (r == -ENODATA)
		return error_set(err, ENODATA, "there is nothing in the record");
	if (r == -ENOENT && top->last)
		return error_set(err, ENOENT, "the ledger was switched off meanwhile");
	if (r < 0)
		return r;
	/* of a record: the ledger was switched off and on in between */
	if (top->last && now->wall_ns < top->last->wall_ns) {
		ledger_snapshot_free(top->last);
		ledger_snapshot_free(top->shown);
		top->last = top->shown = NULL;
	}
	if (top->last) {
		r = view_difference(now, top->last, &sample, err);
		if (r < 0)
			return r;
		ledger_snapshot_free(top->last);
		ledger_snapshot_free(top->shown);
		top->last = take_ptr(now);
		top->shown = take_ptr(sample);
		view_history_add(top->history, top->shown);
	} else {
		top->last = take_ptr(now);
	}
	top->read_ns = sample_is_recorded() ? clock_monotonic_ns() : top->last->at_ns;
	note_time(top, realtime_ns);
	return 0;
}

static int take_first(struct top *top, struct error *err)
{
	struct error off = {0};
	int r = take_sample(top, &off);

	if (r == -ENOENT && !sample_is_recorded()) {
		r = switch_on(top, err);
		return r < 0 ? r : take_sample(top, err);
	}
	if (r < 0)
		*err = off;
	return r;
}

/* ---- waiting ---- */

/* Waits until AT_NS, or a key when KEYS, or a signal. Returns whether AT_NS is reached. */
static bool wait_until(const struct top *top, uint64_t at_ns, bool keys)
{
	struct pollfd poll_fd = {.fd = keys ? STDIN_FILENO : -1, .events = POLLIN};
	const uint64_t now_ns = clock_monotonic_ns();
	const uint64_t left_ns = at_ns > now_ns ? at_ns - now_ns : 0;
	const struct timespec timeout = {
		.tv_sec = (time_t)(left_ns / 1000000000u),
		.tv_nsec = (long)(left_ns % 1000000000u),
	};
	int n = ppoll(&poll_fd, 1, &timeout, &top->waiting);

	/* the terminal is gone: as if it had been told so by a signal; it may be readable still */
	if (n > 0 && (poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL)))
		caught = SIGHUP;
	return n == 0;
}

/* ---- lines ---- */

static int print_json(const struct ledger_snapshot *sample, struct error *err)
{
	_cleanup_json_ struct json_object *object = NULL;
	int r = view_json(sample, NULL, &object, err);

	if (r == 0)
		puts(json_text(object, false));
	return r;
}

static int print_page(struct top *top, bool first, struct error *err)
{
	_cleanup_(cleanup_view_screen) struct view_screen *screen = NULL;
	int r = view_top_compose(&top->view, top->shown, &screen, err);

	if (r < 0)
		return r;
	if (!first)
		putchar('\n');
	view_screen_print(screen, stdout);
	return 0;
}

static int run_batch(struct top *top, struct error *err)
{
	uint64_t due_ns = top->read_ns;

	for (uint64_t n = 0; top->count == 0 || n < top->count; n++) {
		int r;

		due_ns += top->view.delay_ns;
		while (!sample_is_recorded() && !caught && !wait_until(top, due_ns, false))
			;
		if (caught)
			return 0;
		r = take_sample(top, err);
		if (r == 0 && top->ended)
			return 0;
		if (r == 0 && !top->shown)
			continue;
		if (r == 0)
			r = top->json ? print_json(top->shown, err) : print_page(top, n == 0, err);
		if (r < 0)
			return r;
		if (fflush(stdout) == EOF) {
			if (errno != EPIPE)
				return error_errno(err, errno, "standard output");
			caught = SIGPIPE;
			return 0;
		}
	}
	return 0;
}

/* ---- terminal ---- */

static int draw(struct top *top, struct error *err)
{
	_cleanup_(cleanup_view_screen) struct view_screen *screen = NULL;
	const struct ledger_snapshot *sample = top->shown ? top->shown : top->last;
	int r;

	view_terminal_size(&top->view.width, &top->view.height);
	top->view.message = NULL;
	if (top->switched_on && top->last->wall_ns < NEWS_NS)
		top->view.message = "The ledger was off: it is on until top ends.";
	if (!top->shown && sample->wall_ns >= YOUNG_NS)
		top->view.message =
			sample_is_recorded()
				? "Before the record; new figures follow."
				: "Since the ledger was switched on; new figures follow.";
	if (top->ended)
		top->view.message = "The end of the record.";
	r = view_top_compose(&top->view, sample, &screen, err);
	if (r == 0)
		view_terminal_draw(screen);
	return r;
}

static void obey_keys(struct top *top)
{
	int key;

	while (!top->view.quit && (key = view_terminal_key()) != 0) {
		if (key != VIEW_TERMINAL_RESIZED)
			view_top_key(&top->view, key);
	}
}

/* Returns when the sample that comes next is due. */
static uint64_t next_due_ns(const struct top *top)
{
	uint64_t delay_ns = top->view.delay_ns;

	if (top->ended)
		return UINT64_MAX;
	if (top->view.refresh)
		return 0;
	if (top->view.paused)
		return UINT64_MAX;
	if (!top->shown && delay_ns > FIRST_DELAY_NS)
		delay_ns = FIRST_DELAY_NS;
	return top->read_ns + delay_ns;
}

static int run_terminal(struct top *top, struct error *err)
{
	uint64_t samples = 0;
	int r = 0;

	while (r == 0 && !caught) {
		r = draw(top, err);
		if (r < 0)
			break;
		if (top->count && samples >= top->count)
			break;
		if (!wait_until(top, next_due_ns(top), true)) {
			obey_keys(top);
			if (top->view.quit)
				break;
			if (clock_monotonic_ns() < next_due_ns(top))
				continue;
		}
		if (caught)
			break;
		r = take_sample(top, err);
		top->view.refresh = false;
		samples++;
	}
	return r;
}

static int run(struct top *top, struct error *err)
{
	int r;

	if (top->batch) {
		r = take_first(top, err);
		return r < 0 ? r : run_batch(top, err);
	}
	/* first the terminal: there is no need to switch the ledger on for one that cannot be used */
	r = view_terminal_open(err);
	if (r < 0)
		return r;
	top->history = view_history_new();
	top->view.history = top->history;
	r = take_first(top, err);
	if (r == 0)
		r = run_terminal(top, err);
	view_terminal_close();
	return r;
}

/* ---- command line ---- */

static void print_help(void)
{
	const char *label, *help;

	printf("Usage: behalf top [OPTIONS]\n"
	       "Shows who spends CPU time, in own threads and in kernel work elsewhere on their\n"
	       "behalf, refreshing. A ledger that is off is switched on until top ends.\n"
	       "\n"
	       "  -d, --delay SECONDS    between two samples (default 2)\n"
	       "  -n, --count COUNT      end after so many samples\n"
	       "  -b, --batch            print lines, without a terminal\n"
	       "  -J, --json             print one JSON object per sample, on a line each\n" LISTING_HELP
	       "  -h, --help             print this text\n"
	       "\n"
	       "Keys:\n");
	for (size_t i = 0; view_top_key_text(i, &label, &help); i++)
		printf("  %-12s %s\n", label, help);
	printf("\n"
	       "Columns (and the keys that sort by them):\n");
	view_text_fields(stdout);
}

static int parse_count(const char *text, uint64_t *count, struct error *err)
{
	if (string_to_u64(text, 10, count) < 0 || *count == 0)
		return error_set(err, EINVAL, "--count '%s': a number above 0", text);
	return 0;
}

static int parse_options(int argc, char **argv, struct top *top, struct error *err)
{
	static const struct option longs[] = {
		{"delay", required_argument, NULL, 'd'},
		{"count", required_argument, NULL, 'n'},
		{"batch", no_argument, NULL, 'b'},
		{"json", no_argument, NULL, 'J'},
		{"help", no_argument, NULL, 'h'},
		LISTING_LONG,
		{0},
	};
	int opt, r;

	while ((opt = options_next(argc, argv, "d:n:bJh" LISTING_SHORT, longs)) != -1) {
		r = 0;
		switch (opt) {
		case 'd':
			r = interval_parse("--delay", optarg, &top->view.delay_ns, err);
			break;
		case 'n':
			r = parse_count(optarg, &top->count, err);
			break;
		case 'J':
			top->json = true;
			top->batch = true;
			break;
		case 'b':
			top->batch = true;
			break;
		case 'h':
			print_help();
			exit(EXIT_SUCCESS);
		default:
			r = listing_option(opt, &top->view.choice, err);
			if (r == 0)
				exit(EXIT_FAILURE);
		}
		if (r < 0)
			return r;
	}
	if (optind != argc)
		return error_set(err, EINVAL, "top: takes no arguments");
	return 0;
}

int cmd_top(const struct cmd_context *ctx, int argc, char **argv)
{
	struct top top = {.view.delay_ns = DEFAULT_DELAY_NS};
	struct error err = {0};
	int r;

	setlocale(LC_CTYPE, "");
	view_choice_default(&top.view.choice, VIEW_CPUS);
	view_columns_top(&top.view.choice.columns);
	r = parse_options(argc, argv, &top, &err);
	if (r == 0) {
		watch_signals(&top);
		r = run(&top, &err);
		switch_off(&top);
	}
	ledger_snapshot_free(top.last);
	ledger_snapshot_free(top.shown);
	view_history_free(top.history);
	if (r < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	/* Ctrl-C is one way to leave the terminal */
	if (caught && (top.batch || caught != SIGINT))
		return 128 + caught;
	return EXIT_SUCCESS;
}
