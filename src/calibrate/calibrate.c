// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In: nothing but the host. Out: a profile. In between, in this order: a ledger, a site, a scratch file; the
 * rounds of the schedule; what the disk can do at most; the fit.
 *
 * Every load is measured with others beside it, since the coefficients are to be those of a host in use, and
 * several times, at moments far from each other, since what disturbs a measurement (another guest of the
 * same machine, say) need not show in any figure but the cost. All are fitted, and the fit is robust. Rounds that
 * others of this host visibly disturbed are measured again, if they are few.
 */
#include "calibrate/calibrate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strings.h"
#include "calibrate/check.h"
#include "calibrate/measure.h"
#include "calibrate/operations.h"
#include "calibrate/private_ledger.h"
#include "calibrate/reach.h"
#include "calibrate/schedule.h"
#include "calibrate/scratch.h"
#include "calibrate/site.h"
#include "calibrate/trust.h"
#include "kernel/machine.h"

#define QUANTILE 0.95
#define SCRATCH_BYTES (64u << 20)
/*
 * Until then the kernel clears up after the processes of the round before. New ones cost more than those that have run
 * for a while, on the CPUs where the scheduler has put them by then: as measured with the same loads, 4% more in the
 * quarter of a second after a tenth, 1% more in the two seconds after it. What is promised is for longer. The host's
 * timers took 2.97 ms/s from three to six tenths of a second after, and 2.44 to 2.52 in any such time of the two seconds
 * after that.
 */
#define SETTLE_MS 600
#define WINDOW_MS 900
#define QUICK_SETTLE_MS 110
#define QUICK_WINDOW_MS 160
#define CHECK_ROUNDS 8
#define AGAIN_SHARE 5 /* one of so many rounds at most is measured again */
#define FLAT_OUT 1e7  /* a rate nothing keeps up with */
#define DISK_FLOWS 8  /* requests in flight when it is about what a disk can do */

