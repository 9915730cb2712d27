// SPDX-License-Identifier: GPL-2.0-or-later
/* What calibration computes, without measuring: the schedule, operations, the fit and the trust. */
#include "tap.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "calibrate/fit.h"
#include "calibrate/operations.h"
#include "calibrate/schedule.h"
#include "calibrate/trust.h"

#define N 16

/* What a sender that wakes up at most 1000 times a second costs. */
static struct fit_point made_up(double units, double size)
{
	struct fit_point point = {.units = units, .bytes = units * size};
	double wakeups = units < 1000 ? units : 1000;

	point.parts[PROFILE_OWN] = 1200 * units + 0.5 * point.bytes + 9000 * wakeups;
	point.parts[PROFILE_NET_RX] = 600 * units + 1000 * wakeups;
	point.parts[PROFILE_HOST] = 3000 * wakeups;
	return point;
}

static void make_points(struct fit_point points[N])
{
	static const double units[N] = {500,   1000,  2000,  3000, 5000, 8000, 10000, 15000,
					20000, 30000, 40000, 700,  1500, 4000, 25000, 60000};

	for (int i = 0; i < N; i++)
		points[i] = made_up(units[i], i % 4 == 0 ? 64 : i % 4 == 1 ? 1400 : 200 * (i % 4));
}

static bool is_about(double value, double wanted)
{
	return fabs(value - wanted) <= 0.02 * fabs(wanted) + 1e-6;
}

static void cleanup_schedule(struct schedule *schedule)
{
	schedule_free(schedule);
}

static void release(struct profile_operation *operation)
{
	free(operation->points);
}

TEST(fit_finds_what_points_were_made_of)
{
	_cleanup_(release) struct profile_operation o = {0};
	struct fit_point points[N];

	make_points(points);
	must(fit_operation(points, N, 0.95, &o) == 0);
	ok(is_about(o.gap_ns, 1e6), "gap %f", o.gap_ns);
	ok(is_about(o.cost[PROFILE_OWN].unit_ns, 1200), "%f", o.cost[PROFILE_OWN].unit_ns);
	ok(is_about(o.cost[PROFILE_OWN].byte_ns, 0.5), "%f", o.cost[PROFILE_OWN].byte_ns);
	ok(is_about(o.cost[PROFILE_OWN].wakeup_ns, 9000), "%f", o.cost[PROFILE_OWN].wakeup_ns);
	ok(is_about(o.cost[PROFILE_NET_RX].unit_ns, 600), "%f", o.cost[PROFILE_NET_RX].unit_ns);
	ok(is_about(o.cost[PROFILE_HOST].wakeup_ns, 3000), "%f", o.cost[PROFILE_HOST].wakeup_ns);
	ok(o.fit[PROFILE_PAYER_WORKSPACE].r2 > 0.999);
	ok(is_about(o.fit[PROFILE_PAYER_WORKSPACE].upper, 1), "%f",
	   o.fit[PROFILE_PAYER_WORKSPACE].upper);
	is_uint(o.n_points, N);
}

TEST(fit_is_not_led_astray_by_few)
{
	_cleanup_(release) struct profile_operation o = {0};
	struct fit_point points[N];

	make_points(points);
	for (int part = 0; part < PROFILE_PARTS; part++) {
		points[2].parts[part] *= 2;
		points[9].parts[part] *= 1.6;
	}
	must(fit_operation(points, N, 0.95, &o) == 0);
	ok(fabs(o.cost[PROFILE_OWN].unit_ns - 1200) < 60, "%f", o.cost[PROFILE_OWN].unit_ns);
	ok(fabs(o.cost[PROFILE_OWN].wakeup_ns - 9000) < 450, "%f", o.cost[PROFILE_OWN].wakeup_ns);
	ok(o.fit[PROFILE_PAYER_WORKSPACE].upper > 1.5, "what happened is in the upper quantile");
	ok(is_about(o.fit[PROFILE_PAYER_WORKSPACE].residual_worst, 0.5), "%f",
	   o.fit[PROFILE_PAYER_WORKSPACE].residual_worst);
}

