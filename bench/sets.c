// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random sets of workspaces, whether the planner admits them, and whether what it admits holds:
 *
 *	sets BEHALF PROFILE SEED FIRST COUNT REAL
 *
 * prints a line of JSON for each of the sets FIRST to FIRST + COUNT - 1 of the sequence that SEED begins. Of the admitted
 * ones the first REAL are driven to their terms, as workspaces of BEHALF with these terms (drive.h): every workspace
 * computes as much as its reserve says and sends, receives, reads and writes at its promised rates. The others are
 * driven in the model only: every flow costs its forecast times what one of the measurements behind the profile
 * deviated from the fit. "shortfall" is the largest share of a promise that was not kept. A refused set is made
 * smaller until what the planner expects fills the host exactly, and then by another 15%: "smaller" tells whether
 * it is admitted then.
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
#include "calibrate/flow.h"
#include "drive.h"
#include "kernel/machine.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "random.h"

#define WORKSPACES 3
#define SCRATCH_DIRECTORY "/var/tmp"
#define LESS 0.85
#define TRIES 3
#define FOREIGN_SHARE 0.02 /* of the CPUs */

static volatile int stop_signal;

/* What one workspace is promised; its egress goes to the next one, whose ingress it is. */
struct promise {
	double cores;
	double packets;
	uint32_t packet_bytes;
	enum flow_kind disk;
	double requests;
	uint32_t request_bytes;
};

struct set {
	struct promise promises[WORKSPACES];
};

struct bench {
	struct profile *profile;
	struct plan_host *host;
	uint32_t cpus;
	const char *disk; /* target; NULL: none */
	struct drive *drive;
};

static void on_signal(int number)
{
	stop_signal = number;
}

/* *AT is where its sequence of random numbers goes on. */
static struct set draw_set(const struct bench *bench, uint64_t seed, uint64_t number, uint64_t *at)
{
	uint64_t state = seed;
	struct set set = {0};

	state = random_next(&state) ^ (number + 1) * 0x632be59bd9b4e019u;
	state = random_next(&state);
	for (int w = 0; w < WORKSPACES; w++) {
		struct promise *p = &set.promises[w];

		p->cores = random_uniform(&state) * bench->cpus / 2;
		p->disk = random_next(&state) % 2 ? FLOW_READ : FLOW_WRITE;
		if (random_uniform(&state) < 0.75) {
			p->packets = log_uniform(&state, 1000, 60000);
			p->packet_bytes = (uint32_t)log_uniform(&state, 64, 1500);
		}
		if (bench->disk && random_uniform(&state) < 0.4) {
			p->request_bytes = 4096 * (uint32_t)log_uniform(&state, 1, 16);
			p->requests = log_uniform(&state, 100, 1500);
		}
	}
	*at = state;
	return set;
}

static struct set scale_set(const struct set *set, double factor)
{
	struct set scaled = *set;

	for (int w = 0; w < WORKSPACES; w++) {
		scaled.promises[w].cores *= factor;
		scaled.promises[w].packets *= factor;
		scaled.promises[w].requests *= factor;
	}
	return scaled;
}

static void promise_net(struct terms_net *net, const struct promise *promise)
{
	net->reserve_bps = (uint64_t)(promise->packets * promise->packet_bytes * 8);
	net->packet_bytes = net->packet_worst_bytes = promise->packet_bytes;
}

static void make_terms(const struct bench *bench, const struct set *set, int number,
		       struct terms *terms)
{
	const struct promise *own = &set->promises[number];
	const struct promise *from = &set->promises[(number + WORKSPACES - 1) % WORKSPACES];
	struct terms_disk *disk = &terms->disks[0];

