// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random mixes of loads, what the planner forecasts for them from a profile, and what the ledger says of them:
 *
 *	mixes PROFILE SEED FIRST COUNT TAKES MS
 *
 * prints a line of JSON for each of the mixes FIRST to FIRST + COUNT - 1 of the sequence that SEED begins. A mix is
 * two to five flows between three workspaces on a bridge, one on another, and a process of the host; some
 * with a disk. Sizes and rates are drawn anew, so none is one that calibration uses but by chance. Each is run TAKES
 * times for MS, all of them once before any is run again, with new processes: the scheduler places them anew, and what
 * this machine's neighbours do is spread over all mixes. The host's base is that of `behalf plan` where a ledger runs: what
 * was counted of the host in the last two measured minutes before each take, whatever ran then (plan/lately.h); nothing of the
 * take itself is in its forecast. Between them, and for a minute before the first, are rounds of the calibration's own loads, a line
 * each as well: {"check": number, "measured_ns", "expected_ns"}, of all workspaces. See bench/plan.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "calibrate/check.h"
#include "calibrate/measure.h"
#include "calibrate/operations.h"
#include "calibrate/private_ledger.h"
#include "calibrate/schedule.h"
#include "calibrate/scratch.h"
#include "calibrate/site.h"
#include "calibrate/trust.h"
#include "kernel/machine.h"
#include "plan/extrapolate.h"
#include "plan/lately.h"
#include "plan/profile.h"
#include "random.h"

#define MIXES_MAX 200
#define FLOWS_MIN 2
#define FLOWS_MAX 5
#define SCRATCH_BYTES (64u << 20)
#define MOST_NS 0.7e9	     /* per CPU: a plan that fits leaves something */
#define DISK_MOST_BYTES 40e6 /* per second and flow */
#define TAKES_MAX 20
#define SETTLE_MS 600
#define TAKE_MS_MOST 60000
#define CHECK_EVERY 4 /* mixes; as in a calibration: */
#define CHECK_SETTLE_MS 600
#define CHECK_MS 900
/* Until something is known of the host's base, and what a calibration leaves to be done has been done. */
#define WARM_NS 60000000000ull
#define RUNS_MAX (MIXES_MAX * TAKES_MAX * 2)

static volatile int stop_signal;

struct mix {
	struct flow_spec specs[FLOWS_MAX];
	size_t n;
	struct measure_figures takes[TAKES_MAX];
	struct profile_base bases[TAKES_MAX]; /* as known before each */
	double at_s[TAKES_MAX];		      /* when each was */
	size_t n_takes;
};

/* What ran from one mark to the next, and what it was forecast to cost the host, in ns per second. */
struct past_run {
	uint64_t from_ns, to_ns;
	struct lately_promised host;
};

/* By part, and times the upper quantile of each payer in all. */
struct forecast {
	double parts[PROFILE_PARTS], upper;
};

struct forecasts {
	struct forecast workspaces[SITE_WORKSPACES], host;
	double host_threads; /* of the host's, for connections */
};

struct bench {
	struct profile *profile;
	uint32_t cpus;
	bool own_ledger;
	struct site *site;
	struct flow_scratch scratch;
	struct scratch_device disk;
	struct measure *measure;
	unsigned int take_ms;
	struct schedule schedule;
	size_t checks;
	struct lately_mark host; /* what was counted of it in all runs so far */
	struct lately_marks marks;
	struct past_run past[RUNS_MAX];
	size_t n_past;
	struct mix mixes[MIXES_MAX];
};

static void on_signal(int number)
{
	stop_signal = number;
}