/* Of three measurements of each load one is twice too high: that is no reason to expect so much. */
TEST(fit_judges_loads_by_their_median)
{
	_cleanup_(release) struct profile_operation o = {0};
	struct fit_point points[N], thrice[3 * N];

	make_points(points);
	for (int i = 0; i < 3 * N; i++) {
		thrice[i] = points[i / 3];
		if (i % 3 == i / 3 % 3)
			thrice[i].parts[PROFILE_OWN] *= 2;
	}
	must(fit_operation(thrice, 3 * N, 0.95, &o) == 0);
	ok(o.fit[PROFILE_PAYER_WORKSPACE].upper < 1.15, "%f", o.fit[PROFILE_PAYER_WORKSPACE].upper);
}

/* Costs that fall with size, or less than nothing, are not to become negative coefficients. */
TEST(fit_has_no_negative_coefficients)
{
	unsigned int seed = 7;

	for (int round = 0; round < 300; round++) {
		_cleanup_(release) struct profile_operation o = {0};
		struct fit_point points[N];

		make_points(points);
		for (int i = 0; i < N; i++) {
			for (int part = 0; part < PROFILE_PARTS; part++)
				points[i].parts[part] *= (double)(rand_r(&seed) % 2000) / 1000;
			points[i].parts[PROFILE_HOST] -= 1e6 * (rand_r(&seed) % 3);
		}
		must(fit_operation(points, N, 0.95, &o) == 0);
		for (int part = 0; part < PROFILE_PARTS; part++) {
			const struct profile_cost *c = &o.cost[part];

			must(c->unit_ns >= 0 && c->byte_ns >= 0 && c->wakeup_ns >= 0);
		}
		must(o.fit[PROFILE_PAYER_WORKSPACE].upper >= 1);
		must(isfinite(o.fit[PROFILE_PAYER_HOST].upper));
	}
}

TEST(fit_prices_connections_apart)
{
	_cleanup_(release) struct profile_operation o = {0};
	struct fit_point points[N + 2];

	make_points(points);
	for (int i = 0; i < 2; i++) {
		points[N + i] = (struct fit_point){.connections = 500 * (i + 1)};
		points[N + i].parts[PROFILE_OWN] = 30000 * points[N + i].connections;
	}
	must(fit_operation(points, N + 2, 0.95, &o) == 0);
	ok(is_about(o.cost[PROFILE_OWN].connection_ns, 30000));
	ok(is_about(o.cost[PROFILE_OWN].unit_ns, 1200), "%f", o.cost[PROFILE_OWN].unit_ns);
}

/* Nobody may be charged for a load and be one of its companions. */
TEST(schedule_companions_are_others)
{
	_cleanup_(cleanup_schedule) struct schedule schedule = {0};

	must(schedule_make(SCHEDULE_ALL, false, &schedule) == 0);
	for (size_t i = 0; i < schedule.n; i++) {
		struct flow_spec companions[SCHEDULE_COMPANIONS_MAX];
		const struct flow_spec *load = &schedule.loads[i];

		must(schedule_companions(load, 2, companions) == 2);
		for (int c = 0; c < 2; c++) {
			must(companions[c].from != load->from && companions[c].to != load->from);
			must(companions[c].from != load->to && companions[c].to != load->to);
		}
	}
}

TEST(fit_wants_some_points)
{
	_cleanup_(release) struct profile_operation o = {0};
	struct fit_point points[N];

	make_points(points);
	ok(!fit_has_enough(points, FIT_POINTS_MIN - 1));
	ok(fit_has_enough(points, FIT_POINTS_MIN));
	is_int(fit_operation(points, FIT_POINTS_MIN - 1, 0.95, &o), -EDOM);
}

/* Not by memcmp: what is between the fields is nobody's. */
static bool same_load(const struct flow_spec *a, const struct flow_spec *b)
{
	return a->kind == b->kind && a->path == b->path && a->from == b->from && a->to == b->to &&
	       a->size_bytes == b->size_bytes && a->rate == b->rate && a->buffered == b->buffered &&
	       a->sequential == b->sequential;
}

/* How often the load OF is in the schedule. */
static size_t count(const struct schedule *schedule, const struct flow_spec *of)
{
	size_t n = 0;

	for (size_t i = 0; i < schedule->n; i++)
		n += same_load(&schedule->loads[i], of);
	return n;
}

TEST(schedule_has_every_load_once)
{
	_cleanup_(cleanup_schedule) struct schedule quick = {0}, full = {0};

	must(schedule_make(SCHEDULE_ALL, true, &quick) == 0);
	must(schedule_make(SCHEDULE_ALL, false, &full) == 0);
	ok(quick.n < full.n);
	for (size_t i = 0; i < quick.n; i++)
		must(count(&full, &quick.loads[i]) == 1 && count(&quick, &quick.loads[i]) == 1);
}