	memset(terms, 0, sizeof(*terms));
	terms->cpu.reserve_mcores = (uint32_t)(own->cores * 1000);
	promise_net(&terms->net[TERMS_EGRESS], own);
	promise_net(&terms->net[TERMS_INGRESS], from);
	if (own->requests > 0) {
		struct terms_disk_flow *flow =
			&disk->flow[own->disk == FLOW_READ ? TERMS_READ : TERMS_WRITE];

		terms->n_disks = 1;
		snprintf(disk->device, sizeof(disk->device), "%s", bench->disk);
		flow->reserve_iops = (uint32_t)own->requests;
		flow->request_bytes = own->request_bytes;
	}
}

static void make_workspaces(const struct bench *bench, const struct set *set,
			    struct plan_workspace *workspaces)
{
	static const char *const names[] = {"a", "b", "c"};

	for (int w = 0; w < WORKSPACES; w++) {
		workspaces[w] = (struct plan_workspace){.name = names[w], .count = 1};
		make_terms(bench, set, w, &workspaces[w].terms);
	}
}

static struct plan_request make_request(const struct bench *bench,
					const struct plan_workspace *workspaces)
{
	return (struct plan_request){
		.host = bench->host,
		.profile = bench->profile,
		.protocol = EXTRAPOLATE_UDP,
		.workspaces = workspaces,
		.n_workspaces = WORKSPACES,
	};
}

static int is_admitted(const struct bench *bench, const struct set *set, bool *admitted)
{
	struct plan_workspace workspaces[WORKSPACES];
	struct plan_request request;

	make_workspaces(bench, set, workspaces);
	request = make_request(bench, workspaces);
	return plan_fits(&request, admitted);
}

/* Cores that the planner expects all to need, the host included. */
static int expected_cores(const struct bench *bench, const struct set *set, double *cores,
			  struct error *err)
{
	_cleanup_(cleanup_plan) struct plan *plan = NULL;
	struct plan_workspace workspaces[WORKSPACES];
	struct plan_request request;
	int r;

	make_workspaces(bench, set, workspaces);
	request = make_request(bench, workspaces);
	r = plan_make(&request, &plan, err);
	if (r == 0)
		*cores = (double)(plan->charge_expected + plan->host_expected.total) / 1e9;
	return r;
}

/* The scale at which the host is full by what is expected; costs are nearly in proportion. */
static int fill_host(const struct bench *bench, const struct set *set, double *scale,
		     struct error *err)
{
	double least = 0, most = 1;

	for (int i = 0; i < 30; i++) {
		double middle = (least + most) / 2, cores;
		struct set scaled = scale_set(set, middle);
		int r = expected_cores(bench, &scaled, &cores, err);

		if (r < 0)
			return r;
		if (cores > bench->cpus)
			most = middle;
		else
			least = middle;
	}
	*scale = least;
	return 0;
}

/* ---- in the model ---- */

/* What one of the measurements behind OPERATION deviated from the fit. */
static double draw_ratio(uint64_t *state, const struct profile_operation *operation)
{
	const struct profile_point *point;
	struct extrapolate_load load;
	double expected;

	if (!operation->n_points)
		return 1;
	point = &operation->points[random_next(state) % operation->n_points];
	load = (struct extrapolate_load){point->units, point->bytes, point->connections};
	expected = (double)extrapolate_expected(operation, PROFILE_PAYER_WORKSPACE, &load);
	return expected > 0 ? point->cost_ns[PROFILE_PAYER_WORKSPACE] / expected : 1;
}

static double shortfall_in_model(const struct bench *bench, const struct set *set, uint64_t *state)
{
	struct plan_workspace workspaces[WORKSPACES];
	struct plan_request request;
	struct extrapolate_assumptions assumptions;
	double cores = bench->profile->base.host_cpu_ns * bench->cpus / 1e9;

	make_workspaces(bench, set, workspaces);
	request = make_request(bench, workspaces);
	assumptions = plan_assumptions(&request);
	for (int w = 0; w < WORKSPACES; w++) {
		struct extrapolate_flow flows[EXTRAPOLATE_FLOWS_MAX];
		size_t n = extrapolate_flows(&workspaces[w].terms, bench->profile, &assumptions,
					     flows);

		cores += set->promises[w].cores;
		for (size_t i = 0; i < n; i++) {
			double ratio = draw_ratio(state, flows[i].expected);

			for (enum profile_payer p = 0; p < PROFILE_PAYERS; p++)
				cores += (p == PROFILE_PAYER_WORKSPACE ? ratio : 1) / 1e9 *
					 (double)extrapolate_expected(flows[i].expected, p,
								      &flows[i].expected_load);
		}
	}
	return cores > bench->cpus ? 1 - bench->cpus / cores : 0;
}