static void draw_net(uint64_t *state, struct flow_spec *spec)
{
	double kind = random_uniform(state);

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
	double path = random_uniform(state);

	spec->from = (enum site_workspace)(SITE_A + random_next(state) % 3);
	spec->path = SITE_BRIDGE;
	spec->to = (enum site_workspace)((spec->from + 1 + random_next(state) % 2) % 3);
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

	spec->kind = random_next(state) % 2 ? FLOW_READ : FLOW_WRITE;
	spec->buffered = random_next(state) % 3 == 0;
	spec->sequential = spec->buffered && spec->kind == FLOW_READ;
	spec->size_bytes = 4096 * (uint32_t)log_uniform(state, 1, 32);
	most = fmin(1800, DISK_MOST_BYTES / spec->size_bytes);
	spec->rate = log_uniform(state, 200, most);
	spec->from = spec->to = (enum site_workspace)(SITE_A + random_next(state) % 3);
}

static void add_side(const struct bench *bench, const struct flow_spec *spec, bool receives,
		     const struct extrapolate_load *host, struct forecasts *forecasts)
{
	enum site_workspace workspace = receives ? spec->to : spec->from;
	struct measure_flow asked = {.sent = spec->rate};
	struct fit_point at = operations_load(spec, &asked);
	const struct extrapolate_load worst = {at.units, at.bytes, at.connections, 0, 0, 0};
	const struct extrapolate_load load = {at.units,	     at.bytes,	 at.connections,
					      host->company, host->busy, host->all_connections};
	const char *target = flow_is_net(spec) ? site_path_name(spec->path) : bench->disk.target;
	const struct profile_operation *operation =
		profile_find(bench->profile, operations_kind(spec, receives), operations_mode(spec),
			     target, NULL);

	forecasts->host_threads += (double)extrapolate_threads(operation, &load);
	for (enum profile_part part = 0; part < PROFILE_PARTS; part++) {
		bool own = extrapolate_payer_of(part) == PROFILE_PAYER_WORKSPACE;
		struct forecast *to = own ? &forecasts->workspaces[workspace] : &forecasts->host;

		to->parts[part] += (double)extrapolate_part(operation, part, &load);
		to->upper += (double)extrapolate_upper_part(operation, part, &worst);
	}
}

static double expected(const struct forecast *forecast)
{
	double sum = 0;

	for (int part = 0; part < PROFILE_PARTS; part++)
		sum += forecast->parts[part];
	return sum;
}

/* With the part BUSY of the CPUs in use; 0: as many as while the profile was measured. */
static struct forecasts forecast_at(const struct bench *bench, const struct profile_base *base,
				    const struct flow_spec *specs, size_t n, double busy)
{
	struct forecasts forecasts = {0};
	struct extrapolate_load host = {.busy = busy};

	for (size_t i = 0; i < n; i++) {
		host.company += fmin(specs[i].rate, 1e9 / FLOW_TICK_NS);
		if (specs[i].kind == FLOW_CONNECT)
			host.all_connections += specs[i].rate;
	}
	/* its threads are its own, as in what is measured */
	forecasts.host.parts[PROFILE_OWN] = base->threads_cpu_ns * bench->cpus;
	forecasts.host.parts[PROFILE_HOST] =
		(base->host_cpu_ns - base->threads_cpu_ns) * bench->cpus;
	forecasts.host.upper = base->host_cpu_upper_ns * bench->cpus;
	for (size_t i = 0; i < n; i++) {
		if (operations_is_workspace(&specs[i], specs[i].from))
			add_side(bench, &specs[i], false, &host, &forecasts);
		if (flow_is_net(&specs[i]) && operations_is_workspace(&specs[i], specs[i].to))
			add_side(bench, &specs[i], true, &host, &forecasts);
	}
	return forecasts;
}

static double forecast_sum(const struct forecasts *forecasts)
{
	double sum = expected(&forecasts->host);

	for (int w = 0; w < SITE_WORKSPACES; w++)
		sum += expected(&forecasts->workspaces[w]);
	return sum;
}

/*
 * As plan/plan.c has it: how busy a host is with them is forecast, too. Beside PROGRAMS, in ns/s, which
 * nobody promised, and what they cost the host: as `behalf plan` has it of host.cpu.
 */
