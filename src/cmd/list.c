// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strings.h"
#include "base/table.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "runtime/container.h"

static const struct option options[] = {
	{"quiet", no_argument, NULL, 'q'},
	{"format", required_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const struct table_column columns[] = {
	{.heading = "ID", .key = "id"},
	{.heading = "PID", .key = "pid", .align = TABLE_RIGHT},
	{.heading = "STATUS", .key = "status"},
	{.heading = "BUNDLE", .key = "bundle"},
	{.heading = "CREATED", .key = "created"},
	{.heading = "OWNER", .key = "owner"},
};

static void add_row(struct table *table, const struct container *c, const struct json_object *state)
{
	struct json_object *owner = NULL;

	json_object_object_get_ex(state, "owner", &owner);
	table_row(table);
	table_string(table, container_id(c));
	table_u64(table, (uint64_t)container_pid(c));
	table_string(table, container_status_name(container_status(c)));
	table_string(table, container_bundle(c));
	table_string(table, container_created(c));
	table_string(table, owner ? json_object_get_string(owner) : NULL);
}

/* JSON has the whole state of each, as runc and crun print it. */
static int print_list(const struct cmd_context *ctx, char **ids, bool json, struct error *err)
{
	_cleanup_(cleanup_table) struct table *table = table_new(columns, ARRAY_SIZE(columns));
	_cleanup_json_ struct json_object *array = json_object_new_array();

	for (; ids && *ids; ids++) {
		_cleanup_(cleanup_container) struct container *c = NULL;
		_cleanup_json_ struct json_object *state = NULL;
		struct error gone;

		/* One that is deleted meanwhile is not there; a broken one is told, not fatal. */
		if (container_load(ctx->root, *ids, &c, &gone) < 0) {
			if (gone.code != ENOENT)
				log_warning("%s", gone.text);
			continue;
		}
		state = container_state_json(c);
		add_row(table, c, state);
		json_object_array_add(array, json_object_get(state));
	}
	if (json)
		return puts(json_text(array, false)) < 0 ? error_set(err, EIO, "write") : 0;
	return table_print(table, stdout, err);
}

static int list(const struct cmd_context *ctx, bool quiet, bool json, struct error *err)
{
	_cleanup_strv_ char **ids = NULL;
	int r = container_list(ctx->root, &ids, err);

	if (r < 0)
		return r;
	if (!quiet)
		return print_list(ctx, ids, json, err);
	for (char **id = ids; id && *id; id++)
		puts(*id);
	return 0;
}

int cmd_list(const struct cmd_context *ctx, int argc, char **argv)
{
	bool quiet = false, json = false;
	struct error err = {0};
	int opt;

	while ((opt = options_next(argc, argv, "qf:h", options)) != -1) {
		switch (opt) {
		case 'q':
			quiet = true;
			break;
		case 'f':
			json = strcmp(optarg, "json") == 0;
			if (!json && strcmp(optarg, "table") != 0) {
				log_error("--format '%s': table or json", optarg);
				return EXIT_FAILURE;
			}
			break;
		case 'h':
			puts("Usage: behalf list [--quiet] [--format table|json]\n"
			     "Lists the containers of this --root.\n"
			     "\n"
			     "  -q, --quiet           ids only\n"
			     "  -f, --format FORMAT   table (default) or json");
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind != argc) {
		log_error("list: takes no arguments");
		return EXIT_FAILURE;
	}
	if (list(ctx, quiet, json, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
