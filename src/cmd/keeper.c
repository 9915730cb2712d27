// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf keeper [status] */
#include "cmd/cmd.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/strings.h"
#include "base/table.h"
#include "cmd/called.h"
#include "cmd/kept_terms.h"
#include "cmd/means.h"
#include "cmd/options.h"
#include "keeper/burst_round.h"
#include "keeper/keeper.h"
#include "keeper/uplink.h"
#include "promises/promises.h"
#include "view/figure.h"

#define PERIOD_MIN_MS 10
#define PERIOD_MAX_MS 1000
#define BURST_MAX_US 1000000

static void print_help(void)
{
	printf("Usage: behalf keeper [OPTIONS]\n"
	       "       behalf keeper status [-J] [--socket PATH]\n"
	       "Keeps terms: every period it reads from the ledger what workspaces are charged, and\n"
	       "moves their quotas and weights so that charges follow the terms. On exit everything\n"
	       "that was set is put back.\n"
	       "\n"
	       "  status           how the running keeper keeps each term\n"
	       "\n"
	       "  --dry-run        print what would be written, and write nothing\n"
	       "  --once           for a second, then end and leave what was set\n"
	       "  --restore        put back what a killed keeper has left, and end\n"
	       "  --period MS      milliseconds between two readings (100)\n"
	       "  --uplink DEV=RATE the link to the outside, as eth0=1gbit (of the default route)\n"
	       "  --host-reserve N CPUs kept for the kernel's own workers (0.05 for each; 0: none)\n"
	       "  --burst US       microseconds of a disk's work at once on a reserved CPU (%d; 0: any)\n"
	       "  --socket PATH    where status is asked (%s/" KEEPER_SOCKET ")\n"
	       "  -J, --json       events, dry run and status as JSON\n"
	       "  -h, --help       print this text\n",
	       BURST_MOST_US, keeper_directory());
}

static int parse_period(const char *text, uint64_t *period_ns, struct error *err)
{
	uint64_t ms;

	if (string_to_u64(text, 10, &ms) < 0 || ms < PERIOD_MIN_MS || ms > PERIOD_MAX_MS)
		return error_set(err, EINVAL, "--period '%s': milliseconds, from %d to %d", text,
				 PERIOD_MIN_MS, PERIOD_MAX_MS);
	*period_ns = ms * 1000000;
	return 0;
}

static int parse_host(const char *text, double *cores, struct error *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char *end;

	*cores = strtod(text, &end);
	if (end == text || *end || !(*cores >= 0) || *cores > 4096)
		return error_set(err, EINVAL, "--host-reserve '%s': CPUs, as 0.1", text);
	if (*cores >= (double)cpus)
		return error_set(
			err, EINVAL,
			"--host-reserve '%s': this host has %ld CPUs, and nothing would be "
			"left of them for workspaces",
			text, cpus);
	if (*cores == 0)
		*cores = -1;
	return 0;
}

static int parse_burst(const char *text, int *burst_us, struct error *err)
{
	uint64_t us;

	if (string_to_u64(text, 10, &us) < 0 || us > BURST_MAX_US)
		return error_set(err, EINVAL, "--burst '%s': microseconds, up to %d", text,
				 BURST_MAX_US);
	*burst_us = us > 0 ? (int)us : -1;
	return 0;
}

enum {
	OPT_DRY_RUN = 256,
	OPT_ONCE,
	OPT_RESTORE,
	OPT_PERIOD,
	OPT_SOCKET,
	OPT_UPLINK,
	OPT_HOST,
	OPT_BURST,
};