static struct forecasts forecast(const struct bench *bench, const struct profile_base *base,
				 const struct flow_spec *specs, size_t n, double programs)
{
	double beside = bench->profile->base.programs_share * programs;
	struct forecasts forecasts = forecast_at(bench, base, specs, n, 0);
	double busy = (forecast_sum(&forecasts) + programs + beside) / (1e9 * bench->cpus);

	forecasts = forecast_at(bench, base, specs, n, fmin(1, busy));
	forecasts.host.parts[PROFILE_HOST] += beside;
	forecasts.host.upper += beside;
	return forecasts;
}

/* Draws until the mix leaves the CPUs some room. */
static void draw_mix(const struct bench *bench, uint64_t seed, uint64_t number, struct mix *mix)
{
	uint64_t state = seed;
	struct forecasts forecasts;

	/* far from each other: neighbouring states would share most of their numbers */
	state = random_next(&state) ^ (number + 1) * 0x632be59bd9b4e019u;
	state = random_next(&state);

	do {
		memset(mix, 0, sizeof(*mix));
		mix->n = FLOWS_MIN + random_next(&state) % (FLOWS_MAX - FLOWS_MIN + 1);
		for (size_t i = 0; i < mix->n; i++) {
			struct flow_spec *spec = &mix->specs[i];

			if (bench->disk.target[0] && i > 0 && random_uniform(&state) < 0.25) {
				draw_disk(&state, spec);
			} else {
				draw_net(&state, spec);
				draw_ends(&state, spec);
			}
		}
		forecasts = forecast(bench, &bench->profile->base, mix->specs, mix->n, 0);
	} while (forecast_sum(&forecasts) > MOST_NS * bench->cpus);
}

/* ---- the host's base ---- */

static uint64_t in_all(double ns_per_s, double seconds)
{
	return (uint64_t)(ns_per_s * seconds);
}

/*
 * As whoever runs a ledger would have it noted, but of the measured time alone, as if nothing had been between: starting and
 * ending processes costs the host, too, and is in no figure that a forecast is set against.
 */
static void add_mark(struct bench *bench, const struct measure_figures *figures)
{
	struct lately_mark *host = &bench->host;
	double behalf = measure_behalf(&figures->host);
	double work = figures->host.behalf[WIRE_WORK] + figures->host.behalf[WIRE_WRITEBACK];

	host->at_ns += in_all(1e9, figures->wall_s);
	host->threads_ns += in_all(figures->host.own, figures->wall_s);
	host->own_ns = host->threads_ns;
	host->work_ns += in_all(work, figures->wall_s);
	host->rest_ns += in_all(behalf - work, figures->wall_s);
	lately_add(&bench->marks, host);
}

/* What was promised in the time that LATELY is of, per second of it. */
static struct lately_promised promised_then(const struct bench *bench, const struct lately *lately)
{
	double ns = (double)(lately->to_ns - lately->from_ns);
	struct lately_promised promised = {0};

	for (size_t i = 0; i < bench->n_past; i++) {
		const struct past_run *run = &bench->past[i];
		double share = (double)(run->to_ns - run->from_ns) / ns;

		if (run->from_ns < lately->from_ns || run->to_ns > lately->to_ns)
			continue;
		promised.all_ns += run->host.all_ns * share;
		promised.threads_ns += run->host.threads_ns * share;
		promised.programs_ns += run->host.programs_ns * share;
	}
	return promised;
}

static struct profile_base base_now(const struct bench *bench)
{
	struct profile_base base = bench->profile->base;
	struct lately_promised promised;
	struct lately lately;

	if (!lately_measure(&bench->marks, bench->host.at_ns, &lately))
		return base;
	promised = promised_then(bench, &lately);
	lately_set_base(&lately, &promised, bench->cpus, &base);
	return base;
}

static int run_noted(struct bench *bench, const struct measure_plan *plan,
		     struct measure_figures *figures, struct error *err)
{
	static const struct profile_base nothing;
	struct forecasts forecasts = forecast(bench, &nothing, plan->specs, plan->n_specs, 0);
	struct past_run *run = &bench->past[bench->n_past];
	int r;

