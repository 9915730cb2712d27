// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In: nothing but the host. Out: a profile. In between, in this order: a ledger, a site, a scratch file; every
 * load of the schedule alone, and between them now and then nothing at all; what the disk can do at most;
 * the fit.
 *
 * Every load is measured with others beside it (schedule_companions), since the coefficients are to be those of
 * a host in use, and three times, at moments far from each other, since what disturbs a measurement
 * (another guest of the same machine, say) need not show in any figure but the cost. All are fitted, and
 * the fit is robust. One that others of this host visibly disturbed does not count if there is another.
 */
#include "calibrate/calibrate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strings.h"
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

#define QUANTILE 0.95
#define SCRATCH_BYTES (64u << 20)
#define RESTS 8 /* moments without a load, spread over the whole */
#define REST_MS 120
#define REST_SHARE 0.02 /* of the CPUs */
#define PASSES 3	/* one alone, two with companions */
#define QUICK_S 50	/* no more third measurements then */
#define FULL_S 480
#define FLAT_OUT 1e7 /* a rate nothing keeps up with */
#define DISK_FLOWS 8 /* requests in flight when it is about what a disk can do */

struct rests {
	struct measure_figures figures[RESTS];
	size_t n;
};

struct run {
	const struct calibrate_options *options;
	bool own_ledger;
	struct site *site;
	struct flow_scratch scratch;
	struct scratch_device disk; /* target "": none */
	struct measure *measure;
	struct schedule schedule;
	struct takes *takes; /* by load */
	struct operations operations;
	struct operations_base base;
	struct rests rest, companions[2];
	struct operations_base companion_base[2]; /* see companion_kind */
	double host_own, host_cpu_upper;
	struct trust trust;
	size_t done, total;
	uint64_t started_ns;
	struct profile *profile;
	char **left_out;
};

static void cleanup_run(struct run *run)
{
	measure_close(run->measure);
	scratch_close(&run->scratch);
	site_close(run->site, NULL);
	private_ledger_close(run->own_ledger);
	schedule_free(&run->schedule);
	free(run->takes);
	operations_free(&run->operations);
	profile_free(run->profile);
	strv_free(run->left_out);
}

static void tell(const struct run *run, const char *what)
{
	double spent_s = (double)(clock_monotonic_ns() - run->started_ns) / 1e9;
	struct calibrate_progress progress = {.done = run->done, .total = run->total, .what = what};

	/* nothing to go by yet: half a second each */
	if (run->done < 3)
		progress.left_s = 0.6 * (double)(run->total - run->done);
	else
		progress.left_s = spent_s / (double)run->done * (double)(run->total - run->done);
	if (run->options->progress)
		run->options->progress(&progress, run->options->data);
}

static int leave_out(struct run *run, const char *what, const char *why)
{
	_cleanup_free_ char *sentence = string_format("%s is left out: %s", what, why);

	return sentence ? strv_append(&run->left_out, sentence) : -ENOMEM;
}

static int open_disk(struct run *run, unsigned int *what, struct error *err)
{
	struct error why = {0};
	int r;

	if (!(*what & SCHEDULE_DISK))
		return 0;
	r = scratch_open(run->options->scratch, SCRATCH_BYTES, run->options->stop, &run->scratch,
			 err);
	if (r < 0)
		return r;
	r = scratch_device(&run->scratch, &run->disk, &why);
	if (r == 0 && run->scratch.direct < 0)
		r = error_set(&why, EOPNOTSUPP, "'%s' has no O_DIRECT", run->options->scratch);
	if (r == 0)
		return 0;
	*what &= ~SCHEDULE_DISK;
	return leave_out(run, "disk", why.text);
}

/* Of WHAT, keeps the paths that are there. */
static int choose_paths(struct run *run, unsigned int *what)
{
	for (enum site_path path = 0; path < SITE_PATHS; path++) {
		const char *why = site_path_missing(run->site, path);
		int r;

		if (!(*what & 1u << path) || !why)
			continue;
		*what &= ~(1u << path);
		r = leave_out(run, site_path_name(path), why);
		if (r < 0)
			return r;
	}
	return 0;
}

