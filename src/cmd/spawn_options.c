// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/spawn_options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/strings.h"

enum {
	OPT_NAME = 256,
	OPT_ROOTFS,
	OPT_NET,
	OPT_SUBNET,
	OPT_CPUSET_CPUS,
	OPT_BIND,
	OPT_READ_ONLY,
	OPT_OUTPUT,
	OPT_FORCE,
	OPT_TERM, /* the first of term_kinds; the others follow it */
};

static const struct option fixed_options[] = {
	{"name", required_argument, NULL, OPT_NAME},
	{"detach", no_argument, NULL, 'd'},
	{"rootfs", required_argument, NULL, OPT_ROOTFS},
	{"net", required_argument, NULL, OPT_NET},
	{"subnet", required_argument, NULL, OPT_SUBNET},
	{"cpuset-cpus", required_argument, NULL, OPT_CPUSET_CPUS},
	{"env", required_argument, NULL, 'e'},
	{"workdir", required_argument, NULL, 'w'},
	{"user", required_argument, NULL, 'u'},
	{"bind", required_argument, NULL, OPT_BIND},
	{"read-only", no_argument, NULL, OPT_READ_ONLY},
	{"tty", no_argument, NULL, 't'},
	{"output", required_argument, NULL, OPT_OUTPUT},
	{"force", no_argument, NULL, OPT_FORCE},
	{"help", no_argument, NULL, 'h'},
};

void spawn_print_help(void)
{
	printf("Usage: behalf spawn [TERMS] [OPTIONS] [--] COMMAND [ARGUMENTS]\n"
	       "Runs a command in a workspace of its own. Changes it makes to files vanish.\n"
	       "\n"
	       "Terms:\n");
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		int width = printf("      --%s%s%s", kind->name, kind->value ? " " : "[=DEV:true]",
				   kind->value ? kind->value : "");

		printf("%*s%s\n", width < 44 ? 44 - width : 1, "", kind->meaning);
	}
	printf("      --cpuset-cpus LIST                    CPUs it runs on, as 0-3,5\n"
	       "\n"
	       "Options:\n"
	       "      --name NAME             what it is called (default: chosen)\n"
	       "  -d, --detach                print the name and leave it running\n"
	       "      --output FILE           detached: what the command says is appended there\n"
	       "      --rootfs DIR[:O]        its root instead of the host's; :O lets changes vanish\n"
	       "      --net private|host|none its network (default: private)\n"
	       "      --subnet RANGE          addresses of the private network, as 10.177.0.0/16\n"
	       "  -e, --env KEY[=VALUE]       set a variable; without a value the host's\n"
	       "  -w, --workdir DIR           where the command begins (default: /)\n"
	       "  -u, --user USER[:GROUP]     who the command runs as, by name or number\n"
	       "      --bind SRC:DST[:ro]     show the host's SRC at DST\n"
	       "      --read-only             the root cannot be written to\n"
	       "      --force                 promise its terms though they do not fit\n"
	       "  -t, --tty                   give it a terminal\n");
}

/* The options of getopt_long: the fixed ones, and one for each term. */
static struct option *make_option_table(void)
{
	size_t n_fixed = ARRAY_SIZE(fixed_options), n_terms = 0;
	struct option *table;

	while (term_kinds[n_terms].name)
		n_terms++;
	table = calloc(n_fixed + n_terms + 1, sizeof(*table));
	if (!table)
		return NULL;
	memcpy(table, fixed_options, sizeof(fixed_options));
	for (size_t i = 0; i < n_terms; i++)
		table[n_fixed + i] = (struct option){
			term_kinds[i].name,
			term_kinds[i].value ? required_argument : optional_argument,
			NULL,
			OPT_TERM + (int)i,
		};
	return table;
}

static int set_string(char **string, const char *value, struct error *err)
{
	char *copy = strdup(value);

	if (!copy)
		return error_oom(err);
	free(*string);
	*string = copy;
	return 0;
}

static int set_rootfs(struct spawn_options *options, const char *value, struct error *err)
{
	_cleanup_free_ char *path = strdup(value);
	char *resolved;

	if (!path)
		return error_oom(err);
	options->rootfs_overlay = string_ends_with(path, ":O");
	if (options->rootfs_overlay)
		path[strlen(path) - 2] = '\0';
	resolved = realpath(path, NULL);
	if (!resolved)
		return error_errno(err, errno, "--rootfs '%s'", value);
	free(options->rootfs);
	options->rootfs = resolved;
	return 0;
}