	if (bench->n_past == RUNS_MAX)
		return error_set(err, E2BIG, "more than %d runs", RUNS_MAX);
	r = measure_run(bench->measure, plan, &stop_signal, figures, err);
	if (r < 0)
		return r;
	run->from_ns = bench->host.at_ns;
	run->host = (struct lately_promised){.all_ns = forecasts.host.parts[PROFILE_HOST],
					     .threads_ns = forecasts.host_threads,
					     .programs_ns = trust_foreign(figures)};
	add_mark(bench, figures);
	run->to_ns = bench->host.at_ns;
	bench->n_past++;
	return 0;
}

static int run_mix(struct bench *bench, struct mix *mix, struct error *err)
{
	const struct measure_plan plan = {
		.specs = mix->specs,
		.n_specs = mix->n,
		.settle_ms = SETTLE_MS,
		.window_ms = bench->take_ms,
		.windows = 1,
	};
	int r;

	mix->bases[mix->n_takes] = base_now(bench);
	mix->at_s[mix->n_takes] = (double)clock_monotonic_ns() / 1e9;
	r = run_noted(bench, &plan, &mix->takes[mix->n_takes], err);
	if (r == 0)
		mix->n_takes++;
	return r;
}

/* Those that others of this host disturbed go, as long as some are left. */
static void drop_disturbed(struct mix *mix)
{
	size_t kept = 0;

	for (size_t i = 0; i < mix->n_takes; i++) {
		if (kept + mix->n_takes - i > 2 && trust_is_disturbed(&mix->takes[i]))
			continue;
		mix->bases[kept] = mix->bases[i];
		mix->at_s[kept] = mix->at_s[i];
		mix->takes[kept++] = mix->takes[i];
	}
	mix->n_takes = kept;
}

/* What is measured of one: a workspace, or (WORKSPACE SITE_WORKSPACES) the host, with nobody. */
static double take_parts(const struct measure_figures *take, int workspace, double *parts)
{
	bool host = workspace == SITE_WORKSPACES;
	const struct measure_charge *charge = host ? &take->host : &take->workspaces[workspace];

	operations_parts(charge, parts);
	if (host)
		parts[PROFILE_UNATTRIBUTED] = take->unattributed;
	return measure_charge(charge) + (host ? take->unattributed : 0);
}

/* Named as in a profile; what the host is charged is one part there, and its classes are for those who look. */
static void add_parts(struct json_object *o, const struct mix *mix, int workspace,
		      const struct forecast *forecast)
{
	struct json_object *measured = json_object_new_object();
	struct json_object *forecasts = json_object_new_object();
	double parts[PROFILE_PARTS], means[PROFILE_PARTS] = {0};

	for (size_t i = 0; i < mix->n_takes; i++) {
		take_parts(&mix->takes[i], workspace, parts);
		for (int part = 0; part < PROFILE_PARTS; part++)
			means[part] += parts[part] / (double)mix->n_takes;
	}
	for (enum profile_part part = 0; part < PROFILE_PARTS; part++) {
		if (means[part] > 0)
			json_add_double(measured, profile_part_name(part), means[part]);
		if (forecast->parts[part] > 0)
			json_add_double(forecasts, profile_part_name(part), forecast->parts[part]);
	}
	json_object_object_add(o, "measured_parts_ns", measured);
	json_object_object_add(o, "expected_parts_ns", forecasts);
}

static void add_figure(struct json_object *array, const char *name, const struct mix *mix,
		       int workspace, const struct forecast *forecast)
{
	struct json_object *o = json_object_new_object(), *takes;
	double parts[PROFILE_PARTS];

	json_add_string(o, "name", name);
	takes = json_add_array(o, "takes_ns");
	for (size_t i = 0; i < mix->n_takes; i++)
		json_object_array_add(takes, json_object_new_double(
						     take_parts(&mix->takes[i], workspace, parts)));
	json_add_double(o, "expected_ns", expected(forecast));
	json_add_double(o, "upper_ns", forecast->upper);
	add_parts(o, mix, workspace, forecast);
	json_object_array_add(array, o);
}