/* ---- for real ---- */

struct verdict {
	bool admitted, real, smaller;
	double shortfall, expected, scale;
	const char *of; /* kind of what fell short most */
	double foreign; /* CPUs that others used meanwhile */
};

static size_t make_flows(const struct set *set, struct flow_spec *specs)
{
	size_t n = 0;

	for (int w = 0; w < WORKSPACES; w++) {
		const struct promise *p = &set->promises[w];
		struct flow_spec like = {
			.from = (enum site_workspace)w,
			.to = (enum site_workspace)((w + 1) % WORKSPACES),
		};

		if (p->cores > 0.01) {
			like.kind = FLOW_SPIN;
			like.rate = p->cores * 1e9 / FLOW_SPIN_UNIT_NS;
			specs[n++] = like;
		}
		if (p->packets > 0) {
			like.kind = FLOW_UDP;
			like.rate = p->packets;
			like.size_bytes = p->packet_bytes - FLOW_UDP_HEADER_BYTES;
			specs[n++] = like;
		}
		if (p->requests > 0) {
			like.kind = p->disk;
			like.rate = p->requests;
			like.size_bytes = p->request_bytes;
			specs[n++] = like;
		}
	}
	return n;
}

static void judge_flows(const struct drive_plan *plan, const struct drive_figures *figures,
			struct verdict *verdict)
{
	verdict->shortfall = 0;
	verdict->of = "";
	for (size_t i = 0; i < plan->n_flows; i++) {
		const struct flow_spec *spec = &plan->flows[i];
		double done = figures->flows[i].sent;

		if (spec->kind == FLOW_UDP)
			done = fmin(done, figures->flows[i].received);
		if (1 - done / spec->rate <= verdict->shortfall)
			continue;
		verdict->shortfall = 1 - done / spec->rate;
		verdict->of = flow_kind_name(spec->kind);
	}
}

/* What others of this host took away nobody had promised: then it is driven again. */
static int drive(struct bench *bench, const struct set *set, struct verdict *verdict,
		 struct error *err)
{
	struct drive_plan plan = {.n_workspaces = WORKSPACES};
	struct drive_figures figures;

	plan.n_flows = make_flows(set, plan.flows);
	for (int w = 0; w < WORKSPACES; w++)
		make_terms(bench, set, w, &plan.terms[w]);
	for (int i = 0; i < TRIES; i++) {
		int r = drive_run(bench->drive, &plan, &figures, err);

		if (r < 0)
			return r;
		judge_flows(&plan, &figures, verdict);
		verdict->foreign = figures.foreign;
		if (verdict->shortfall <= 0.05 || verdict->foreign < FOREIGN_SHARE * bench->cpus)
			break;
	}
	return 0;
}

/* ---- all of it ---- */

static int judge_set(struct bench *bench, const struct set *set, uint64_t *state, size_t *real,
		     struct verdict *verdict, struct error *err)
{
	struct set less;
	int r = is_admitted(bench, set, &verdict->admitted);

	if (r == 0)
		r = expected_cores(bench, set, &verdict->expected, err);
	if (r < 0)
		return r;
	if (!verdict->admitted) {
		r = fill_host(bench, set, &verdict->scale, err);
		less = scale_set(set, verdict->scale * LESS);
		return r < 0 ? r : is_admitted(bench, &less, &verdict->smaller);
	}
	verdict->real = *real > 0;
	if (!verdict->real) {
		verdict->shortfall = shortfall_in_model(bench, set, state);
		return 0;
	}
	--*real;
	return drive(bench, set, verdict, err);
}

