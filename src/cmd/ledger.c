// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf ledger on|off|status */
#include "cmd/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "cmd/options.h"
#include "keeper/host_marks.h"
#include "ledger/hooks.h"
#include "ledger/load.h"
#include "ledger/status.h"
#include "promises/marks.h"

#define TIME_TEXT_BYTES 32

static void print_help(void)
{
	printf("Usage: behalf ledger on [--without PART,...]\n"
	       "       behalf ledger off|upgrade|status [-J]\n"
	       "\n"
	       "Switches the accounting of CPU time on or off, or tells about it.\n"
	       "\n"
	       "  on       start accounting; it goes on with no process running. What an older\n"
	       "           version has started is taken over, with all it has counted\n"
	       "  off      stop, and remove everything that on made\n"
	       "  upgrade  take over what is on, whichever version started it\n"
	       "  status   since when it is on, and what it sees\n"
	       "\n"
	       "      --without PART,...  on: do without polls, sockets, timers, work, block, to spare what\n"
	       "                          they cost; none: have them all again\n"
	       "  -J, --json              status as JSON\n"
	       "  -h, --help              print this text\n");
}

static void format_time(uint64_t realtime_ns, char *text)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000u);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S%z", &tm);
}

/* Whether something is lost as a hook is not there. */
static bool is_missing(const struct ledger_status *s, size_t hook)
{
	return ledger_hook_is_missed(hook, s->hooks_attached, s->unified);
}

static void print_text(const struct ledger_status *s)
{
	_cleanup_free_ char *left_out = hook_parts_text(s->left_out);
	char since[TIME_TEXT_BYTES];

	if (!s->on) {
		printf("the ledger is off\n");
		return;
	}
	format_time(s->since_realtime_ns, since);
	printf("the ledger is on since %s (%.0f s)\n", since,
	       (double)(clock_monotonic_ns() - s->since_ns) / 1e9);
	printf("CPUs       %u\n", s->cpus);
	printf("accounts   %u of at most %u, besides the host's\n", s->accounts, s->accounts_max);
	printf("cgroups    %s\n", s->unified ? "v2" : "v1, the hierarchy of the cpu controller");
	printf("interrupts %s\n", s->irq_time ? "the kernel keeps their time apart"
					      : "the kernel bills them to whom they interrupt");
	printf("hooks      %zu of %zu\n", s->n_attached, s->n_wanted);
	if (left_out && left_out[0])
		printf("without    %s, as it was told\n", left_out);
	printf("missed     %" PRIu64 " events\n", s->recursion_misses);
	if (s->upgrades)
		printf("taken over %u time%s, %.3f ms of CPU time approximated by it\n",
		       s->upgrades, s->upgrades == 1 ? "" : "s", (double)s->approximated_ns / 1e6);
	for (size_t i = 0; i < ledger_hooks_count; i++) {
		if (is_missing(s, i))
			printf("no %s: %s\n", ledger_hooks[i].target, ledger_hooks[i].without);
	}
}

static void add_left_out(struct json_object *o, const struct ledger_status *s)
{
	struct json_object *parts = json_add_array(o, "left_out");

	for (size_t i = HOOK_NEEDED + 1; i < HOOK_PARTS; i++) {
		if (s->left_out & 1u << i)
			json_object_array_add(parts, json_object_new_string(hook_parts[i]));
	}
}