static int set_net(struct spawn_options *options, const char *value, struct error *err)
{
	static const struct {
		const char *name;
		enum spawn_net net;
	} nets[] = {
		{"private", SPAWN_NET_PRIVATE},
		{"host", SPAWN_NET_HOST},
		{"none", SPAWN_NET_NONE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++) {
		if (strcmp(nets[i].name, value) == 0) {
			options->net = nets[i].net;
			return 0;
		}
	}
	return error_set(err, EINVAL, "--net '%s': private, host or none", value);
}

static int set_subnet(struct spawn_options *options, const char *value, struct error *err)
{
	if (ipv4_range_parse(value, &options->subnet) < 0)
		return error_set(err, EINVAL,
				 "--subnet '%s': a network is wanted, as 10.177.0.0/16", value);
	options->has_subnet = true;
	return 0;
}

static int set_cpus(struct spawn_options *options, const char *value, struct error *err)
{
	if (cpus_parse(value, &options->cpus) < 0 || cpus_count(&options->cpus) == 0)
		return error_set(err, EINVAL,
				 "--cpuset-cpus '%s': a list of CPUs is wanted, as 0-3,5", value);
	options->has_cpus = true;
	return 0;
}

static int add_env(struct spawn_options *options, const char *value, struct error *err)
{
	_cleanup_free_ char *pair = NULL;
	const char *own;

	if (*value == '=' || !*value)
		return error_set(err, EINVAL, "--env '%s': the variable has no name", value);
	if (strchr(value, '='))
		return strv_append(&options->env, value) < 0 ? error_oom(err) : 0;
	own = getenv(value);
	if (!own)
		return 0;
	pair = string_format("%s=%s", value, own);
	return !pair || strv_append(&options->env, pair) < 0 ? error_oom(err) : 0;
}

static int add_bind(struct spawn_options *options, const char *value, struct error *err)
{
	_cleanup_free_ char *source = strdup(value), *resolved = NULL, *at = NULL;
	struct spawn_bind *grown;
	char *destination, *option;

	destination = source ? strchr(source, ':') : NULL;
	if (source && !destination)
		return error_set(err, EINVAL, "--bind '%s': SRC:DST or SRC:DST:ro", value);
	if (!source)
		return error_oom(err);
	*destination++ = '\0';
	option = strchr(destination, ':');
	if (option)
		*option++ = '\0';
	if (option && strcmp(option, "ro") != 0 && strcmp(option, "rw") != 0)
		return error_set(err, EINVAL, "--bind '%s': '%s' is neither ro nor rw", value,
				 option);
	if (*destination != '/')
		return error_set(err, EINVAL, "--bind '%s': DST must begin with /", value);
	resolved = realpath(source, NULL);
	if (!resolved)
		return error_errno(err, errno, "--bind '%s'", value);
	at = strdup(destination);
	grown = reallocarray(options->binds, options->n_binds + 1, sizeof(*grown));
	if (!at || !grown) {
		options->binds = grown ? grown : options->binds;
		return error_oom(err);
	}
	options->binds = grown;
	grown[options->n_binds++] = (struct spawn_bind){
		.source = take_ptr(resolved),
		.destination = take_ptr(at),
		.read_only = option && strcmp(option, "ro") == 0,
	};
	return 0;
}

static int set_workdir(struct spawn_options *options, const char *value, struct error *err)
{
	if (*value != '/')
		return error_set(err, EINVAL, "--workdir '%s': must begin with /", value);
	options->workdir = value;
	return 0;
}

static int set_term(struct spawn_options *options, const struct term_kind *kind, const char *value,
		    struct error *err)
{
	char flag[64];

	snprintf(flag, sizeof(flag), "--%s", kind->name);
	return terms_set(&options->terms, kind, flag, value, err);
}

static int set_option(struct spawn_options *options, int opt, const char *value, struct error *err)
{
	switch (opt) {
	case OPT_NAME:
		return set_string(&options->name, value, err);
	case OPT_ROOTFS:
		return set_rootfs(options, value, err);
	case OPT_NET:
		return set_net(options, value, err);
	case OPT_SUBNET:
		return set_subnet(options, value, err);
	case OPT_CPUSET_CPUS:
		return set_cpus(options, value, err);
	case OPT_BIND:
		return add_bind(options, value, err);
	case 'e':
		return add_env(options, value, err);
	case 'w':
		return set_workdir(options, value, err);
	case 'u':
		options->user = value;
		return 0;
	case OPT_OUTPUT:
		options->output = value;
		return 0;
	case OPT_FORCE:
		options->force = true;
		return 0;
	case OPT_READ_ONLY:
		options->read_only = true;
		return 0;
	case 'd':
		options->detach = true;
		return 0;
	case 't':
		options->tty = true;
		return 0;
	default:
		return set_term(options, &term_kinds[opt - OPT_TERM], value, err);
	}
}

static int choose_name(struct spawn_options *options, struct error *err)
{
	uint32_t number;

	if (options->name)
		return 0;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_errno(err, errno, "choose a name");
	options->name = string_format("w-%08" PRIx32, number);
	return options->name ? 0 : error_oom(err);
}

static int check(struct spawn_options *options, struct error *err)
{
	if (!options->command[0])
		return error_set(err, EINVAL, "spawn: no command given, see behalf spawn --help");
	if (options->detach && options->tty)
		return error_set(err, EINVAL, "--tty: a detached workspace has no terminal");
	if (options->output && !options->detach)
		return error_set(err, EINVAL, "--output: only a detached workspace needs it");
	if (options->has_subnet && options->net != SPAWN_NET_PRIVATE)
		return error_set(err, EINVAL, "--subnet: only the private network has one");
	return terms_check(&options->terms, err);
}

int spawn_options_parse(int argc, char **argv, struct spawn_options *options, struct error *err)
{
	_cleanup_free_ struct option *table = make_option_table();
	int opt, r = 0;

	if (!table)
		return error_oom(err);
	/* getopt would print its own sentence; ours goes where all sentences go */
	opterr = 0;
	while (r == 0 && (opt = getopt_long(argc, argv, "+:de:hw:u:t", table, NULL)) != -1) {
		if (opt == ':')
			return error_set(err, EINVAL, "%s: a value is missing", argv[optind - 1]);
		if (opt == '?')
			return error_set(err, EINVAL, "%s: no such option, see behalf spawn --help",
					 argv[optind - 1]);
		if (opt == 'h') {
			options->help = true;
			return 0;
		}
		r = set_option(options, opt, optarg, err);
	}
	options->command = argv + optind;
	if (r == 0)
		r = check(options, err);
	return r == 0 ? choose_name(options, err) : r;
}

void spawn_options_clear(struct spawn_options *options)
{
	free(options->name);
	free(options->rootfs);
	strv_free(options->env);
	for (size_t i = 0; i < options->n_binds; i++) {
		free(options->binds[i].source);
		free(options->binds[i].destination);
	}
	free(options->binds);
	*options = (struct spawn_options){0};
}