static int prepare(struct run *run, struct error *err)
{
	unsigned int what = run->options->what;
	int r = private_ledger_open(&run->own_ledger, err);

	if (r == 0)
		r = site_open(&run->site, err);
	if (r == 0)
		r = open_disk(run, &what, err);
	if (r == 0)
		r = measure_open(run->site, &run->scratch, &run->measure, err);
	if (r == 0 && choose_paths(run, &what) < 0)
		r = error_oom(err);
	if (r == 0 && !what)
		r = error_set(err, EOPNOTSUPP, "nothing can be calibrated: %s", run->left_out[0]);
	if (r == 0 && schedule_make(what, run->options->quick, &run->schedule) < 0)
		r = error_oom(err);
	run->takes = calloc(run->schedule.n + 1, sizeof(*run->takes));
	if (r == 0 && !run->takes)
		r = error_oom(err);
	return r;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile_of(double *values, size_t n, double quantile)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[(size_t)ceil(quantile * (double)(n - 1))];
}

/* The host with nothing going on, for a moment, or with the companions of SPEC alone. */
static int take_rest(struct run *run, const struct flow_spec *spec, struct rests *rests,
		     struct error *err)
{
	struct flow_spec companions[SCHEDULE_COMPANIONS_MAX];
	const struct measure_plan plan = {
		.specs = companions,
		.n_specs = spec ? schedule_companions(spec, run->trust.cpus, companions) : 0,
		.settle_ms = spec ? 60 : 0,
		.window_ms = REST_MS,
		.windows = 1,
	};
	int r;

	tell(run, spec ? "the host with companions" : "the host at rest");
	r = measure_run(run->measure, &plan, run->options->stop, &rests->figures[rests->n], err);
	if (r < 0)
		return r;
	rests->n++;
	run->done++;
	return 0;
}

static struct operations_base settle_base(const struct rests *rests, double *host_upper,
					  double *host_own)
{
	double host[RESTS] = {0}, own[RESTS] = {0}, nobody[RESTS] = {0};
	double least_own = INFINITY;
	struct operations_base base;
	size_t n = 0;

	for (size_t i = 0; i < rests->n; i++)
		least_own = fmin(least_own, rests->figures[i].host.own);
	for (size_t i = 0; i < rests->n; i++) {
		const struct measure_figures *figures = &rests->figures[i];

		/* somebody else was at work then: that is not the host at rest */
		if (trust_is_disturbed(figures, least_own))
			continue;
		host[n] = measure_charge(&figures->host);
		own[n] = figures->host.own;
		nobody[n++] = figures->unattributed;
	}
	if (!n) {
		*host_upper = *host_own = 0;
		return (struct operations_base){0};
	}
	base.host = quantile_of(host, n, 0.5);
	base.unattributed = quantile_of(nobody, n, 0.5);
	*host_upper = quantile_of(host, n, QUANTILE);
	*host_own = quantile_of(own, n, 0.5);
	return base;
}

static void settle_rest(struct run *run)
{
	double upper, own;

	run->base = settle_base(&run->rest, &run->host_cpu_upper, &run->host_own);
	for (int kind = 0; kind < 2; kind++)
		run->companion_base[kind] = settle_base(&run->companions[kind], &upper, &own);
	/* whatever is busy at rest is a stranger: nothing is known of its share yet */
	for (size_t i = 0; i < run->rest.n; i++)
		trust_add(&run->trust, &run->rest.figures[i], 0);
	/* daemons that take more than that at rest are what "busy" means */
	run->host_own = fmin(run->host_own, REST_SHARE * 1e9 * run->trust.cpus);
}

/* Whether its companions are in the host's own network, or on the bridges. */
static int companion_kind(const struct flow_spec *spec)
{
	struct flow_spec companions[SCHEDULE_COMPANIONS_MAX];

	schedule_companions(spec, 1, companions);
	return companions[0].path == SITE_HOST ? 0 : 1;
}

