// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random mixes of loads, what the planner forecasts for them from a profile, and what the ledger says of them:
 *
 *	mixes PROFILE SEED FIRST COUNT
 *
 * prints a line of JSON for each of the mixes FIRST to FIRST + COUNT - 1 of the sequence that SEED begins. A mix is
 * two to five flows between three workspaces on a bridge, one on another, and a process of the host; some
 * with a disk. Sizes and rates are drawn anew, so none is one that calibration uses but by chance. See bench/plan.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "calibrate/measure.h"
#include "calibrate/operations.h"
#include "calibrate/private_ledger.h"
#include "calibrate/schedule.h"
#include "calibrate/scratch.h"
#include "calibrate/site.h"
#include "calibrate/takes.h"
#include "calibrate/trust.h"
#include "kernel/machine.h"
#include "plan/extrapolate.h"
#include "plan/profile.h"

#define MIXES_MAX 1000
#define FLOWS_MIN 2
#define FLOWS_MAX 5
#define SCRATCH_BYTES (64u << 20)
#define MOST_NS 0.7e9	     /* per CPU: a plan that fits leaves something */
#define DISK_MOST_BYTES 40e6 /* per second and flow */
#define HOST_OWN_NS 0.02e9
#define PROGRAMS_NS 0.005e9 /* of daemons: part of the profile's base */

static volatile int stop_signal;

struct mix {
	struct flow_spec specs[FLOWS_MAX];
	size_t n;
	struct takes takes;
	size_t n_rests;
	double programs[TAKES_MAX]; /* what the host's own programs took right before each */
};

struct forecast {
	double expected, upper;
};

struct forecasts {
	struct forecast workspaces[SITE_WORKSPACES], host;
};

struct bench {
	struct profile *profile;
	uint32_t cpus;
	bool own_ledger;
	struct site *site;
	struct flow_scratch scratch;
	struct scratch_device disk;
	struct measure *measure;
	struct mix mixes[MIXES_MAX];
};

static void on_signal(int number)
{
	stop_signal = number;
}

/* splitmix64: every mix has a sequence of its own, whichever are run */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static double uniform(uint64_t *state)
{
	return (double)(next_random(state) >> 11) / 9007199254740992.0;
}

static double log_uniform(uint64_t *state, double least, double most)
{
	return least * pow(most / least, uniform(state));
}

static void draw_net(uint64_t *state, struct flow_spec *spec)
{
	double kind = uniform(state);

	if (kind < 0.55) {
		spec->kind = FLOW_UDP;
		spec->size_bytes = (uint32_t)log_uniform(state, 22, 1440);
		spec->rate = log_uniform(state, 1000, 40000);
	} else if (kind < 0.9) {
		spec->kind = FLOW_TCP;
		spec->size_bytes = (uint32_t)log_uniform(state, 150, 16000);
		spec->rate = log_uniform(state, 1000, 10000);
	} else {
		spec->kind = FLOW_CONNECT;
		spec->size_bytes = 1;
		spec->rate = log_uniform(state, 300, 2500);
	}
}

/* Between two of A, B and C mostly; else to D, which is reached by routing, or to and from the host. */
static void draw_ends(uint64_t *state, struct flow_spec *spec)
{
	double path = uniform(state);

	spec->from = (enum site_workspace)(SITE_A + next_random(state) % 3);
	spec->path = SITE_BRIDGE;
	spec->to = (enum site_workspace)((spec->from + 1 + next_random(state) % 2) % 3);
	if (path < 0.15) {
		spec->path = SITE_FORWARD;
		spec->to = SITE_D;
	} else if (path < 0.3) {
		spec->path = SITE_LOCAL;
		spec->to = SITE_H;
	}
	if (path >= 0.22 && path < 0.3) {
		spec->to = spec->from;
		spec->from = SITE_H;
	}
}

static void draw_disk(uint64_t *state, struct flow_spec *spec)
{
	double most;

	spec->kind = next_random(state) % 2 ? FLOW_READ : FLOW_WRITE;
	spec->buffered = next_random(state) % 3 == 0;
	spec->sequential = spec->buffered && spec->kind == FLOW_READ;
	spec->size_bytes = 4096 * (uint32_t)log_uniform(state, 1, 32);
	most = fmin(1800, DISK_MOST_BYTES / spec->size_bytes);
	spec->rate = log_uniform(state, 200, most);
	spec->from = spec->to = (enum site_workspace)(SITE_A + next_random(state) % 3);
}

