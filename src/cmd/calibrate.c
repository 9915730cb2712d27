// SPDX-License-Identifier: GPL-2.0-or-later
/* behalf calibrate: measures this host's profile. */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "calibrate/calibrate.h"
#include "calibrate/schedule.h"
#include "calibrate/site.h"
#include "cmd/calibrate_check.h"
#include "cmd/options.h"
#include "cmd/plan_host.h"
#include "plan/profile.h"

#define EXIT_UNTRUSTED 3
#define EXIT_BUSY 4 /* of a check, which tells nothing then */
#define BAR_WIDTH 24

struct calibrate_request {
	struct calibrate_options options;
	const char *output; /* "-": standard output */
	bool json, check;
	bool kept; /* what is in the file is trusted, what was measured is not */
	struct site_devices devices;
	char *device_names; /* what they point into */
};

static volatile int stop_signal;

static void on_signal(int number)
{
	stop_signal = number;
}

static void print_help(void)
{
	printf("Usage: behalf calibrate [OPTIONS]\n"
	       "Measures what I/O costs in CPU on this host, with loads of its own in workspaces of its\n"
	       "own, and writes the profile that `behalf plan` goes by. Takes some minutes, uses the\n"
	       "CPUs, and wants a host that does little else meanwhile.\n"
	       "\n"
	       "  -q, --quick          less exactly, in under a minute\n"
	       "  -o, --output FILE    write the profile there (default: the file that the environment\n"
	       "                       variable BEHALF_PROFILE names, or\n"
	       "                       " PROFILE_PATH "); '-' is standard output\n"
	       "  -s, --scratch DIR    directory for a scratch file without a name, on the disk that is\n"
	       "                       to be measured (default /var/tmp)\n"
	       "      --only WHAT,...  measure these only: bridge, local, forward, uplink, macvlan, device,\n"
	       "                       host, disk\n"
	       "  -d, --device A,B     two network devices that nobody uses, each of which reaches the\n"
	       "                       other: what a device costs that is handed over to a container\n"
	       "  -c, --check          measure for a few seconds what it costs now, and say whether the\n"
	       "                       profile (of --output) still holds; writes nothing\n"
	       "  -f, --force          trust the profile although the host was busy\n"
	       "  -J, --json           print the profile, and write it only with --output\n"
	       "  -h, --help           print this text\n"
	       "\n"
	       "Exit status: 0; 1 when nothing was measured; %d when what was measured cannot be trusted\n"
	       "because the host was busy (it does not replace a profile that is trusted then), with\n"
	       "--check when the profile does not hold; %d when the host was too busy for --check to tell;\n"
	       "128 + the signal when interrupted.\n",
	       EXIT_UNTRUSTED, EXIT_BUSY);
}

static int find_part(const char *name, unsigned int *bit)
{
	if (strcmp(name, "disk") == 0) {
		*bit = SCHEDULE_DISK;
		return 0;
	}
	for (enum site_path path = 0; path < SITE_PATHS; path++) {
		if (strcmp(name, site_path_name(path)) != 0)
			continue;
		*bit = 1u << path;
		return 0;
	}
	return -ENOENT;
}

static int parse_only(const char *list, unsigned int *what, struct error *err)
{
	_cleanup_free_ char *copy = strdup(list);
	unsigned int chosen = 0, bit;
	char *save = NULL;

	if (!copy)
		return error_oom(err);
	for (char *name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		if (find_part(name, &bit) < 0)
			return error_set(
				err, EINVAL,
				"--only: '%s' is not one of bridge, local, forward, uplink, "
				"macvlan, device, host, disk",
				name);
		chosen |= bit;
	}
	if (!chosen)
		return error_set(err, EINVAL, "--only: nothing is named");
	*what = chosen;
	return 0;
}