struct run {
	const struct calibrate_options *options;
	bool own_ledger;
	struct site *site;
	struct flow_scratch scratch;
	struct scratch_device disk; /* target "": none */
	struct measure *measure;
	struct schedule schedule;
	struct measure_figures *figures; /* by round */
	struct operations operations;
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
	free(run->figures);
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
		progress.left_s = 0.5 * (double)(run->total - run->done);
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

/* Of WHAT, keeps the paths that are there and carry something. */
static int choose_paths(struct run *run, unsigned int *what, struct schedule_silence *silence)
{
	const struct reach_wish wish = {
		.what = *what,
		.real_devices = run->options->devices,
		.stop = run->options->stop,
	};
	int r = reach_find(run->measure, run->site, &wish, silence, &run->left_out);

	for (enum site_path path = 0; r == 0 && path < SITE_PATHS; path++) {
		const char *why = site_path_missing(run->site, path);

		if (!(*what & 1u << path) || !why)
			continue;
		*what &= ~(1u << path);
		r = leave_out(run, site_path_name(path), why);
	}
	return r;
}

static int prepare(struct run *run, struct error *err)
{
	unsigned int what = run->options->what;
	struct schedule_silence silence;
	int r = private_ledger_open(&run->own_ledger, err);

	if (r == 0)
		r = site_open(run->options->devices, &run->site, err);
	if (r == 0)
		r = open_disk(run, &what, err);
	if (r == 0)
		r = measure_open(run->site, &run->scratch, &run->measure, err);
	if (r == 0)
		r = choose_paths(run, &what, &silence);
	if (r == -ENOMEM)
		error_oom(err);
	if (r == 0 && !what)
		r = error_set(err, EOPNOTSUPP, "nothing can be calibrated: %s", run->left_out[0]);
	if (r == 0 && schedule_make(what, run->options->quick, &silence, &run->schedule) < 0)
		r = error_oom(err);
	run->figures = calloc(run->schedule.n + 1, sizeof(*run->figures));
	if (r == 0 && !run->figures)
		r = error_oom(err);
	return r;
}

static int take_round(struct run *run, size_t number, struct error *err)
{
	const struct schedule_round *round = &run->schedule.rounds[number];
	const struct measure_plan plan = {
		.specs = round->specs,
		.n_specs = round->n,
		.settle_ms = run->options->quick ? QUICK_SETTLE_MS : SETTLE_MS,
		.window_ms = run->options->quick ? QUICK_WINDOW_MS : WINDOW_MS,
		.windows = 1,
	};
	char text[96];
	int r;

	schedule_describe(&round->specs[0], text, sizeof(text));
	tell(run, text);
	r = measure_run(run->measure, &plan, run->options->stop, &run->figures[number], err);
	if (r < 0)
		return error_prefix(err, "%s", text);
	run->done++;
	return 0;
}

/* What others of this host disturbed, as far as that is little; elsewhere it would not help. */
static int measure_again(struct run *run, struct error *err)
{
	size_t left = run->schedule.n / AGAIN_SHARE, disturbed = 0;
	int r = 0;

	for (size_t i = 0; i < run->schedule.n; i++)
		disturbed += trust_is_disturbed(&run->figures[i]);
	if (disturbed > left)
		return 0;
	run->total += disturbed;
	for (size_t i = 0; r == 0 && i < run->schedule.n; i++) {
		if (trust_is_disturbed(&run->figures[i]))
			r = take_round(run, i, err);
	}
	return r;
}

static int settle_round(struct run *run, size_t number)
{
	const struct schedule_round *round = &run->schedule.rounds[number];
	const struct operations_sample sample = {
		.specs = round->specs,
		.n = round->n,
		.figures = &run->figures[number],
		.disk = run->disk.target,
	};

	if (run->options->measured)
		run->options->measured(&sample, run->options->data);
	trust_add(&run->trust, sample.figures);
	return operations_add(&run->operations, &sample);
}

static int measure_rounds(struct run *run, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->schedule.n; i++)
		r = take_round(run, i, err);
	if (r == 0)
		r = measure_again(run, err);
	for (size_t i = 0; r == 0 && i < run->schedule.n; i++) {
		if (settle_round(run, i) < 0)
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

static int conclude(struct run *run, struct error *err)
{
	struct profile *profile = run->profile;
	char why[200];

	profile->took_s = (double)(clock_monotonic_ns() - run->started_ns) / 1e9;
	profile->trusted = true;
	if (trust_is_lost(&run->trust, why, sizeof(why))) {
		profile->trusted = run->options->force;
		profile->distrust = strdup(why);
		if (!profile->distrust)
			return error_oom(err);
	}
	if (operations_fit(&run->operations, run->options->what, profile) < 0)
		return error_oom(err);
	for (size_t i = 0; i < profile->n_operations; i++)
		profile->operations[i].stand_in =
			!run->options->devices &&
			strcmp(profile->operations[i].target, site_path_name(SITE_DEVICE)) == 0;
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
		r = measure_rounds(run, err);
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
	run.total = run.schedule.n + (run.disk.target[0] ? 4 : 0);
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

/* ---- whether one still holds ---- */

static int check_rounds(struct run *run, const struct profile *profile, struct check *check,
			struct error *err)
{
	unsigned int what = run->options->what;
	size_t chosen[CHECK_ROUNDS], n = check_choose(&run->schedule, what, CHECK_ROUNDS, chosen);
	int r = 0;

	run->total = n;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct schedule_round *round = &run->schedule.rounds[chosen[i]];
		const struct operations_sample sample = {
			.specs = round->specs,
			.n = round->n,
			.figures = &run->figures[chosen[i]],
			.disk = run->disk.target,
		};

		r = take_round(run, chosen[i], err);
		if (r < 0)
			return r;
		trust_add(&run->trust, sample.figures);
		check_add(check, profile, what, &sample);
	}
	return r;
}

int calibrate_check(const struct calibrate_options *options, const struct profile *profile,
		    struct check *check, char **busy, char ***left_out, struct error *err)
{
	_cleanup_(cleanup_run) struct run run = {
		.options = options,
		.scratch = {.direct = -EBADF, .buffered = -EBADF},
		.started_ns = clock_monotonic_ns(),
		.trust = {.cpus = profile->host.cpus},
	};
	char why[200];
	int r = prepare(&run, err);

	*check = (struct check){0};
	*busy = NULL;
	*left_out = NULL;
	if (r == 0)
		r = check_rounds(&run, profile, check, err);
	if (r < 0)
		return r;
	tell(&run, NULL);
	if (trust_is_lost(&run.trust, why, sizeof(why))) {
		*busy = strdup(why);
		if (!*busy)
			return error_oom(err);
	}
	r = site_close(take_ptr(run.site), err);
	if (r < 0)
		return error_prefix(err, "after the check");
	*left_out = take_ptr(run.left_out);
	return 0;
}