static void add_flows(struct json_object *array, const struct mix *mix)
{
	static const char names[SITE_WORKSPACES + 1] = "abcdeohijk";

	for (size_t i = 0; i < mix->n; i++) {
		const struct flow_spec *spec = &mix->specs[i];
		char text[96], line[128];

		schedule_describe(spec, text, sizeof(text));
		snprintf(line, sizeof(line), "%c>%c %s", names[spec->from], names[spec->to], text);
		json_object_array_add(array, json_object_new_string(line));
	}
}

/* Of each take, what may tell why it was as it was. */
static void add_takes(struct json_object *array, const struct mix *mix)
{
	for (size_t i = 0; i < mix->n_takes; i++) {
		const struct measure_figures *take = &mix->takes[i];
		struct json_object *o = json_object_new_object();

		json_add_double(o, "at_s", mix->at_s[i]);
		json_add_double(o, "programs_ns", trust_foreign(take));
		json_add_double(o, "stolen_ns", take->stolen);
		json_add_double(o, "threads_ns",
				take->host.own + take->host.behalf[WIRE_WORK] +
					take->host.behalf[WIRE_WRITEBACK]);
		json_add_double(o, "rcu_ns", take->rcu);
		json_object_array_add(array, o);
	}
}

/* The mean of what was known before each take. */
static struct profile_base base_of(const struct mix *mix)
{
	struct profile_base mean = {0};

	for (size_t i = 0; i < mix->n_takes; i++) {
		mean.host_cpu_ns += mix->bases[i].host_cpu_ns / (double)mix->n_takes;
		mean.threads_cpu_ns += mix->bases[i].threads_cpu_ns / (double)mix->n_takes;
		mean.host_cpu_upper_ns += mix->bases[i].host_cpu_upper_ns / (double)mix->n_takes;
	}
	return mean;
}

static void print_mix(const struct bench *bench, const struct mix *mix, uint64_t number)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct profile_base base = base_of(mix);
	struct forecasts forecasts;
	struct json_object *array;
	double programs = 0;

	for (size_t i = 0; i < mix->n_takes; i++)
		programs += trust_foreign(&mix->takes[i]) / (double)mix->n_takes;
	forecasts = forecast(bench, &base, mix->specs, mix->n, programs);

	json_add_u64(o, "mix", number);
	add_flows(json_add_array(o, "flows"), mix);
	add_takes(json_add_array(o, "takes"), mix);
	array = json_add_array(o, "workspaces");
	for (int w = 0; w < SITE_WORKSPACES; w++) {
		const char name[2] = {"abcdeohijk"[w]};

		if (expected(&forecasts.workspaces[w]) > 0)
			add_figure(array, name, mix, w, &forecasts.workspaces[w]);
	}
	array = json_add_array(o, "host");
	add_figure(array, "host", mix, SITE_WORKSPACES, &forecasts.host);
	/* what would be expected of it without looking */
	json_add_double(json_object_array_get_idx(array, 0), "profile_expected_ns",
			expected(&forecasts.host) +
				(bench->profile->base.host_cpu_ns - base.host_cpu_ns) *
					bench->cpus);
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
}

/* ---- what the calibration's own loads cost now ---- */

/*
 * One round of the calibration, which the profile was fitted to: what its loads cost now beside what they did then tells
 * how far this host has moved since. One that only warms up is not TOLD: it is of before.
 */
static int run_check(struct bench *bench, bool told, struct error *err)
{
	const struct schedule_round *round =
		&bench->schedule.rounds[bench->checks++ % bench->schedule.n];
	const struct measure_plan plan = {
		.specs = round->specs,
		.n_specs = round->n,
		.settle_ms = CHECK_SETTLE_MS,
		.window_ms = CHECK_MS,
		.windows = 1,
	};
	struct measure_figures figures;
	const struct operations_sample sample = {
		.specs = round->specs,
		.n = round->n,
		.figures = &figures,
		.disk = bench->disk.target,
	};
	struct check check = {0};
	int r;

	r = run_noted(bench, &plan, &figures, err);
	if (r < 0 || trust_is_disturbed(&figures))
		return r;
	check_add(&check, bench->profile, SCHEDULE_ALL, &sample);
	if (told && check.all.loads)
		printf("{\"check\":%zu,\"at_s\":%.1f,\"measured_ns\":%.0f,\"expected_ns\":%.0f}\n",
		       bench->checks - 1, (double)clock_monotonic_ns() / 1e9, check.all.measured_ns,
		       check.all.expected_ns);
	return 0;
}