static int parse_devices(const char *list, struct calibrate_request *request, struct error *err)
{
	char *comma;

	free(request->device_names);
	request->device_names = strdup(list);
	if (!request->device_names)
		return error_oom(err);
	comma = strchr(request->device_names, ',');
	if (!comma || comma == request->device_names || !comma[1] || strchr(comma + 1, ','))
		return error_set(err, EINVAL,
				 "--device: '%s': two devices are wanted, as eth1,eth2", list);
	*comma = '\0';
	request->devices = (struct site_devices){{request->device_names, comma + 1}};
	if (strcmp(request->devices.names[0], request->devices.names[1]) == 0)
		return error_set(err, EINVAL, "--device: '%s' is one device", list);
	request->options.devices = &request->devices;
	return 0;
}

/* What would say nothing beside --check is refused, lest somebody believes it did. */
static int refuse_beside_check(const struct calibrate_request *request, struct error *err)
{
	if (request->options.quick)
		return error_set(err, EINVAL,
				 "calibrate --check: --quick has no meaning, each load runs as "
				 "long as it did for the profile");
	if (request->options.force)
		return error_set(err, EINVAL,
				 "calibrate --check: --force has no meaning, nothing is written");
	if (request->output && strcmp(request->output, "-") == 0)
		return error_set(err, EINVAL,
				 "calibrate --check: --output names the file of the profile, '-' "
				 "is none");
	return 0;
}

static int parse_options(int argc, char **argv, struct calibrate_request *request,
			 struct error *err)
{
	static const struct option options[] = {
		{"quick", no_argument, NULL, 'q'},	   {"output", required_argument, NULL, 'o'},
		{"scratch", required_argument, NULL, 's'}, {"only", required_argument, NULL, 'O'},
		{"device", required_argument, NULL, 'd'},  {"check", no_argument, NULL, 'c'},
		{"force", no_argument, NULL, 'f'},	   {"json", no_argument, NULL, 'J'},
		{"help", no_argument, NULL, 'h'},	   {0},
	};
	int opt, r = 0;

	while (r == 0 && (opt = options_next(argc, argv, "qo:s:d:cfJh", options)) != -1) {
		switch (opt) {
		case 'q':
			request->options.quick = true;
			break;
		case 'o':
			request->output = optarg;
			break;
		case 's':
			request->options.scratch = optarg;
			break;
		case 'O':
			r = parse_only(optarg, &request->options.what, err);
			break;
		case 'd':
			r = parse_devices(optarg, request, err);
			break;
		case 'c':
			request->check = true;
			break;
		case 'f':
			request->options.force = true;
			break;
		case 'J':
			request->json = true;
			break;
		case 'h':
			print_help();
			exit(EXIT_SUCCESS);
		default:
			exit(EXIT_FAILURE);
		}
	}
	if (r == 0 && argc > optind)
		return error_set(err, EINVAL, "calibrate: '%s' is too much", argv[optind]);
	if (r == 0 && request->check)
		r = refuse_beside_check(request, err);
	return r;
}

/* Where --json alone prints, nothing is written. */
static void choose_output(struct calibrate_request *request)
{
	if (request->output || request->json)
		return;
	request->output = plan_profile_path();
}

/* Before minutes are spent: whether the profile could be written. */
static int check_output(const char *output, struct error *err)
{
	_cleanup_free_ char *copy = NULL;
	const char *directory;

	if (!output || strcmp(output, "-") == 0)
		return 0;
	copy = strdup(output);
	if (!copy)
		return error_oom(err);
	directory = dirname(copy);
	if (strcmp(output, PROFILE_PATH) == 0)
		mkdir(directory, 0755);
	if (access(directory, W_OK) < 0)
		return error_errno(err, errno, "write into '%s'", directory);
	return 0;
}

static void show_bar(const struct calibrate_progress *p)
{
	int filled = (int)(p->done * BAR_WIDTH / (p->total ? p->total : 1));

	fprintf(stderr, "\r\033[K");
	if (!p->what)
		return;
	fprintf(stderr, "[%.*s%.*s] %zu/%zu  %.0f s left  %s", filled, "########################",
		BAR_WIDTH - filled, "........................", p->done, p->total, p->left_s,
		p->what);
	fflush(stderr);
}