static void print_verdict(size_t number, const struct verdict *verdict)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	json_add_u64(o, "set", number);
	json_add_bool(o, "admitted", verdict->admitted);
	json_add_double(o, "expected_cores", verdict->expected);
	if (verdict->admitted) {
		json_add_bool(o, "real", verdict->real);
		json_add_double(o, "shortfall", verdict->shortfall);
		if (verdict->real) {
			json_add_string(o, "of", verdict->of);
			json_add_double(o, "foreign_cores", verdict->foreign);
		}
	} else {
		json_add_double(o, "full_at", verdict->scale);
		json_add_bool(o, "smaller", verdict->smaller);
	}
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
}

static int read_profile(const char *path, struct profile **profile, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read_at(AT_FDCWD, path, 16u << 20, &text, &size, err);

	return r < 0 ? r : profile_parse(path, text, size, profile, err);
}

static int make_host(struct bench *bench, struct error *err)
{
	struct plan_disk *disk;
	struct machine machine;
	int r = machine_read(&machine, err);

	if (r < 0)
		return r;
	bench->cpus = machine.cpus;
	bench->host = plan_host_new();
	if (!bench->host)
		return error_oom(err);
	for (unsigned int cpu = 0; cpu < machine.cpus; cpu++)
		cpus_add(&bench->host->cpus, cpu);
	bench->host->memory_bytes = UINT64_C(16) << 30;
	disk = bench->disk ? plan_host_add_disk(bench->host) : NULL;
	if (disk) {
		snprintf(disk->target, sizeof(disk->target), "%s", bench->disk);
		snprintf(disk->name, sizeof(disk->name), "%s", bench->disk);
	}
	plan_host_take_rates(bench->host, bench->profile);
	return 0;
}

static int set_up(struct bench *bench, const char *behalf, const char *profile, bool real,
		  struct error *err)
{
	int r = read_profile(profile, &bench->profile, err);

	if (r == 0 && bench->profile->n_disks)
		bench->disk = bench->profile->disks[0].target;
	if (r == 0)
		r = make_host(bench, err);
	if (r == 0 && real)
		r = drive_open(behalf, SCRATCH_DIRECTORY, &stop_signal, &bench->drive, err);
	return r;
}

static void tear_down(struct bench *bench)
{
	drive_close(bench->drive);
	profile_free(bench->profile);
	plan_host_free(bench->host);
}

static int run_sets(struct bench *bench, uint64_t seed, size_t first, size_t count, size_t real,
		    struct error *err)
{
	int r = 0;

	for (size_t i = first; r == 0 && i < first + count; i++) {
		uint64_t state;
		struct set set = draw_set(bench, seed, i, &state);
		struct verdict verdict = {0};

		r = judge_set(bench, &set, &state, &real, &verdict, err);
		if (r == 0)
			print_verdict(i, &verdict);
	}
	return r;
}

int main(int argc, char **argv)
{
	static struct bench bench;
	struct error err = {0};
	size_t real;
	int r;

	if (argc == 3 && strcmp(argv[1], "--load") == 0)
		return drive_load(argv[2]);
	if (argc != 7) {
		fprintf(stderr, "Usage: sets BEHALF PROFILE SEED FIRST COUNT REAL\n");
		return EXIT_FAILURE;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	real = strtoul(argv[6], NULL, 10);
	r = set_up(&bench, argv[1], argv[2], real > 0, &err);
	if (r == 0)
		r = run_sets(&bench, strtoull(argv[3], NULL, 10), strtoul(argv[4], NULL, 10),
			     strtoul(argv[5], NULL, 10), real, &err);
	tear_down(&bench);
	if (r < 0)
		fprintf(stderr, "bench/sets: %s\n", r == -EINTR ? "interrupted" : err.text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