static int parse_options(int argc, char **argv, struct keeper_options *options, struct error *err)
{
	static const struct option longs[] = {
		{"dry-run", no_argument, NULL, OPT_DRY_RUN},
		{"once", no_argument, NULL, OPT_ONCE},
		{"restore", no_argument, NULL, OPT_RESTORE},
		{"period", required_argument, NULL, OPT_PERIOD},
		{"burst", required_argument, NULL, OPT_BURST},
		{"socket", required_argument, NULL, OPT_SOCKET},
		{"uplink", required_argument, NULL, OPT_UPLINK},
		{"host-reserve", required_argument, NULL, OPT_HOST},
		{"json", no_argument, NULL, 'J'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, r = 0;

	while (r == 0 && (opt = options_next(argc, argv, "Jh", longs)) != -1) {
		switch (opt) {
		case OPT_DRY_RUN:
			options->dry_run = true;
			break;
		case OPT_ONCE:
			options->once = true;
			break;
		case OPT_RESTORE:
			options->restore = true;
			break;
		case OPT_PERIOD:
			r = parse_period(optarg, &options->period_ns, err);
			break;
		case OPT_UPLINK:
			options->uplink = optarg;
			break;
		case OPT_HOST:
			r = parse_host(optarg, &options->host_reserve, err);
			break;
		case OPT_BURST:
			r = parse_burst(optarg, &options->burst_us, err);
			break;
		case OPT_SOCKET:
			options->socket = optarg;
			break;
		case 'J':
			options->json = true;
			break;
		case 'h':
			print_help();
			exit(EXIT_SUCCESS);
		default:
			exit(EXIT_FAILURE);
		}
	}
	if (r == 0 && options->restore && (options->dry_run || options->once))
		return error_set(err, EINVAL,
				 "keeper: --restore goes with neither --dry-run nor --once");
	return r;
}

/* ---- status ---- */

/* What the kernel counts of limits and reserves of networks, and of gates; printed where there are any. */
static const struct table_column network_columns[] = {
	{.heading = "WORKSPACE"},
	{.heading = "NETWORK"},
	{.heading = "BYTES", .align = TABLE_RIGHT},
	{.heading = "PACKETS", .align = TABLE_RIGHT},
	{.heading = "DROPPED", .align = TABLE_RIGHT},
	{.heading = "STATE"},
};

static const struct table_column columns[] = {
	{.heading = "WORKSPACE", .key = "workspace"},
	{.heading = "TERM", .key = "term"},
	{.heading = "PROMISED", .key = "promised", .align = TABLE_RIGHT},
	{.heading = "GOT", .key = "got", .align = TABLE_RIGHT},
	{.heading = "RATIO", .key = "ratio", .align = TABLE_RIGHT},
	{.heading = "STATE", .key = "state"},
	{.heading = "FOR", .key = "for", .align = TABLE_RIGHT},
	{.heading = "BROKEN", .key = "broken", .align = TABLE_RIGHT},
	{.heading = "BY", .key = "by"},
};

static double number(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_double(value) : 0;
}

static const char *string(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value)
							      : NULL;
}

static void add_name(struct table *table, const char *called)
{
	_cleanup_free_ char *name = view_name_text(called ? called : "");

	table_string(table, name ? name : called);
}

static void add_term(void *data, const struct kept_term *term)
{
	struct table *table = data;
	bool cpu = strcmp(term->unit, "CPU") == 0;

	table_row(table);
	add_name(table, term->called);
	table_string(table, term->term);
	if (cpu)
		table_format(table, "%.3g", term->promised);
	else
		table_string(table, kept_amount(term->promised, term->unit).text);
	if (term->known) {
		table_string(table, kept_amount(term->got, term->unit).text);
		table_format(table, "%.3f", term->ratio);
		table_string(table, term->broken ? "broken" : "kept");
		table_format(table, "%.0fs", term->for_s);
	} else {
		table_string(table, "");
		table_string(table, "");
		table_string(table, "unknown");
		table_string(table, "");
	}
	table_format(table, "%.1fs", term->violation_s);
	table_string(table, term->by);
}

static void add_class(struct table *table, const char *name, struct json_object *network,
		      const char *key, const char *term)
{
	struct json_object *counts;

	if (!json_object_object_get_ex(network, key, &counts))
		return;
	table_row(table);
	add_name(table, name);
	table_string(table, term);
	table_format(table, "%.0f", number(counts, "bytes"));
	table_format(table, "%.0f", number(counts, "packets"));
	table_format(table, "%.0f", number(counts, "drops"));
}

static void add_gate(struct table *table, const char *name, struct json_object *network)
{
	struct json_object *gate, *shut;

	if (!json_object_object_get_ex(network, "gate", &gate) ||
	    !json_object_object_get_ex(gate, "shut", &shut))
		return;
	table_row(table);
	add_name(table, name);
	table_string(table, "net.strict");
	table_string(table, "");
	table_format(table, "%.0f", number(gate, "passed"));
	table_format(table, "%.0f", number(gate, "dropped"));
	table_string(table, json_object_get_boolean(shut) ? "shut" : "open");
}

static int print_network(struct json_object *workspaces, struct error *err)
{
	_cleanup_(cleanup_table) struct table *table =
		table_new(network_columns, ARRAY_SIZE(network_columns));

	for (size_t i = 0; i < json_object_array_length(workspaces); i++) {
		struct json_object *w = json_object_array_get_idx(workspaces, i), *network;

		const char *called = string(w, string(w, "called") ? "called" : "name");

		if (!json_object_object_get_ex(w, "network", &network))
			continue;
		add_class(table, called, network, "ingress_limited", "net.ingress.limit");
		add_class(table, called, network, "egress_limited", "net.egress.limit");
		add_class(table, called, network, "ingress_reserved", "net.ingress.reserve");
		add_class(table, called, network, "egress_reserved", "net.egress.reserve");
		add_gate(table, called, network);
	}
	if (table && !table_rows(table))
		return 0;
	printf("\n");
	return table_print(table, stdout, err);
}

static void print_disks(struct json_object *status)
{
	struct json_object *disks;

	if (!json_object_object_get_ex(status, "disks", &disks))
		return;
	for (size_t i = 0; i < json_object_array_length(disks); i++) {
		struct json_object *disk = json_object_array_get_idx(disks, i);

		printf("disk %s completes on CPU %s, which is reserved: requests are held to",
		       string(disk, "disk"), string(disk, "cpus"));
		if (number(disk, "max_sectors_kb") > 0)
			printf(" %.0f KiB", number(disk, "max_sectors_kb"));
		if (number(disk, "nr_requests") > 0)
			printf(" %.0f at once", number(disk, "nr_requests"));
		printf("\n");
	}
}

static int print_text(struct json_object *status, struct error *err)
{
	_cleanup_(cleanup_table) struct table *table = table_new(columns, ARRAY_SIZE(columns));
	struct json_object *list, *ledger, *host, *capped;
	int r;

	if (!json_object_object_get_ex(status, "workspaces", &list) ||
	    !json_object_object_get_ex(status, "ledger", &ledger))
		return error_set(err, EPROTO, "the keeper that runs is of another version");
	if (!json_object_get_boolean(ledger))
		printf("the ledger is off: only the static limits are set\n");
	if (json_object_object_get_ex(status, "host", &host) &&
	    json_object_object_get_ex(host, "capped", &capped) && json_object_get_boolean(capped))
		printf("the kernel's own workers have not had their part: all together are held\n");
	print_disks(status);
	r = kept_terms_each(status, add_term, table, err);
	if (r == 0)
		r = table_print(table, stdout, err);
	return r == 0 ? print_network(list, err) : r;
}

/* What is promised all the same. */
static void show_unkept(void)
{
	_cleanup_(cleanup_ledger_engines) struct ledger_engines *engines = called_engines();
	_cleanup_(promise_list_clear) struct promise_list list = {0};
	_cleanup_(cleanup_table) struct table *table = table_new(columns, ARRAY_SIZE(columns));
	struct error told;
	size_t damaged;

	if (promises_read_readable(&list, &damaged, &told, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		_cleanup_free_ char *called = called_promise(engines, &list.items[i]);

		for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
			_cleanup_free_ char *value = terms_format(&list.items[i].terms, kind);

			if (!value || !means_has_truth(kind) || means_kernel_keeps(kind))
				continue;
			table_row(table);
			add_name(table, called);
			table_string(table, kind->annotation + strlen("io.behalf."));
			table_string(table, value);
			table_string(table, "");
			table_string(table, "");
			table_string(table, "not kept: no keeper");
		}
	}
	if (table && table_rows(table))
		table_print(table, stdout, NULL);
}

static int show_status(const struct keeper_options *options, struct error *err)
{
	_cleanup_free_ char *path = string_format("%s/" KEEPER_SOCKET, keeper_directory());
	_cleanup_json_ struct json_object *status = NULL;
	int pid, r;

	if (!path)
		return error_oom(err);
	r = keeper_ask(options->socket ? options->socket : path, &status, &pid, err);
	if (r == -ENOENT && !options->json)
		show_unkept();
	if (r < 0)
		return r;
	if (!options->json)
		return print_text(status, err);
	printf("%s\n", json_text(status, true));
	return 0;
}

/* One that is not there may come, or never: only its name tells, and terms that need it are refused until then. */
static int check_uplink(const struct keeper_options *options, struct error *err)
{
	const char *text = options->uplink ? options->uplink : secure_getenv("BEHALF_UPLINK");
	struct uplink uplink;
	int r = text ? uplink_find(text, &uplink, err) : 0;

	if (r == 0 && text && !if_nametoindex(uplink.name))
		log_warning("there is no network interface '%s': nothing is kept at the host's "
			    "uplink until there is",
			    uplink.name);
	return r;
}

static int run_keeper(const struct keeper_options *options, struct error *err)
{
	int r = options->restore ? 0 : check_uplink(options, err);

	return r == 0 ? keeper_run(options, err) : r;
}

int cmd_keeper(const struct cmd_context *ctx, int argc, char **argv)
{
	struct keeper_options options = {0};
	struct error err = {0};
	int r = parse_options(argc, argv, &options, &err);

	if (r == 0 && argc - optind == 1 && strcmp(argv[optind], "status") == 0)
		r = show_status(&options, &err);
	else if (r == 0 && optind < argc)
		r = error_set(&err, EINVAL, "keeper: '%s' is not known; only status is",
			      argv[optind]);
	else if (r == 0)
		r = run_keeper(&options, &err);
	if (r < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