/* Runs LOAD with its companions. */
static int take_load(struct run *run, size_t load, struct error *err)
{
	struct flow_spec specs[1 + SCHEDULE_COMPANIONS_MAX] = {run->schedule.loads[load]};
	const struct measure_plan plan = {
		.specs = specs,
		.n_specs = 1 + schedule_companions(specs, run->trust.cpus, &specs[1]),
		.settle_ms = run->options->quick ? 50 : 150,
		.window_ms = run->options->quick ? 50 : 120,
		.windows = run->options->quick ? 3 : 5,
	};
	struct takes *takes = &run->takes[load];
	char text[96];
	int r;

	schedule_describe(specs, text, sizeof(text));
	tell(run, text);
	r = measure_run(run->measure, &plan, run->options->stop, &takes->figures[takes->n], err);
	if (r < 0)
		return error_prefix(err, "%s", text);
	takes->n++;
	run->done++;
	return 0;
}

static int settle_load(struct run *run, size_t load)
{
	const struct flow_spec *spec = &run->schedule.loads[load];
	struct takes *takes = &run->takes[load];
	struct measure_figures median;
	int r = 0;

	takes_drop_disturbed(takes, run->host_own);
	measure_median(takes->figures, takes->n, &median);
	trust_add(&run->trust, &median, run->host_own);
	for (size_t i = 0; r == 0 && i < takes->n; i++) {
		const struct operations_sample sample = {
			.spec = spec,
			.figures = &takes->figures[i],
			.base = &run->companion_base[companion_kind(spec)],
			.disk = run->disk.target,
		};

		r = operations_add(&run->operations, &sample);
	}
	return r;
}

/* Rests between the loads, so that all of them are of the same time. */
static int take_rests(struct run *run, size_t step, struct error *err)
{
	int r = 0;

	if (step * RESTS / (PASSES * run->schedule.n) < run->rest.n)
		return 0;
	r = take_rest(run, NULL, &run->rest, err);
	for (int kind = 0; r == 0 && kind < 2; kind++) {
		const struct flow_spec like = {.path = kind ? SITE_HOST : SITE_BRIDGE};

		r = take_rest(run, &like, &run->companions[kind], err);
	}
	return r;
}

static int measure_loads(struct run *run, struct error *err)
{
	size_t n = run->schedule.n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < PASSES * n; i++) {
		r = take_rests(run, i, err);
		if (r == 0)
			r = take_load(run, i % n, err);
	}
	if (r == 0)
		settle_rest(run);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (settle_load(run, i) < 0)
			r = error_oom(err);
	}
	return r;
}

static int measure_disk_rate(struct run *run, enum flow_kind kind, uint32_t size_bytes,
			     struct measure_flow *sum, struct error *err)
{
	struct flow_spec specs[DISK_FLOWS];
	const struct measure_plan plan = {
		.specs = specs,
		.n_specs = DISK_FLOWS,
		.settle_ms = 50,
		.window_ms = run->options->quick ? 300 : 1000,
		.windows = 1,
	};
	struct measure_figures figures;
	int r;

	for (size_t i = 0; i < DISK_FLOWS; i++)
		specs[i] = (struct flow_spec){
			.kind = kind, .from = SITE_A, .size_bytes = size_bytes, .rate = FLAT_OUT};
	tell(run, "what the disk can do");
	r = measure_run(run->measure, &plan, run->options->stop, &figures, err);
	if (r < 0)
		return r;
	run->done++;
	*sum = (struct measure_flow){0};
	for (size_t i = 0; i < DISK_FLOWS; i++) {
		sum->sent += figures.flows[i].sent;
		sum->sent_bytes += figures.flows[i].sent_bytes;
	}
	return 0;
}

static int measure_disk(struct run *run, struct error *err)
{
	struct profile_disk *disk = profile_add_disk(run->profile);

	if (!disk)
		return error_oom(err);
	snprintf(disk->target, sizeof(disk->target), "%s", run->disk.target);
	snprintf(disk->name, sizeof(disk->name), "%s", run->disk.name);
	for (int access = 0; access < 2; access++) {
		enum flow_kind kind = access == 0 ? FLOW_READ : FLOW_WRITE;
		struct measure_flow flow;
		int r = measure_disk_rate(run, kind, 4096, &flow, err);

		if (r < 0)
			return r;
		disk->requests_per_s[access] = (uint64_t)flow.sent;
		r = measure_disk_rate(run, kind, 1u << 20, &flow, err);
		if (r < 0)
			return r;
		disk->bytes_per_s[access] = (uint64_t)flow.sent_bytes;
	}
	return 0;
}