static void show_progress(const struct calibrate_progress *progress, void *data)
{
	const bool *terminal = data;

	if (*terminal)
		show_bar(progress);
	else if (progress->what)
		fprintf(stderr, "%zu/%zu, %.0f s left: %s\n", progress->done + 1, progress->total,
			progress->left_s, progress->what);
}

/* One that is not trusted is passed over by all: in place of one that is it would leave them with what is built in. */
static int write_profile(const struct profile *profile, struct calibrate_request *request,
			 struct error *err)
{
	_cleanup_free_ char *text = profile_format(profile);
	bool to_file = request->output && strcmp(request->output, "-") != 0;

	if (!text)
		return error_oom(err);
	if (!to_file || request->json) {
		if (puts(text) == EOF || fflush(stdout) == EOF)
			return error_errno(err, errno, "the profile could not be written");
	}
	request->kept = to_file && !profile->trusted && plan_profile_is_trusted(request->output);
	if (request->kept)
		return 0;
	return to_file ? file_replace_at(AT_FDCWD, request->output, text, 0644, true, err) : 0;
}

static double cost_at(const struct profile_operation *o, enum profile_part part, double units,
		      double bytes)
{
	const struct profile_cost *c = &o->cost[part];

	return c->unit_ns * units + c->byte_ns * bytes + c->wakeup_ns * units +
	       c->asleep_ns * units;
}

/* What one packet or request of the smallest size costs when it comes alone: a figure to look at. */
static void print_operation(const struct profile_operation *o)
{
	double own = cost_at(o, PROFILE_OWN, 1, o->size_least_bytes), behalf = 0;

	for (int part = PROFILE_OWN + 1; part < PROFILE_WORKSPACE_PARTS; part++)
		behalf += cost_at(o, (enum profile_part)part, 1, o->size_least_bytes);
	printf("%-9s %-8s %-8s %8u %8.2f %8.2f %8.2f %7.3f %7.1f%%\n", o->target,
	       profile_mode_name(o->mode), profile_kind_name(o->kind), o->size_least_bytes,
	       own / 1e3, behalf / 1e3, o->fit[PROFILE_PAYER_WORKSPACE].upper,
	       o->fit[PROFILE_PAYER_WORKSPACE].r2,
	       100 * o->fit[PROFILE_PAYER_WORKSPACE].residual_mean);
}

static void print_summary(const struct profile *profile, const struct calibrate_request *request)
{
	printf("%-9s %-8s %-8s %8s %8s %8s %8s %7s %8s\n", "TARGET", "MODE", "KIND", "BYTES",
	       "OWN-US", "BEHALF-US", "UPPER", "R2", "RESIDUAL");
	for (size_t i = 0; i < profile->n_operations; i++)
		print_operation(&profile->operations[i]);
	for (size_t i = 0; i < profile->n_disks; i++) {
		const struct profile_disk *d = &profile->disks[i];

		printf("%s (%s): reads %.0f MB/s, %.0f requests/s; writes %.0f MB/s, %.0f "
		       "requests/s\n",
		       d->name, d->target, (double)d->bytes_per_s[0] / 1e6,
		       (double)d->requests_per_s[0], (double)d->bytes_per_s[1] / 1e6,
		       (double)d->requests_per_s[1]);
	}
	printf("the host's own work: %.4f CPU of %u\n",
	       profile->base.host_cpu_ns / 1e9 * profile->host.cpus, profile->host.cpus);
	printf("measured in %.0f s, %swritten to %s\n", profile->took_s,
	       request->kept ? "not " : "", request->output);
}

static void warn_of_left_out(char **left_out)
{
	for (char **sentence = left_out; sentence && *sentence; sentence++)
		log_warning("%s", *sentence);
}

