// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/plan_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "cmd/options.h"
#include "view/plan.h"

static const struct option longs[] = {
	{"running", no_argument, NULL, 'r'},
	{"json", no_argument, NULL, 'J'},
	{"html", no_argument, NULL, 'H'},
	{"kubernetes", optional_argument, NULL, 'K'},
	{"slurm", no_argument, NULL, 'S'},
	{"explain", no_argument, NULL, 'e'},
	{"what-if", required_argument, NULL, 'w'},
	{"max", required_argument, NULL, 'm'},
	{"profile", required_argument, NULL, 'p'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void print_help(void)
{
	puts("Usage: behalf plan [OPTIONS] [FILE]\n"
	     "Tells how much CPU the workspaces of FILE, and the host for them, need so that all that\n"
	     "they are promised can be kept, and whether this host has it. Without FILE, for what is\n"
	     "promised on this host now.\n"
	     "\n"
	     "  -r, --running           what is promised now, beside FILE\n"
	     "  -w, --what-if KEY=VALUE  with that changed; can be given again:\n"
	     "                          NAME.TERM, NAME.count, NAME.cpus (NAME * is all of them), cpus,\n"
	     "                          memory, uplink, disk.NAME.read, host.cpu, host.memory, protocol, peer\n"
	     "  -m, --max NAME          how many more of this workspace fit\n"
	     "  -e, --explain           every figure as coefficient x rate\n"
	     "  -p, --profile FILE      what I/O costs here, instead of /var/lib/behalf/profile.json\n"
	     "  -J, --json              as JSON\n"
	     "      --html              as a page\n"
	     "      --kubernetes[=classes|kubelet]\n"
	     "                          RuntimeClass objects, and what a kubelet has to reserve\n"
	     "      --slurm             lines for slurm.conf and gres.conf\n"
	     "  -h, --help              print this text\n"
	     "\n"
	     "The exit status is 0 when all of it is admitted, 3 when it is refused, 1 after an error.");
}

static int set_output(struct plan_options *options, enum plan_output output, struct error *err)
{
	if (options->output != PLAN_OUTPUT_TEXT && options->output != output)
		return error_set(
			err, EINVAL,
			"plan: --json, --html, --kubernetes and --slurm exclude each other");
	options->output = output;
	return 0;
}

static int set_kubernetes(struct plan_options *options, const char *what, struct error *err)
{
	if (!what)
		options->kubernetes = VIEW_PLAN_KUBERNETES_ALL;
	else if (strcmp(what, "classes") == 0)
		options->kubernetes = VIEW_PLAN_CLASSES;
	else if (strcmp(what, "kubelet") == 0)
		options->kubernetes = VIEW_PLAN_KUBELET;
	else
		return error_set(err, EINVAL, "--kubernetes: 'classes' or 'kubelet' is wanted");
	return set_output(options, PLAN_OUTPUT_KUBERNETES, err);
}

static int set_option(int opt, struct plan_options *options, struct error *err)
{
	switch (opt) {
	case 'r':
		options->running = true;
		return 0;
	case 'J':
		return set_output(options, PLAN_OUTPUT_JSON, err);
	case 'H':
		return set_output(options, PLAN_OUTPUT_HTML, err);
	case 'K':
		return set_kubernetes(options, optarg, err);
	case 'S':
		return set_output(options, PLAN_OUTPUT_SLURM, err);
	case 'e':
		options->explain = true;
		return 0;
	case 'w':
		return strv_append(&options->what_if, optarg) < 0 ? error_oom(err) : 0;
	case 'm':
		options->max = optarg;
		return 0;
	case 'p':
		options->profile = optarg;
		return 0;
	case 'h':
		print_help();
		exit(EXIT_SUCCESS);
	default:
		exit(EXIT_FAILURE); /* getopt has said why */
	}
}

void plan_options_clear(struct plan_options *options)
{
	strv_free(options->what_if);
	options->what_if = NULL;
}

int plan_options_parse(int argc, char **argv, struct plan_options *options, struct error *err)
{
	int opt, r;

	while ((opt = options_next(argc, argv, "rJew:m:p:h", longs)) != -1) {
		r = set_option(opt, options, err);
		if (r < 0)
			return r;
	}
	if (argc - optind > 1)
		return error_set(err, EINVAL, "plan: at most one file can be named");
	options->file = argv[optind];
	if (!options->file)
		options->running = true;
	return 0;
}
