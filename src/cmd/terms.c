// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * behalf terms set|unset|show|list: what is promised, to containers of ours and to control groups that
 * somebody else has made.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "base/table.h"
#include "cmd/admit.h"
#include "cmd/called.h"
#include "cmd/means.h"
#include "cmd/options.h"
#include "cmd/quota_check.h"
#include "cmd/terms_target.h"
#include "promises/promises.h"
#include "view/figure.h"

#define ATTEMPTS 100 /* at terms that others change, too */

struct terms_options {
	bool json, force;
	struct cpus cpus;
	bool has_cpus;
};

static void print_help(void)
{
	printf("Usage: behalf terms set [--force] [--cpus LIST] CGROUP|ID TERM=VALUE...\n"
	       "       behalf terms unset CGROUP|ID [TERM...]\n"
	       "       behalf terms show [-J] CGROUP|ID\n"
	       "       behalf terms list [-J]\n"
	       "Promises terms to containers that run already, whoever started them, takes promises\n"
	       "back, and shows them. CGROUP is the path of a control group, as in /proc/PID/cgroup;\n"
	       "ID a container, or the beginning of its id. The keeper keeps them.\n"
	       "\n"
	       "  --cpus LIST    the CPUs that the group may run on, if not all of them\n"
	       "  --force        promise also what there is no room for\n"
	       "  -J, --json     as JSON\n"
	       "  -h, --help     print this text\n"
	       "\n"
	       "Terms:\n");
	for (const struct term_kind *kind = term_kinds; kind->name; kind++)
		printf("  %-28s %s\n", kind->name, kind->meaning);
}

/* ---- changing ---- */

static int set_one(struct terms *terms, const char *argument, struct error *err)
{
	_cleanup_free_ char *name = strdup(argument);
	const struct term_kind *kind;
	char *value;

	if (!name)
		return error_oom(err);
	value = strchr(name, '=');
	if (value)
		*value++ = '\0';
	kind = terms_find(name);
	if (!kind)
		return error_set(err, EINVAL, "'%s' is no term (see behalf terms --help)", name);
	if (!value && kind->value)
		return error_set(err, EINVAL, "%s: its value is missing (%s=%s)", name, name,
				 kind->value);
	return terms_set(terms, kind, kind->name, value, err);
}

static int check(const struct promise *promise, const struct terms *before, struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	int r = terms_check(&promise->terms, err);

	if (r == 0)
		r = cgroup_layout_read(&layout, err);
	if (r == 0)
		r = means_check(&promise->terms, layout, err);
	if (r == 0)
		r = quota_check_controllers(promise, err);
	return r == 0 ? quota_check(promise, layout, before, err) : r;
}

static int run_set(const struct cmd_context *ctx, const struct terms_options *options, char **argv,
		   struct error *err)
{
	_cleanup_(promise_clear) struct promise promise = {0}, before = {0};
	int r = terms_target_find(ctx->root, argv[0], &promise, err);
	const struct terms was = promise.terms;

	for (char **argument = &argv[1]; r == 0 && *argument; argument++)
		r = set_one(&promise.terms, *argument, err);
	if (r < 0)
		return r;
	if (options->has_cpus) {
		promise.has_cpus = true;
		promise.cpus = options->cpus;
	}
	r = check(&promise, &was, err);
	if (r == 0)
		r = promise_set_maker(&promise, err);
	if (r == 0)
		r = admit_promise(&promise, options->force ? ADMIT_FORCED : ADMIT_WITH_ROOM, &was,
				  &before, err);
	if (r == 0)
		means_warn_without_keeper(argv[0], &promise.terms);
	return r < 0 ? error_prefix(err, "terms of '%s'", argv[0]) : 0;
}

static int run_unset(const struct cmd_context *ctx, char **argv, struct error *err)
{
	_cleanup_(promise_clear) struct promise promise = {0}, before = {0};
	int r = terms_target_find(ctx->root, argv[0], &promise, err);
	const struct terms was = promise.terms;

	if (r == 0 && !promise.since)
		return error_set(err, ENOENT, "nothing is promised to '%s'", argv[0]);
	for (char **argument = &argv[1]; r == 0 && *argument; argument++) {
		const struct term_kind *kind = terms_find(*argument);

		if (!kind)
			return error_set(err, EINVAL, "'%s' is no term (see behalf terms --help)",
					 *argument);
		r = terms_set(&promise.terms, kind, kind->name, "none", err);
	}
	if (r < 0)
		return r;
	if (!argv[1] || !terms_any(&promise.terms))
		return promises_remove(promise.state_root, promise.name, err);
	/* not what kept the others when they were promised: it may be gone, and nothing new is asked of it */
	r = terms_check(&promise.terms, err);
	return r == 0 ? admit_promise(&promise, ADMIT_LESS, &was, &before, err) : r;
}

/* ---- showing ---- */

static int add_json(struct json_object *object, struct ledger_engines *engines,
		    const struct promise *promise, struct error *err)
{
	_cleanup_free_ char *called = called_promise(engines, promise);
	struct json_object *terms;

	json_add_string(object, "name", promise->name);
	json_add_string(object, "called", called);
	json_add_string(object, "kind", promise->kind == PROMISE_CGROUP ? "cgroup" : "container");
	json_add_string(object, "root", promise->state_root);
	json_add_string(object, "cgroup", promise->cgroup ? cgroup_path(promise->cgroup) : NULL);
	json_add_string(object, "since", promise->since);
	if (promise->has_cpus) {
		_cleanup_free_ char *list = cpus_format(&promise->cpus);

		json_add_string(object, "cpus", list);
	}
	json_add_bool(object, "forced", promise->forced);
	terms = json_add_object(object, "terms");
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *value = terms_format(&promise->terms, kind);

		if (!value && terms_has(&promise->terms, kind))
			return error_oom(err);
		json_add_string(terms, kind->name, value);
	}
	return 0;
}