static int conclude(const struct profile *profile, char **left_out,
		    const struct calibrate_request *request)
{
	warn_of_left_out(left_out);
	if (!request->json && strcmp(request->output, "-") != 0)
		print_summary(profile, request);
	if (profile->distrust && profile->trusted) {
		log_warning("the host was busy: %s; trusted all the same, as --force says",
			    profile->distrust);
		return EXIT_SUCCESS;
	}
	if (request->kept) {
		log_error("what was measured is not to be trusted: %s; '%s' keeps the profile that "
			  "is, calibrate again when the host is quiet, or with --force",
			  profile->distrust, request->output);
		return EXIT_UNTRUSTED;
	}
	if (profile->distrust) {
		log_error("the profile is not to be trusted: %s; calibrate again when the host is "
			  "quiet, or with --force",
			  profile->distrust);
		return EXIT_UNTRUSTED;
	}
	return EXIT_SUCCESS;
}

/* ---- whether it still holds ---- */

static int load_checked(const struct calibrate_request *request, struct plan_profile *profile,
			struct error *err)
{
	int r = plan_profile_load(request->output, profile, err);

	if (r < 0)
		return r;
	if (profile->profile->source == PROFILE_BUILT_IN && !profile->passed_over)
		return error_set(err, ENOENT, "calibrate --check: %s",
				 profile->warning ? profile->warning : "the profile is built in");
	if (profile->warning && !profile->passed_over)
		log_warning("%s", profile->warning);
	return 0;
}

static int measure_check(struct calibrate_request *request, const struct plan_profile *profile,
			 struct check *check, char **busy, char ***left_out, struct error *err)
{
	int r;

	request->options.quick = profile->profile->quick;
	r = calibrate_check(&request->options, profile->profile, check, busy, left_out, err);
	if (r == 0 && stop_signal)
		r = -EINTR;
	if (r < 0)
		return r;
	warn_of_left_out(*left_out);
	if (check->all.loads)
		return 0;
	return error_set(err, ENOENT,
			 "calibrate --check: the profile %s has nothing of what this host has",
			 profile->from);
}

static int run_check(struct calibrate_request *request, int *status, struct error *err)
{
	_cleanup_(plan_profile_clear) struct plan_profile profile = {0};
	_cleanup_strv_ char **left_out = NULL;
	_cleanup_free_ char *busy = NULL;
	struct check_report report;
	struct check check = {0};
	int r = load_checked(request, &profile, err);

	if (r == 0 && !profile.passed_over)
		r = measure_check(request, &profile, &check, &busy, &left_out, err);
	if (r < 0)
		return r;
	report = (struct check_report){
		.check = &check,
		.from = profile.from,
		.not_used = profile.passed_over ? profile.warning : NULL,
		.busy = busy,
		.left_out = left_out,
	};
	check_report_print(&report, request->json);
	if (busy)
		*status = EXIT_BUSY;
	else
		*status = check_report_holds(&report) ? EXIT_SUCCESS : EXIT_UNTRUSTED;
	return 0;
}

static void handle_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int run(struct calibrate_request *request, int *status, struct error *err)
{
	_cleanup_(cleanup_profile) struct profile *profile = NULL;
	_cleanup_strv_ char **left_out = NULL;
	int r;

	choose_output(request);
	r = check_output(request->output, err);
	if (r == 0)
		r = calibrate(&request->options, &profile, &left_out, err);
	if (r == 0 && stop_signal)
		r = -EINTR;
	if (r == 0)
		r = write_profile(profile, request, err);
	if (r == 0)
		*status = conclude(profile, left_out, request);
	return r;
}

int cmd_calibrate(const struct cmd_context *ctx, int argc, char **argv)
{
	bool terminal = isatty(STDERR_FILENO);
	struct calibrate_request request = {
		.options = {.what = SCHEDULE_ALL,
			    .scratch = "/var/tmp",
			    .stop = &stop_signal,
			    .progress = show_progress,
			    .data = &terminal},
	};
	struct error err = {0};
	int status = EXIT_FAILURE, r = parse_options(argc, argv, &request, &err);

	if (r == 0) {
		handle_signals();
		if (request.check)
			r = run_check(&request, &status, &err);
		else
			r = run(&request, &status, &err);
	}
	free(request.device_names);
	if (r < 0 && stop_signal) {
		if (terminal)
			fprintf(stderr, "\n");
		log_error("calibrate: interrupted, nothing was written");
		return 128 + stop_signal;
	}
	if (r < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return status;
}
