// SPDX-License-Identifier: GPL-2.0-or-later
/* Options before the verb, and the way to the verb. */
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/config.h"
#include "cmd/apart.h"
#include "cmd/descriptors.h"
#include "kernel/cgroup.h"
#include "kernel/systemd.h"
#include "runtime/container.h"

struct verb {
	const char *name;
	const char *args;
	const char *summary;
	int (*run)(const struct cmd_context *ctx, int argc, char **argv);
};

/* The runtime's program has its verbs alone, behalf-full has all of them (cmd/apart.h). */
#ifdef BEHALF_FULL
#define APART(verb) cmd_##verb
#else
#define APART(verb) apart_execute_full
#endif

static const struct verb verbs[] = {
#define VERB(verb, args, summary) {#verb, args, summary, cmd_##verb},
#define VERB_APART(verb, args, summary) {#verb, args, summary, APART(verb)},
#include "cmd/verbs.h"
#undef VERB_APART
#undef VERB
	{0},
};

enum {
	OPT_LOG = 256,
	OPT_LOG_FORMAT,
	OPT_DEBUG,
	OPT_ROOT,
	OPT_SYSTEMD_CGROUP,
	OPT_CGROUP_MANAGER,
	OPT_ROOTLESS,
	OPT_LOG_LEVEL,
	OPT_CRIU
};

static const struct option options[] = {
	{"root", required_argument, NULL, OPT_ROOT},
	{"log", required_argument, NULL, OPT_LOG},
	{"log-format", required_argument, NULL, OPT_LOG_FORMAT},
	{"debug", no_argument, NULL, OPT_DEBUG},
	{"systemd-cgroup", no_argument, NULL, OPT_SYSTEMD_CGROUP},
	{"cgroup-manager", required_argument, NULL, OPT_CGROUP_MANAGER},
	{"rootless", required_argument, NULL, OPT_ROOTLESS},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"criu", required_argument, NULL, OPT_CRIU},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"usage", no_argument, NULL, 'h'}, /* crun's, as -? is */
	{0},
};

static void print_help(void)
{
	printf("Usage: behalf [OPTIONS] VERB [ARGUMENTS]\n"
	       "Runs containers, and shows who spends CPU on whose behalf.\n"
	       "\n"
	       "Options:\n"
	       "  --root DIR            state of containers (default /run/behalf)\n"
	       "  --log FILE            append messages to FILE; syslog:NAME, journald:NAME: send them\n"
	       "  --log-format FORMAT   text (default) or json\n"
	       "  --log-level LEVEL     error, warning (default), info or debug\n"
	       "  --debug               say more, as --log-level debug\n"
	       "  --cgroup-manager M    cgroupfs (default), systemd, or disabled: make no cgroups\n"
	       "  --systemd-cgroup      the same as --cgroup-manager systemd\n"
	       "  --rootless WHEN       go without cgroups that may not be made: true, false or auto\n"
	       "                        (default: for everybody but the host's root)\n"
	       "  --version, -v         print the version\n"
	       "  --help, -h            print this text\n"
	       "\n"
	       "Verbs:\n");
	for (const struct verb *v = verbs; v->name; v++)
		printf("  %-10s %-28s %s\n", v->name, v->args, v->summary);
	printf("\n`behalf VERB --help` or `behalf help VERB` says more about a verb; so does "
	       "behalf-VERB(1).\n");
}

/* One sentence, and the status of crun's reader of options (EX_USAGE of sysexits.h). */
static int refuse_option(char **argv, const char *what)
{
	const char *word = argv[optind - 1];
	const char letter[] = {'-', (char)optopt, '\0'};
	/* Of letters that stand together getopt tells the one, and not where they stand. */
	bool is_long = !optopt || optopt > UCHAR_MAX || strchr(word, '=');

	fprintf(stderr, "behalf: %s: %s, see behalf --help\n", is_long ? word : letter, what);
	return EX_USAGE;
}

/* Engines look at the first two lines; the others are for who reads them. */
static void print_version(void)
{
	const struct scmp_version *seccomp = seccomp_version();

	printf("behalf version " BEHALF_VERSION "\nspec: " OCI_VERSION_MAX "\n");
	if (seccomp)
		printf("libseccomp: %u.%u.%u\n", seccomp->major, seccomp->minor, seccomp->micro);
	printf("%cSYSTEMD +CAP +SECCOMP +EBPF +LEDGER +JSON_C\n",
	       systemd_is_built_in() ? '+' : '-');
}

static int choose_log_level(const char *level, struct cmd_context *ctx)
{
	static const char *const levels[] = {"error", "warning", "warn", "info", "debug", "trace"};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcasecmp(level, levels[i]) != 0)
			continue;
		ctx->debug = i >= 4;
		return 0;
	}
	fprintf(stderr, "behalf: --log-level '%s': error, warning, info or debug\n", level);
	return -1;
}

static int choose_systemd(const char *option, struct cmd_context *ctx)
{
	ctx->systemd_cgroup = systemd_is_built_in();
	if (ctx->systemd_cgroup)
		return 0;
	fprintf(stderr, "behalf: %s: this build has no support for systemd\n", option);
	return -1;
}

/* crun's option, by which podman asks for --cgroups=disabled. */
static int choose_cgroup_manager(const char *name, struct cmd_context *ctx)
{
	ctx->no_cgroup = strcmp(name, "disabled") == 0;
	ctx->systemd_cgroup = false;
	if (strcmp(name, "systemd") == 0)
		return choose_systemd("--cgroup-manager systemd", ctx);
	if (ctx->no_cgroup || strcmp(name, "cgroupfs") == 0)
		return 0;
	fprintf(stderr, "behalf: --cgroup-manager '%s': cgroupfs, systemd or disabled\n", name);
	return -1;
}