/* ---- the run ---- */

/* Each once, in another order every time: what comes back every second is not to hit the same ones. */
static int run_pass(struct bench *bench, size_t n, uint64_t *state, struct error *err)
{
	size_t order[MIXES_MAX] = {0};
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		size_t other = random_next(state) % (i + 1);

		order[i] = order[other];
		order[other] = i;
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = run_mix(bench, &bench->mixes[order[i]], err);
		if (r == 0 && i % CHECK_EVERY == 0)
			r = run_check(bench, true, err);
	}
	return r;
}

static int run_mixes(struct bench *bench, uint64_t seed, uint64_t first, size_t n, size_t takes,
		     struct error *err)
{
	uint64_t state = seed;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		draw_mix(bench, seed, first + i, &bench->mixes[i]);
	lately_add(&bench->marks, &bench->host);
	for (uint64_t until_ns = clock_monotonic_ns() + WARM_NS;
	     r == 0 && clock_monotonic_ns() < until_ns;)
		r = run_check(bench, false, err);
	for (size_t take = 0; r == 0 && take < takes; take++)
		r = run_pass(bench, n, &state, err);
	/* what was measured is not lost when it is interrupted */
	for (size_t i = 0; i < n; i++) {
		drop_disturbed(&bench->mixes[i]);
		if (bench->mixes[i].n_takes)
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
	static const struct schedule_silence silence;
	struct machine machine;
	int r = read_profile(profile, &bench->profile, err);

	if (r == 0)
		r = machine_read(&machine, err);
	if (r < 0)
		return r;
	bench->cpus = machine.cpus;
	r = private_ledger_open(&bench->own_ledger, err);
	if (r == 0)
		r = site_open(NULL, &bench->site, err);
	if (r == 0)
		r = scratch_open("/var/tmp", SCRATCH_BYTES, &stop_signal, &bench->scratch, err);
	if (r == 0 && scratch_device(&bench->scratch, &bench->disk, NULL) < 0)
		bench->disk.target[0] = '\0';
	if (r == 0)
		r = measure_open(bench->site, &bench->scratch, &bench->measure, err);
	if (r == 0 && schedule_make(SCHEDULE_ALL, false, &silence, &bench->schedule) < 0)
		r = error_oom(err);
	return r;
}

static void tear_down(struct bench *bench)
{
	measure_close(bench->measure);
	schedule_free(&bench->schedule);
	scratch_close(&bench->scratch);
	site_close(bench->site, NULL);
	private_ledger_close(bench->own_ledger);
	profile_free(bench->profile);
}

int main(int argc, char **argv)
{
	static struct bench bench = {.scratch = {.direct = -EBADF, .buffered = -EBADF}};
	struct error err = {0};
	size_t n, takes, ms;
	int r;

	if (argc != 7 || (n = strtoul(argv[4], NULL, 10)) < 1 || n > MIXES_MAX ||
	    (takes = strtoul(argv[5], NULL, 10)) < 1 || takes > TAKES_MAX ||
	    (ms = strtoul(argv[6], NULL, 10)) < 1 || ms > TAKE_MS_MOST) {
		fprintf(stderr, "Usage: mixes PROFILE SEED FIRST COUNT TAKES MS\n");
		return EXIT_FAILURE;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	bench.take_ms = (unsigned int)ms;
	r = set_up(&bench, argv[1], &err);
	if (r == 0)
		r = run_mixes(&bench, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), n,
			      takes, &err);
	tear_down(&bench);
	if (r < 0)
		fprintf(stderr, "bench/mixes: %s\n", r == -EINTR ? "interrupted" : err.text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