TEST(schedule_has_what_was_asked_for)
{
	_cleanup_(cleanup_schedule) struct schedule schedule = {0};

	must(schedule_make(1u << SITE_HOST | SCHEDULE_DISK, false, &schedule) == 0);
	ok(schedule.n > 20);
	for (size_t i = 0; i < schedule.n; i++)
		must(!flow_is_net(&schedule.loads[i]) || schedule.loads[i].path == SITE_HOST);
}

TEST(schedule_counts_headers)
{
	struct flow_spec udp = {.kind = FLOW_UDP, .size_bytes = 22};
	struct flow_spec write = {.kind = FLOW_WRITE, .size_bytes = 4096};
	char text[64];

	is_int((int)schedule_unit_bytes(&udp), 64);
	is_int((int)schedule_unit_bytes(&write), 4096);
	udp.rate = 1000;
	schedule_describe(&udp, text, sizeof(text));
	is_str(text, "bridge udp 64 bytes 1000/s");
}

static void cleanup_operations(struct operations *operations)
{
	operations_free(operations);
}

TEST(operations_tell_both_sides)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	struct flow_spec spec = {.kind = FLOW_UDP, .from = SITE_A, .to = SITE_B, .size_bytes = 22};
	struct operations_base base = {.host = 1e6};
	struct measure_figures figures = {.flows[0].sent = 1000, .host.own = 3e6};

	figures.workspaces[SITE_A].own = 5e6;
	figures.workspaces[SITE_B].behalf[WIRE_NET_RX] = 2e6;
	figures.workspaces[SITE_B].behalf[WIRE_RCU] = 1e6;
	must(operations_add(&all, &(struct operations_sample){&spec, &figures, &base, "8:0"}) == 0);
	must(all.n == 2);
	is_int(all.all[0].kind, PROFILE_SEND);
	is_str(all.all[0].target, "bridge");
	is_int((int)all.all[0].points[0].parts[PROFILE_OWN], 5000000);
	is_int((int)all.all[0].points[0].parts[PROFILE_HOST], 1000000);
	is_int((int)all.all[0].points[0].bytes, 64000);
	is_int(all.all[1].kind, PROFILE_RECEIVE);
	is_int((int)all.all[1].points[0].parts[PROFILE_NET_RX], 2000000);
	is_int((int)all.all[1].points[0].parts[PROFILE_REST], 1000000);
}

TEST(operations_leave_the_host_out_where_it_is_no_workspace)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	struct flow_spec spec = {
		.kind = FLOW_TCP, .path = SITE_LOCAL, .from = SITE_H, .to = SITE_A};
	struct flow_spec disk = {.kind = FLOW_WRITE, .buffered = true, .size_bytes = 4096};
	struct operations_base base = {0};
	struct measure_figures figures = {.flows[0].sent = 10};

	must(operations_add(&all, &(struct operations_sample){&spec, &figures, &base, "8:0"}) == 0);
	must(all.n == 1);
	is_int(all.all[0].kind, PROFILE_RECEIVE);
	must(operations_add(&all, &(struct operations_sample){&disk, &figures, &base, "8:0"}) == 0);
	must(all.n == 2);
	is_int(all.all[1].mode, PROFILE_BUFFERED);
	is_str(all.all[1].target, "8:0");
}

TEST(trust_is_lost_when_others_work)
{
	struct trust trust = {.cpus = 2};
	struct measure_figures quiet = {.host.own = 0.01e9}, busy = {.others = 1e9};
	struct measure_figures stolen = {.stolen = 0.3e9};
	char why[200] = "";

	ok(!trust_is_disturbed(&quiet, 0.01e9));
	ok(trust_is_disturbed(&busy, 0.01e9));
	for (int i = 0; i < 20; i++)
		trust_add(&trust, &quiet, 0.01e9);
	ok(!trust_is_lost(&trust, why, sizeof(why)), "%s", why);
	for (int i = 0; i < 3; i++)
		trust_add(&trust, &busy, 0.01e9);
	ok(trust_is_lost(&trust, why, sizeof(why)));
	ok(strstr(why, "others used 7%"), "%s", why);
	trust = (struct trust){.cpus = 2};
	trust_add(&trust, &stolen, 0);
	ok(trust_is_lost(&trust, why, sizeof(why)));
	ok(strstr(why, "hypervisor"), "%s", why);
}