/* As runc has it; what "auto" finds out is whether we have all of the host's rights. */
static int choose_rootless(const char *text)
{
	if (strcmp(text, "auto") == 0)
		return 0;
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		cgroup_set_ordinary_user(strcmp(text, "true") == 0);
		return 0;
	}
	fprintf(stderr, "behalf: --rootless '%s': true, false or auto\n", text);
	return -1;
}

/* Returns the exit status when there is nothing left to do, or -1. */
static int parse_options(int argc, char **argv, struct cmd_context *ctx)
{
	int opt;

	opterr = 0;
	/* "+": what comes after the verb is the verb's; ":": a value that is missing is told as one */
	while ((opt = getopt_long(argc, argv, "+:hvV", options, NULL)) != -1) {
		switch (opt) {
		case OPT_ROOT:
			ctx->root = optarg;
			break;
		case OPT_LOG:
			ctx->log_path = optarg;
			break;
		case OPT_LOG_FORMAT:
			if (strcmp(optarg, "text") != 0 && strcmp(optarg, "json") != 0) {
				fprintf(stderr, "behalf: --log-format '%s': text or json\n",
					optarg);
				return EXIT_FAILURE;
			}
			ctx->log_format = strcmp(optarg, "json") == 0 ? LOG_JSON : LOG_TEXT;
			break;
		case OPT_DEBUG:
			ctx->debug = true;
			break;
		case OPT_CGROUP_MANAGER:
			if (choose_cgroup_manager(optarg, ctx) < 0)
				return EXIT_FAILURE;
			break;
		case OPT_ROOTLESS:
			if (choose_rootless(optarg) < 0)
				return EXIT_FAILURE;
			break;
		case OPT_SYSTEMD_CGROUP:
			if (choose_systemd("--systemd-cgroup", ctx) < 0)
				return EXIT_FAILURE;
			break;
		case OPT_LOG_LEVEL:
			if (choose_log_level(optarg, ctx) < 0)
				return EXIT_FAILURE;
			break;
		case OPT_CRIU: /* older callers of runc; it has long ignored it itself */
			break;
		case 'v':
		case 'V':
			print_version();
			return EXIT_SUCCESS;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case ':':
			return refuse_option(argv, "a value is missing");
		default:
			if (strcmp(argv[optind - 1], "-?") != 0)
				return refuse_option(argv, "no such option");
			print_help();
			return EXIT_SUCCESS;
		}
	}
	return -1;
}

/* Containers outlive the working directory of who asks, so --root is kept absolute. */
static int make_root_absolute(struct cmd_context *ctx, char **storage)
{
	char *cwd;

	if (ctx->root[0] == '/')
		return 0;
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(storage, "%s/%s", cwd, ctx->root) < 0) {
		free(cwd);
		fprintf(stderr, "behalf: --root '%s': %s\n", ctx->root, strerror(errno));
		return -1;
	}
	free(cwd);
	ctx->root = *storage;
	return 0;
}

/* Some callers write this one with one dash, as Go's own reader of options takes it. */
static void mend_dashes(char **args)
{
	for (; *args && strcmp(*args, "--") != 0; args++)
		if (strcmp(*args, "-no-subreaper") == 0)
			*args = (char *)"--no-subreaper";
}

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* As runc has it: NAME is a verb, or NULL. */
static int help(const struct cmd_context *ctx, const char *name)
{
	const struct verb *verb = name ? find_verb(name) : NULL;
	char *args[] = {(char *)name, (char *)"--help", NULL};

	if (verb) {
		optind = 0;
		return verb->run(ctx, 2, args);
	}
	if (name) {
		log_error("unknown verb '%s', see behalf --help", name);
		return EXIT_FAILURE;
	}
	print_help();
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct cmd_context ctx = {
		.root = container_default_root(),
		.log_format = LOG_TEXT,
		.argv = argv,
	};
	_cleanup_free_ char *root = NULL;
	const struct verb *verb;
	struct error err = {0};
	int status;

	/* Whoever lists processes is to see what was called. */
	prctl(PR_SET_NAME, "behalf", 0, 0, 0);
	/* Inherited ignored, as some callers have it, the kernel would take our children's ends for itself. */
	signal(SIGCHLD, SIG_DFL);
	if (descriptors_open_standard(&err) < 0)
		return EXIT_FAILURE;
	status = parse_options(argc, argv, &ctx);
	if (status >= 0)
		return status;
	if (optind == argc) {
		fprintf(stderr, "behalf: no verb given, see behalf --help\n");
		return EXIT_FAILURE;
	}
	if (make_root_absolute(&ctx, &root) < 0)
		return EXIT_FAILURE;
	if (log_open(ctx.log_path, ctx.log_format, ctx.debug, &err) < 0) {
		fprintf(stderr, "behalf: %s\n", err.text);
		return EXIT_FAILURE;
	}
	ctx.verb = optind;
	if (ctx.systemd_cgroup && systemd_is_apart())
		return apart_execute_full(&ctx, argc - optind, argv + optind);
	if (strcmp(argv[optind], "help") == 0)
		return help(&ctx, argv[optind + 1]);
	verb = find_verb(argv[optind]);
	if (verb) {
		int first = optind;

		if (strcmp(verb->name, "exec") != 0 && strcmp(verb->name, "spawn") != 0)
			mend_dashes(argv + first);
		optind = 0; /* glibc: start over, with "+" looked at anew */
		return verb->run(&ctx, argc - first, argv + first);
	}
	log_error("unknown verb '%s', see behalf --help", argv[optind]);
	return EXIT_FAILURE;
}
