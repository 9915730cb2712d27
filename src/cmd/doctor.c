// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf doctor: what this host is to the ledger. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "ledger/doctor.h"
#include "ledger/hooks.h"
#include "ledger/load.h"
#include "ledger/snapshot.h"
#include "ledger/status.h"

#define LINE_WIDTH 80
#define INDENT 9

static const struct option options[] = {
	{"json", no_argument, NULL, 'J'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* All that is told. */
struct diagnosis {
	struct ledger_finding findings[LEDGER_FINDINGS_MAX];
	size_t n_findings;
	uint64_t hooks_there; /* bits: the kernel has a place for them, or they are attached */
	bool hooks_known;
	bool unified;
	struct ledger_status status;
	struct ledger_snapshot *snapshot; /* NULL: the ledger is off */
};

static void cleanup_diagnosis(struct diagnosis *d)
{
	ledger_snapshot_free(d->snapshot);
}

/* What cannot be found out is left out; a finding tells why. */
static void diagnose(struct diagnosis *d)
{
	struct error err = {0};

	d->n_findings = ledger_doctor_look(d->findings);
	if (ledger_status_read(&d->status, &err) == 0 && d->status.on &&
	    ledger_snapshot_read(&d->snapshot, &err) == 0) {
		d->hooks_there = d->status.hooks_attached;
		d->unified = d->status.unified;
		d->hooks_known = true;
		return;
	}
	err = (struct error){0};
	d->hooks_known = ledger_hooks_probe(&d->hooks_there, &d->unified, &err) == 0;
}

static const char *hook_state(const struct diagnosis *d, size_t hook)
{
	if (d->hooks_there & 1ull << hook)
		return d->snapshot ? "attached" : "there";
	if (ledger_hook_is_missed(hook, d->hooks_there, d->unified))
		return "absent";
	return ledger_hook_stand_in(hook, d->hooks_there) < ledger_hooks_count ? "replaced"
									       : "of no use here";
}

static bool is_fallback(const struct ledger_counter *counter)
{
	return string_starts_with(counter->name, "fallback_") ||
	       string_starts_with(counter->name, "fix_") ||
	       strcmp(counter->name, "recursion_misses") == 0;
}

/* Adds words to what is below a finding, as many to a line as fit; COLUMN is where the line is. */
static void print_words(const char *text, size_t *column)
{
	while (*text) {
		const int length = (int)strcspn(text, " ");

		if (*column == 0 || *column + 1 + (size_t)length > LINE_WIDTH) {
			printf("%s%*s", *column ? "\n" : "", INDENT - 1, "");
			*column = INDENT - 1;
		}
		*column += (size_t)printf(" %.*s", length, text);
		text += length;
		text += strspn(text, " ");
	}
}

static void print_sentence(const char *text)
{
	size_t column = 0;

	print_words(text, &column);
	putchar('\n');
}

static void print_hooks(const struct diagnosis *d)
{
	size_t column = 0;

	for (size_t i = 0; i < ledger_hooks_count; i++) {
		if (d->hooks_there & 1ull << i)
			print_words(ledger_hooks[i].target, &column);
	}
	if (column)
		putchar('\n');
}

/* What is lost by a hook that is not there, or what is there in its place. */
static void print_missing(const struct diagnosis *d, size_t hook)
{
	const struct ledger_hook *h = &ledger_hooks[hook];
	const char *state = hook_state(d, hook);
	_cleanup_free_ char *text = NULL;

	if (strcmp(state, "absent") == 0)
		text = string_format("no %s: %s", h->target,
				     h->without ? h->without : "there is no ledger without it");
	else if (strcmp(state, "replaced") == 0)
		text = string_format(
			"no %s: %s stands in for it", h->target,
			ledger_hooks[ledger_hook_stand_in(hook, d->hooks_there)].target);
	if (text)
		print_sentence(text);
}

static void print_text(const struct diagnosis *d)
{
	size_t there = 0, wanted = 0;

	for (size_t i = 0; i < d->n_findings; i++) {
		const struct ledger_finding *f = &d->findings[i];

		printf("%-7s  %s: %s\n", ledger_grade_name(f->grade), f->subject, f->value);
		print_sentence(f->meaning);
	}
	if (!d->hooks_known)
		return;
	for (size_t i = 0; i < ledger_hooks_count; i++) {
		bool is_there = d->hooks_there & 1ull << i;

		there += is_there;
		wanted += is_there || ledger_hook_is_missed(i, d->hooks_there, d->unified);
	}
	printf("%-7s  hooks: %zu of %zu\n", there == wanted ? "good" : "loss", there, wanted);
	print_hooks(d);
	for (size_t i = 0; i < ledger_hooks_count; i++)
		print_missing(d, i);
	if (!d->snapshot) {
		printf("note     the ledger is off: how often rules fell back is not known\n");
		return;
	}
	printf("note     the ledger is on; how often since then a rule fell back:\n");
	for (size_t i = 0; i < d->snapshot->n_counters; i++) {
		const struct ledger_counter *c = &d->snapshot->counters[i];

		if (is_fallback(c) && c->count)
			printf("         %12" PRIu64 "  %s\n", c->count, c->meaning);
	}
}

static void add_hooks(const struct diagnosis *d, struct json_object *o)
{
	struct json_object *hooks = json_add_array(o, "hooks");

	for (size_t i = 0; d->hooks_known && i < ledger_hooks_count; i++) {
		struct json_object *hook = json_object_new_object();

		json_add_string(hook, "hook", ledger_hooks[i].target);
		json_add_string(hook, "type",
				ledger_hooks[i].type == HOOK_FUNCTION ? "function" : "tracepoint");
		json_add_string(hook, "state", hook_state(d, i));
		json_add_string(hook, "without", ledger_hooks[i].without);
		json_object_array_add(hooks, hook);
	}
}

static void add_counters(const struct diagnosis *d, struct json_object *o)
{
	struct json_object *counters = json_add_object(o, "fallbacks");

	for (size_t i = 0; d->snapshot && i < d->snapshot->n_counters; i++) {
		if (is_fallback(&d->snapshot->counters[i]))
			json_add_u64(counters, d->snapshot->counters[i].name,
				     d->snapshot->counters[i].count);
	}
}

static void print_json(const struct diagnosis *d, bool can_run)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *findings = json_add_array(o, "findings");

	for (size_t i = 0; i < d->n_findings; i++) {
		struct json_object *finding = json_object_new_object();

		json_add_string(finding, "subject", d->findings[i].subject);
		json_add_string(finding, "grade", ledger_grade_name(d->findings[i].grade));
		json_add_string(finding, "value", d->findings[i].value);
		json_add_string(finding, "meaning", d->findings[i].meaning);
		json_object_array_add(findings, finding);
	}
	json_add_bool(o, "can_run", can_run);
	json_add_bool(o, "on", d->snapshot != NULL);
	add_hooks(d, o);
	add_counters(d, o);
	printf("%s\n", json_text(o, true));
}

int cmd_doctor(const struct cmd_context *ctx, int argc, char **argv)
{
	_cleanup_(cleanup_diagnosis) struct diagnosis diagnosis = {0};
	bool json = false, can_run = true;
	int opt;

	(void)ctx;
	while ((opt = options_next(argc, argv, "Jh", options)) != -1) {
		switch (opt) {
		case 'J':
			json = true;
			break;
		case 'h':
			puts("Usage: behalf doctor [-J]\n"
			     "Tells what this host is to the ledger: the kernel's options, hooks and\n"
			     "settings, and what each means for the figures.\n"
			     "\n"
			     "  -J, --json   as JSON\n"
			     "  -h, --help   print this text");
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind < argc) {
		log_error("doctor: unexpected argument '%s'", argv[optind]);
		return EXIT_FAILURE;
	}
	diagnose(&diagnosis);
	for (size_t i = 0; i < diagnosis.n_findings; i++)
		can_run = can_run && diagnosis.findings[i].grade != LEDGER_HINDERS;
	if (json)
		print_json(&diagnosis, can_run);
	else
		print_text(&diagnosis);
	return can_run ? EXIT_SUCCESS : EXIT_FAILURE;
}