static int describe_host(struct run *run, struct error *err)
{
	struct profile *profile = run->profile;
	struct machine machine;
	int r = machine_read(&machine, err);

	if (r < 0)
		return r;
	profile->source = PROFILE_CALIBRATED;
	profile->created_s = time(NULL);
	profile->quick = run->options->quick;
	profile->quantile = QUANTILE;
	snprintf(profile->version, sizeof(profile->version), "%s", BEHALF_VERSION);
	snprintf(profile->host.name, sizeof(profile->host.name), "%s", machine.name);
	snprintf(profile->host.kernel, sizeof(profile->host.kernel), "%s", machine.kernel);
	snprintf(profile->host.cpu_model, sizeof(profile->host.cpu_model), "%s", machine.cpu_model);
	profile->host.cpus = machine.cpus;
	run->trust.cpus = machine.cpus;
	return 0;
}

/* What the host is charged for SPEC, both sides of it; negative where that was not measured. */
static double host_charge(const struct profile *profile, const struct flow_spec *spec)
{
	const struct measure_flow asked = {.sent = spec->rate};
	const struct fit_point at = operations_load(spec, &asked);
	const struct extrapolate_load load = {at.units, at.bytes, at.connections};
	double sum = 0;

	for (int receives = 0; receives < 2; receives++) {
		bool borrowed;
		const struct profile_operation *o =
			profile_find(profile, operations_kind(spec, receives),
				     operations_mode(spec), site_path_name(spec->path), &borrowed);

		if (borrowed)
			return -1;
		sum += (double)extrapolate_expected(o, PROFILE_PAYER_HOST, &load);
	}
	return sum;
}

/*
 * What the host does on a host in use, whoever uses it: with companions, but without what is due to them. At
 * rest it has less to do, since CPUs that sleep have no ticks.
 */
static double base_in_use(const struct run *run)
{
	const struct flow_spec like = {.path = SITE_BRIDGE};
	struct flow_spec companions[SCHEDULE_COMPANIONS_MAX];
	size_t n = schedule_companions(&like, run->trust.cpus, companions);
	double base = run->companion_base[0].host;

	for (size_t i = 0; i < n; i++) {
		double charge = host_charge(run->profile, &companions[i]);

		if (charge < 0)
			return run->base.host;
		base -= charge;
	}
	return fmax(base, run->base.host);
}

static int conclude(struct run *run, struct error *err)
{
	struct profile *profile = run->profile;
	char why[200];
	double base;

	profile->took_s = (double)(clock_monotonic_ns() - run->started_ns) / 1e9;
	profile->trusted = true;
	if (trust_is_lost(&run->trust, why, sizeof(why))) {
		profile->trusted = run->options->force;
		profile->distrust = strdup(why);
		if (!profile->distrust)
			return error_oom(err);
	}
	if (operations_fit(&run->operations, profile) < 0)
		return error_oom(err);
	base = base_in_use(run);
	profile->base.host_cpu_ns = base / profile->host.cpus;
	profile->base.host_cpu_upper_ns =
		(base + run->host_cpu_upper - run->base.host) / profile->host.cpus;
	return 0;
}

static int measure_all(struct run *run, struct error *err)
{
	int r;

	run->profile = profile_new();
	if (!run->profile)
		return error_oom(err);
	r = describe_host(run, err);
	if (r == 0)
		r = measure_loads(run, err);
	if (r == 0 && run->disk.target[0])
		r = measure_disk(run, err);
	if (r == 0)
		r = conclude(run, err);
	return r;
}

int calibrate(const struct calibrate_options *options, struct profile **profile, char ***left_out,
	      struct error *err)
{
	_cleanup_(cleanup_run) struct run run = {
		.options = options,
		.scratch = {.direct = -EBADF, .buffered = -EBADF},
		.started_ns = clock_monotonic_ns(),
	};
	int r = prepare(&run, err);

	if (r < 0)
		return r;
	run.total = PASSES * run.schedule.n + 3 * RESTS + (run.disk.target[0] ? 4 : 0);
	r = measure_all(&run, err);
	if (r < 0)
		return r;
	tell(&run, NULL);
	r = site_close(take_ptr(run.site), err);
	if (r < 0)
		return error_prefix(err, "after the calibration");
	*profile = take_ptr(run.profile);
	*left_out = take_ptr(run.left_out);
	return 0;
}