static void print_json(const struct ledger_status *s)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *missing;
	char since[TIME_TEXT_BYTES];

	json_add_bool(o, "on", s->on);
	if (s->on) {
		format_time(s->since_realtime_ns, since);
		json_add_string(o, "since", since);
		json_add_u64(o, "since_ns", s->since_ns);
		json_add_u64(o, "cpus", s->cpus);
		json_add_u64(o, "accounts", s->accounts);
		json_add_u64(o, "accounts_max", s->accounts_max);
		json_add_string(o, "cgroups", s->unified ? "v2" : "v1");
		json_add_bool(o, "kernel_bills_interrupts_apart", s->irq_time);
		json_add_u64(o, "hooks_attached", s->n_attached);
		json_add_u64(o, "hooks_wanted", s->n_wanted);
		add_left_out(o, s);
		json_add_u64(o, "recursion_misses", s->recursion_misses);
		json_add_u64(o, "layout", s->layout);
		json_add_u64(o, "upgrades", s->upgrades);
		json_add_u64(o, "approximated_ns", s->approximated_ns);
		missing = json_add_array(o, "missing");
		for (size_t i = 0; i < ledger_hooks_count; i++) {
			struct json_object *hook;

			if (!is_missing(s, i))
				continue;
			hook = json_object_new_object();
			json_add_string(hook, "hook", ledger_hooks[i].target);
			json_add_string(hook, "consequence", ledger_hooks[i].without);
			json_object_array_add(missing, hook);
		}
	}
	printf("%s\n", json_text(o, true));
}

static int run_status(bool json)
{
	struct ledger_status status;
	struct error err = {0};

	if (ledger_status_read(&status, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	if (json)
		print_json(&status);
	else
		print_text(&status);
	return EXIT_SUCCESS;
}

/* R is what came of switching it on. */
static int report_on(int r, const struct ledger_change *change, const struct error *err)
{
	if (r < 0) {
		log_error("%s", err->text);
		return EXIT_FAILURE;
	}
	if (change->what == LEDGER_UNCHANGED)
		printf("the ledger was on already\n");
	if (change->what == LEDGER_TAKEN_OVER)
		printf("taken over from layout %u: all it has counted goes on; %.3f ms of CPU time went "
		       "to who ran at that moment\n",
		       change->from_version, (double)change->approximated_ns / 1e6);
	return EXIT_SUCCESS;
}

/* From here on it is known what the host does. Where that cannot be noted, who plans does without. */
static void note_host(void)
{
	struct error err = {0};

	if (host_marks_now(&err) < 0)
		log_debug("what the host does is not noted: %s", err.text);
}

/* WITHOUT: names of parts, or NULL for as it is. */
static int run_on(const char *without)
{
	struct ledger_change change = {0};
	struct error err = {0};
	uint32_t parts;
	int r;

	if (!without) {
		r = ledger_on(&change, &err);
		if (r == 0)
			note_host();
		return report_on(r, &change, &err);
	}
	if (hook_parts_parse(without, &parts, &err) < 0) {
		log_error("ledger: --without: %s", err.text);
		return EXIT_FAILURE;
	}
	r = ledger_on_without(parts, &change, &err);
	if (r == 0)
		note_host();
	return report_on(r, &change, &err);
}

static int run_upgrade(void)
{
	struct ledger_change change = {0};
	struct error err = {0};
	int r = ledger_upgrade(&change, &err);

	return report_on(r, &change, &err);
}

static int run_off(void)
{
	struct error err = {0};
	bool changed;

	if (ledger_off(&changed, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	marks_forget();
	if (!changed)
		printf("the ledger was off already\n");
	return EXIT_SUCCESS;
}

int cmd_ledger(const struct cmd_context *ctx, int argc, char **argv)
{
	static const struct option options[] = {
		{"without", required_argument, NULL, 'w'},
		{"json", no_argument, NULL, 'J'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool json = false;
	const char *what, *without = NULL;
	int opt;

	while ((opt = options_next(argc, argv, "Jh", options)) != -1) {
		switch (opt) {
		case 'w':
			without = optarg;
			break;
		case 'J':
			json = true;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (argc - optind != 1) {
		log_error("ledger: say one of on, off, upgrade, status");
		return EXIT_FAILURE;
	}
	what = argv[optind];
	if (without && strcmp(what, "on") != 0) {
		log_error("ledger: --without is for on, not for '%s'", what);
		return EXIT_FAILURE;
	}
	if (strcmp(what, "on") == 0)
		return run_on(without);
	if (strcmp(what, "upgrade") == 0)
		return run_upgrade();
	if (strcmp(what, "off") == 0)
		return run_off();
	if (strcmp(what, "status") == 0)
		return run_status(json);
	log_error("ledger: '%s' is not one of on, off, upgrade, status", what);
	return EXIT_FAILURE;
}