static void add_side(const struct bench *bench, const struct flow_spec *spec, bool receives,
		     struct forecasts *forecasts)
{
	enum site_workspace workspace = receives ? spec->to : spec->from;
	struct measure_flow asked = {.sent = spec->rate};
	struct fit_point at = operations_load(spec, &asked);
	struct extrapolate_load load = {at.units, at.bytes, at.connections};
	const char *target = flow_is_net(spec) ? site_path_name(spec->path) : bench->disk.target;
	const struct profile_operation *operation =
		profile_find(bench->profile, operations_kind(spec, receives), operations_mode(spec),
			     target, NULL);
	struct forecast *to = &forecasts->workspaces[workspace];

	to->expected += (double)extrapolate_expected(operation, PROFILE_PAYER_WORKSPACE, &load);
	to->upper += (double)extrapolate_upper(operation, PROFILE_PAYER_WORKSPACE, &load);
	for (enum profile_payer payer = PROFILE_PAYER_HOST; payer < PROFILE_PAYERS; payer++) {
		forecasts->host.expected += (double)extrapolate_expected(operation, payer, &load);
		forecasts->host.upper += (double)extrapolate_upper(operation, payer, &load);
	}
}

/* A process of the host that talks to a workspace is neither: it is not forecast. */
static bool is_forecast(const struct flow_spec *spec, enum site_workspace workspace)
{
	return !flow_is_net(spec) || spec->path != SITE_LOCAL || workspace != SITE_H;
}

static struct forecasts forecast(const struct bench *bench, const struct flow_spec *specs, size_t n)
{
	struct forecasts forecasts = {0};

	forecasts.host.expected = bench->profile->base.host_cpu_ns * bench->cpus;
	forecasts.host.upper = bench->profile->base.host_cpu_upper_ns * bench->cpus;
	for (size_t i = 0; i < n; i++) {
		if (is_forecast(&specs[i], specs[i].from))
			add_side(bench, &specs[i], false, &forecasts);
		if (flow_is_net(&specs[i]) && is_forecast(&specs[i], specs[i].to))
			add_side(bench, &specs[i], true, &forecasts);
	}
	return forecasts;
}

static double forecast_sum(const struct forecasts *forecasts)
{
	double sum = forecasts->host.expected;

	for (int w = 0; w < SITE_WORKSPACES; w++)
		sum += forecasts->workspaces[w].expected;
	return sum;
}

/* Draws until the mix leaves the CPUs some room. */
static void draw_mix(const struct bench *bench, uint64_t seed, uint64_t number, struct mix *mix)
{
	uint64_t state = seed;
	struct forecasts forecasts;

	/* far from each other: neighbouring states would share most of their numbers */
	state = next_random(&state) ^ (number + 1) * 0x632be59bd9b4e019u;
	state = next_random(&state);

	do {
		memset(mix, 0, sizeof(*mix));
		mix->n = FLOWS_MIN + next_random(&state) % (FLOWS_MAX - FLOWS_MIN + 1);
		for (size_t i = 0; i < mix->n; i++) {
			struct flow_spec *spec = &mix->specs[i];

			if (bench->disk.target[0] && i > 0 && uniform(&state) < 0.25) {
				draw_disk(&state, spec);
			} else {
				draw_net(&state, spec);
				draw_ends(&state, spec);
			}
		}
		forecasts = forecast(bench, mix->specs, mix->n);
	} while (forecast_sum(&forecasts) > MOST_NS * bench->cpus);
}

static int run_mix(struct bench *bench, struct mix *mix, struct error *err)
{
	const struct measure_plan plan = {
		.specs = mix->specs,
		.n_specs = mix->n,
		.settle_ms = 150,
		.window_ms = 150,
		.windows = 5,
	};
	int r = measure_run(bench->measure, &plan, &stop_signal, &mix->takes.figures[mix->takes.n],
			    err);

	if (r == 0)
		mix->takes.n++;
	return r;
}

static void add_figure(struct json_object *array, const char *name, double measured,
		       const struct forecast *forecast)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "name", name);
	json_add_double(o, "measured_ns", measured);
	json_add_double(o, "expected_ns", forecast->expected);
	json_add_double(o, "upper_ns", forecast->upper);
	json_object_array_add(array, o);
}

/* The planner is told what is kept for the host's own programs: here what they took between the mixes. */
static double programs(const struct mix *mix)
{
	double sum = 0;

	for (size_t i = 0; i < mix->n_rests; i++)
		sum += mix->programs[i] / (double)mix->n_rests;
	return sum;
}