static int run_show(const struct cmd_context *ctx, const struct terms_options *options,
		    const char *name, struct error *err)
{
	_cleanup_(cleanup_ledger_engines) struct ledger_engines *engines = called_engines();
	_cleanup_(promise_clear) struct promise promise = {0};
	_cleanup_json_ struct json_object *object = json_object_new_object();
	int r = terms_target_find(ctx->root, name, &promise, err);

	if (r < 0)
		return r;
	if (!promise.since)
		return error_set(err, ENOENT, "nothing is promised to '%s'", name);
	if (options->json) {
		r = add_json(object, engines, &promise, err);
		if (r == 0)
			printf("%s\n", json_text(object, true));
		return r;
	}
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *value = terms_format(&promise.terms, kind);

		if (value)
			printf("%s=%s\n", kind->name, value);
	}
	return 0;
}

/* "cpu-limit=0.5 memory-limit=64m" */
static char *terms_line(const struct terms *terms)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	const char *space = "";

	if (!file)
		return NULL;
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *value = terms_format(terms, kind);

		if (!value)
			continue;
		fprintf(file, "%s%s=%s", space, kind->name, value);
		space = " ";
	}
	return fclose(file) == 0 ? take_ptr(text) : NULL;
}

static int list_text(const struct promise_list *list, struct ledger_engines *engines,
		     struct error *err)
{
	static const struct table_column columns[] = {
		{.heading = "NAME", .key = "name"},
		{.heading = "KIND", .key = "kind"},
		{.heading = "TERMS", .key = "terms"},
	};
	_cleanup_(cleanup_table) struct table *table = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < list->n; i++) {
		_cleanup_free_ char *line = terms_line(&list->items[i].terms);
		_cleanup_free_ char *called = called_promise(engines, &list->items[i]);
		_cleanup_free_ char *name = called ? view_name_text(called) : NULL;

		if (!line || !name)
			return error_oom(err);
		table_row(table);
		table_string(table, name);
		table_string(table, list->items[i].kind == PROMISE_CGROUP ? "cgroup" : "container");
		table_string(table, line);
	}
	return table_print(table, stdout, err);
}

static int run_list(const struct terms_options *options, struct error *err)
{
	_cleanup_(cleanup_ledger_engines) struct ledger_engines *engines = called_engines();
	_cleanup_(promise_list_clear) struct promise_list list = {0};
	_cleanup_json_ struct json_object *array = json_object_new_array();
	struct error told = {0};
	size_t damaged;
	int r = promises_read_readable(&list, &damaged, &told, err);

	if (r == 0 && damaged)
		log_warning("%s", told.text);
	if (r < 0 || !options->json)
		return r < 0 ? r : list_text(&list, engines, err);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct json_object *object = json_object_new_object();

		json_object_array_add(array, object);
		r = add_json(object, engines, &list.items[i], err);
	}
	if (r == 0)
		printf("%s\n", json_text(array, true));
	return r;
}

/* ---- the verb ---- */

/* Who is overtaken by somebody who changes the same terms begins again, with what there is then. */
static int run_change(const struct cmd_context *ctx, const struct terms_options *options,
		      char **argv, struct error *err)
{
	const bool set = strcmp(argv[0], "set") == 0;
	int r = -EAGAIN;

	for (int attempt = 0; r == -EAGAIN && attempt < ATTEMPTS; attempt++) {
		*err = (struct error){0};
		r = set ? run_set(ctx, options, &argv[1], err) : run_unset(ctx, &argv[1], err);
	}
	return r;
}

static int run(const struct cmd_context *ctx, const struct terms_options *options, int argc,
	       char **argv, struct error *err)
{
	const char *what = argc ? argv[0] : "";

	if ((strcmp(what, "set") == 0 && argc >= 3) || (strcmp(what, "unset") == 0 && argc >= 2))
		return run_change(ctx, options, argv, err);
	if (strcmp(what, "show") == 0 && argc == 2)
		return run_show(ctx, options, argv[1], err);
	if (strcmp(what, "list") == 0 && argc == 1)
		return run_list(options, err);
	return error_set(err, EINVAL,
			 "terms: say set CGROUP TERM=VALUE..., unset CGROUP [TERM...], show CGROUP "
			 "or list");
}

static int parse_options(int argc, char **argv, struct terms_options *options, struct error *err)
{
	static const struct option longs[] = {
		{"cpus", required_argument, NULL, 'c'},
		{"force", no_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'J'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt;

	while ((opt = options_next(argc, argv, "Jh", longs)) != -1) {
		switch (opt) {
		case 'c':
			if (cpus_parse(optarg, &options->cpus) < 0 ||
			    cpus_count(&options->cpus) == 0)
				return error_set(err, EINVAL, "--cpus '%s': a list of CPUs (0-3,5)",
						 optarg);
			options->has_cpus = true;
			break;
		case 'f':
			options->force = true;
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
	return 0;
}

int cmd_terms(const struct cmd_context *ctx, int argc, char **argv)
{
	struct terms_options options = {0};
	struct error err = {0};
	int r = parse_options(argc, argv, &options, &err);

	if (r == 0)
		r = run(ctx, &options, argc - optind, &argv[optind], &err);
	if (r < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