static void print_mix(const struct bench *bench, const struct mix *mix, uint64_t number)
{
	static const char *const names[SITE_WORKSPACES] = {"a", "b", "c", "d", "h", "i"};
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct forecasts forecasts = forecast(bench, mix->specs, mix->n);
	struct measure_figures figures;
	struct json_object *array;
	char text[96], line[128];

	measure_median(mix->takes.figures, mix->takes.n, &figures);
	forecasts.host.expected += programs(mix);
	forecasts.host.upper += programs(mix);
	json_add_u64(o, "mix", number);
	array = json_add_array(o, "flows");
	for (size_t i = 0; i < mix->n; i++) {
		const struct flow_spec *spec = &mix->specs[i];

		schedule_describe(spec, text, sizeof(text));
		snprintf(line, sizeof(line), "%s>%s %s", names[spec->from], names[spec->to], text);
		json_object_array_add(array, json_object_new_string(line));
	}
	array = json_add_array(o, "workspaces");
	for (int w = 0; w < SITE_WORKSPACES; w++) {
		if (forecasts.workspaces[w].expected > 0)
			add_figure(array, names[w], measure_charge(&figures.workspaces[w]),
				   &forecasts.workspaces[w]);
	}
	array = json_add_array(o, "host");
	add_figure(array, "host", measure_charge(&figures.host) + figures.unattributed,
		   &forecasts.host);
	json_add_double(o, "foreign_ns", trust_foreign(&figures, HOST_OWN_NS));
	json_add_u64(o, "takes", mix->takes.n);
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
}

/* All once, all again, and those that differ a third time. */
static int run_mixes(struct bench *bench, uint64_t seed, uint64_t first, size_t n,
		     struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < n; i++)
		draw_mix(bench, seed, first + i, &bench->mixes[i]);
	for (size_t i = 0; r == 0 && i < 2 * n; i++)
		r = run_mix(bench, &bench->mixes[i % n], err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct takes *takes = &bench->mixes[i].takes;

		takes_drop_disturbed(takes, HOST_OWN_NS);
		if (!takes_agree(takes, ~0u))
			r = run_mix(bench, &bench->mixes[i], err);
		takes_drop_disturbed(takes, HOST_OWN_NS);
		if (r == 0)
			print_mix(bench, &bench->mixes[i], first + i);
	}
	return r;
}

static int read_profile(const char *path, struct profile **profile, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read_at(AT_FDCWD, path, 16u << 20, &text, &size, err);

	return r < 0 ? r : profile_parse(path, text, size, profile, err);
}

static int set_up(struct bench *bench, const char *profile, struct error *err)
{
	struct machine machine;
	int r = read_profile(profile, &bench->profile, err);

	if (r == 0)
		r = machine_read(&machine, err);
	if (r < 0)
		return r;
	bench->cpus = machine.cpus;
	r = private_ledger_open(&bench->own_ledger, err);
	if (r == 0)
		r = site_open(&bench->site, err);
	if (r == 0)
		r = scratch_open("/var/tmp", SCRATCH_BYTES, &stop_signal, &bench->scratch, err);
	if (r == 0 && scratch_device(&bench->scratch, &bench->disk, NULL) < 0)
		bench->disk.target[0] = '\0';
	if (r == 0)
		r = measure_open(bench->site, &bench->scratch, &bench->measure, err);
	return r;
}

static void tear_down(struct bench *bench)
{
	measure_close(bench->measure);
	scratch_close(&bench->scratch);
	site_close(bench->site, NULL);
	private_ledger_close(bench->own_ledger);
	profile_free(bench->profile);
}

int main(int argc, char **argv)
{
	static struct bench bench = {.scratch = {.direct = -EBADF, .buffered = -EBADF}};
	struct error err = {0};
	size_t n;
	int r;

	if (argc != 5 || (n = strtoul(argv[4], NULL, 10)) < 1 || n > MIXES_MAX) {
		fprintf(stderr, "Usage: mixes PROFILE SEED FIRST COUNT\n");
		return EXIT_FAILURE;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	r = set_up(&bench, argv[1], &err);
	if (r == 0)
		r = run_mixes(&bench, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), n,
			      &err);
	tear_down(&bench);
	if (r < 0)
		fprintf(stderr, "bench/mixes: %s\n", r == -EINTR ? "interrupted" : err.text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
