// SPDX-License-Identifier: GPL-2.0-or-later
/* From points to coefficients. */
#include "tap.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "calibrate/busy.h"
#include "calibrate/fit.h"
#include "calibrate/operations.h"
#include "calibrate/shared.h"

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

static void release(struct profile_operation *operation)
{
	free(operation->points);
}

TEST(fit_finds_what_points_were_made_of)
{
	_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6};
	struct fit_point points[N];

	make_points(points);
	must(fit_operation(points, N, 0.95, &o) == 0);
	ok(is_about(o.cost[PROFILE_OWN].unit_ns, 1200), "%f", o.cost[PROFILE_OWN].unit_ns);
	ok(is_about(o.cost[PROFILE_OWN].byte_ns, 0.5), "%f", o.cost[PROFILE_OWN].byte_ns);
	ok(is_about(o.cost[PROFILE_OWN].wakeup_ns, 9000), "%f", o.cost[PROFILE_OWN].wakeup_ns);
	ok(is_about(o.cost[PROFILE_NET_RX].unit_ns, 600), "%f", o.cost[PROFILE_NET_RX].unit_ns);
	ok(is_about(o.points[1].cost_ns[PROFILE_PAYER_HOST], 3e6));
	ok(o.fit[PROFILE_PAYER_WORKSPACE].r2 > 0.999);
	ok(is_about(o.fit[PROFILE_PAYER_WORKSPACE].upper, 1), "%f",
	   o.fit[PROFILE_PAYER_WORKSPACE].upper);
	is_uint(o.n_points, N);
}

/* A wake-up costs more where few others keep the CPUs awake. */
TEST(fit_tells_how_dear_sleep_is)
{
	_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6, .awake_per_s = 1000};
	struct fit_point points[3 * N];
	double share = 0;

	make_points(points);
	make_points(points + N);
	make_points(points + 2 * N);
	for (int i = 0; i < 3 * N; i++) {
		points[i].company = 1000 * (i / N + i % 3);
		points[i].parts[PROFILE_OWN] +=
			8000 * fmin(points[i].units, 1000) / (1 + points[i].company / 1000);
		share += 1 / (1 + points[i].company / 1000) / (3 * N);
	}
	must(fit_operation(points, 3 * N, 0.95, &o) == 0);
	ok(is_about(o.cost[PROFILE_OWN].asleep_ns, 8000), "%f", o.cost[PROFILE_OWN].asleep_ns);
	ok(is_about(o.cost[PROFILE_OWN].wakeup_ns, 9000), "%f", o.cost[PROFILE_OWN].wakeup_ns);
	ok(is_about(o.asleep_share, share), "%f", o.asleep_share);
	ok(is_about(o.cost[PROFILE_OWN].crowded_ns, 0), "%f", o.cost[PROFILE_OWN].crowded_ns);
	ok(o.fit[PROFILE_PAYER_WORKSPACE].residual_worst < 0.01);
	ok(o.fit[PROFILE_PAYER_WORKSPACE].upper > 1.02, "in the worst case, company is not known");
}

/* And the other way about, with caches that others have used. */
TEST(fit_tells_how_dear_company_is)
{
	_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6, .awake_per_s = 1000};
	struct fit_point points[3 * N];

	make_points(points);
	make_points(points + N);
	make_points(points + 2 * N);
	for (int i = 0; i < 3 * N; i++) {
		double share;

		points[i].company = 1000 * (i / N + i % 3);
		share = 1 / (1 + points[i].company / 1000);
		points[i].parts[PROFILE_OWN] =
			1200 * points[i].units +
			(2000 * share + 9000 * (1 - share)) * fmin(points[i].units, 1000);
	}
	must(fit_operation(points, 3 * N, 0.95, &o) == 0);
	ok(is_about(o.cost[PROFILE_OWN].wakeup_ns + o.cost[PROFILE_OWN].asleep_ns, 2000), "%f",
	   o.cost[PROFILE_OWN].asleep_ns);
	ok(is_about(o.cost[PROFILE_OWN].wakeup_ns + o.cost[PROFILE_OWN].crowded_ns, 9000), "%f",
	   o.cost[PROFILE_OWN].crowded_ns);
}

/* What points that are off tell of coefficients is taken for less. */
TEST(fit_draws_what_is_noise_to_zero)
{
	_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6}, off = {.gap_ns = 1e6};
	struct fit_point points[N];

	make_points(points);
	must(fit_operation(points, N, 0.95, &o) == 0);
	for (int i = 0; i < N; i++)
		points[i].parts[PROFILE_OWN] *= i % 2 ? 1.2 : 0.8;
	must(fit_operation(points, N, 0.95, &off) == 0);
	ok(off.cost[PROFILE_OWN].wakeup_ns < o.cost[PROFILE_OWN].wakeup_ns);
	ok(off.cost[PROFILE_OWN].wakeup_ns > o.cost[PROFILE_OWN].wakeup_ns / 2, "%f",
	   off.cost[PROFILE_OWN].wakeup_ns);
}

TEST(fit_is_not_led_astray_by_few)
{
	_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6};
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

/*
 * Measurements that were disturbed are no reason to expect so much of a load that was measured often; a load that always
 * costs more than the fit says is.
 */
TEST(fit_has_the_quantile_of_what_loads_cost)
{
	for (int always = 0; always < 2; always++) {
		_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6};
		struct fit_point points[N], all[15 * N];

		make_points(points);
		for (int i = 0; i < 15 * N; i++) {
			all[i] = points[i % N];
			if (always ? i % N != 5 : i % 10 != 0)
				continue;
			all[i].parts[PROFILE_OWN] *= 3;
			all[i].parts[PROFILE_NET_RX] *= 3;
		}
		must(fit_operation(all, 15 * N, 0.95, &o) == 0);
		if (always)
			ok(o.fit[PROFILE_PAYER_WORKSPACE].upper > 1.5, "%f",
			   o.fit[PROFILE_PAYER_WORKSPACE].upper);
		else
			ok(o.fit[PROFILE_PAYER_WORKSPACE].upper < 1.1, "%f",
			   o.fit[PROFILE_PAYER_WORKSPACE].upper);
	}
}

/* Costs that fall with size, or less than nothing, are not to become negative coefficients. */
TEST(fit_has_no_negative_coefficients)
{
	unsigned int seed = 7;

	for (int round = 0; round < 300; round++) {
		_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6};
		struct fit_point points[N];

		make_points(points);
		for (int i = 0; i < N; i++) {
			for (int part = 0; part < PROFILE_PARTS; part++)
				points[i].parts[part] *= (double)(rand_r(&seed) % 2000) / 1000;
		}
		must(fit_operation(points, N, 0.95, &o) == 0);
		for (int part = 0; part < PROFILE_PARTS; part++) {
			const struct profile_cost *c = &o.cost[part];

			must(c->unit_ns >= 0 && c->byte_ns >= 0 && c->wakeup_ns >= 0);
		}
		must(o.fit[PROFILE_PAYER_WORKSPACE].upper >= 1);
	}
}

TEST(fit_prices_connections_apart)
{
	_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6};
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

/* Loads of different costs, of which only the sums are known. */
TEST(shared_costs_are_told_apart)
{
	static const struct profile_cost wanted[] = {
		{300, 0, 0, 7000}, {0, 0.5, 0, 9000}, {0, 0, 40000}};
	const struct shared_way way = {.least_ns = 1, .ridge = 0.03};
	struct shared_round rounds[120] = {0};
	struct shared_cost costs[3] = {
		{.gap_ns = 1e6}, {.gap_ns = 1e6, .group = 1}, {.gap_ns = 1e6, .group = 2}};
	unsigned int seed = 3;

	for (int i = 0; i < 120; i++) {
		for (size_t of = 0; of < 3; of++) {
			struct shared_load *load = &rounds[i].loads[rounds[i].n];
			double units = 500 << rand_r(&seed) % 6;

			if (rand_r(&seed) % 4 == 0)
				continue;
			load->of = of;
			load->at = (struct fit_point){.units = units, .bytes = 64 * units};
			if (rand_r(&seed) % 2)
				load->at.bytes = 1400 * units;
			if (of == 2)
				load->at = (struct fit_point){.connections = units};
			rounds[i].n++;
			rounds[i].cost_ns += wanted[of].unit_ns * load->at.units +
					     wanted[of].byte_ns * load->at.bytes +
					     wanted[of].connection_ns * load->at.connections +
					     wanted[of].wakeup_ns * fmin(load->at.units, 1000);
		}
		if (i % 10 == 0)
			rounds[i].cost_ns *= 2;
	}
	must(shared_fit(rounds, 120, &way, costs, 3) == 0);
	for (size_t of = 0; of < 3; of++) {
		struct shared_round alone = {.n = 1};
		double cost = 0;

		alone.loads[0] = (struct shared_load){of, {.units = 4000, .bytes = 4e6}};
		if (of == 2)
			alone.loads[0].at = (struct fit_point){.connections = 1000};
		cost = wanted[of].unit_ns * 4000 + wanted[of].byte_ns * 4e6 +
		       wanted[of].wakeup_ns * 1000;
		cost = of == 2 ? 40e6 : cost;
		ok(fabs(shared_forecast(&alone, costs) / cost - 1) < 0.1, "%zu: %f of %f", of,
		   shared_forecast(&alone, costs), cost);
	}
	rounds[0].n = 1;
	rounds[0].loads[0] = (struct shared_load){.of = 2, .at.connections = 100};
	ok(fabs(shared_forecast(&rounds[0], costs) - 4e6) < 4e5);
}

/* Of connections of several loads the host has one tick, and who is charged by nobody's clock has one for each. */
TEST(shared_wake_ups_for_connections_are_pooled_where_that_is_said)
{
	const struct shared_cost costs[2] = {
		{.gap_ns = 4e6, .pooled = true, .cost.connection_wakeup_ns = 1000},
		{.gap_ns = 4e6, .cost.connection_wakeup_ns = 1000}};
	struct shared_round round = {.n = 1};

	for (size_t of = 0; of < 2; of++) {
		round.loads[0] =
			(struct shared_load){of, {.connections = 500, .all_connections = 2000}};
		ok(is_about(shared_forecast(&round, costs), of ? 250e3 : 62.5e3), "%f",
		   shared_forecast(&round, costs));
	}
}

TEST(fit_wants_some_points)
{
	_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6};
	struct fit_point points[N];

	make_points(points);
	ok(!fit_has_enough(points, FIT_POINTS_MIN - 1));
	ok(fit_has_enough(points, FIT_POINTS_MIN));
	is_int(fit_operation(points, FIT_POINTS_MIN - 1, 0.95, &o), -EDOM);
}

/* On a host in use all of it costs more, and what it would cost on one at rest is found all the same. */
TEST(fit_knows_how_busy_the_host_was)
{
	_cleanup_(release) struct profile_operation o = {.gap_ns = 1e6, .busy_share = 0.8};
	struct fit_point points[3 * N];

	for (int i = 0; i < 3; i++)
		make_points(points + i * N);
	for (int i = 0; i < 3 * N; i++) {
		points[i].busy = 0.1 * (double)(i % 5);
		points[i].parts[PROFILE_OWN] *= 1 + 0.8 * points[i].busy;
		points[i].parts[PROFILE_NET_RX] *= 1 + 0.8 * points[i].busy;
	}
	must(fit_operation(points, 3 * N, 0.95, &o) == 0);
	ok(is_about(o.cost[PROFILE_OWN].unit_ns, 1200), "%f", o.cost[PROFILE_OWN].unit_ns);
	ok(is_about(o.cost[PROFILE_OWN].wakeup_ns, 9000), "%f", o.cost[PROFILE_OWN].wakeup_ns);
	ok(o.fit[PROFILE_PAYER_WORKSPACE].residual_worst < 0.01);
	ok(o.fit[PROFILE_PAYER_WORKSPACE].upper > 1.05, "in the worst case, it is not known");
	ok(is_about(o.busy_most, 0.4) && o.busy > 0.15 && o.busy < 0.25, "%f", o.busy);
}

static void cleanup_operations(struct operations *operations)
{
	operations_free(operations);
}

/*
 * Rounds of one load beside another one, on two CPUs; who receives is charged as much more as the SHARE of the CPUs in use
 * says, and NOISE more or less.
 */
static void add_rounds(struct operations *operations, double share, double noise)
{
	unsigned int seed = 11;

	for (int i = 0; i < 160; i++) {
		const double rates[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 60000};
		struct flow_spec specs[] = {
			{.kind = FLOW_UDP, .from = SITE_A, .to = SITE_B, .size_bytes = 22},
			{.kind = FLOW_UDP,
			 .path = SITE_HOST,
			 .from = SITE_H,
			 .to = SITE_I,
			 .size_bytes = 22},
		};
		struct measure_figures figures = {0};
		double sums[2], busy = 0;

		for (int l = 0; l < 2; l++) {
			specs[l].rate = rates[rand_r(&seed) % ARRAY_SIZE(rates)];
			figures.flows[l].sent = specs[l].rate;
			sums[l] = 4000 * specs[l].rate;
			figures.workspaces[specs[l].from].own = sums[l];
			busy += (sums[l] + sums[l] / 2) / 2e9;
		}
		for (int l = 0; l < 2; l++)
			figures.workspaces[specs[l].to].behalf[WIRE_NET_RX] =
				sums[l] / 2 * (1 + share * busy) *
				(1 + noise * ((double)(rand_r(&seed) % 200) / 100 - 1));
		must(operations_add(operations,
				    &(struct operations_sample){specs, 2, &figures, "8:0"}) == 0);
	}
}

TEST(what_a_host_in_use_costs_is_found_by_kind)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	double shares[PROFILE_KINDS], hosts[160] = {0};

	add_rounds(&all, 1, 0);
	must(busy_find(&all, 2, hosts, shares) == 0);
	ok(shares[PROFILE_RECEIVE] > 0.65 && shares[PROFILE_RECEIVE] < 1.1, "%f",
	   shares[PROFILE_RECEIVE]);
	ok(fabs(shares[PROFILE_SEND]) < 1e-9, "%f", shares[PROFILE_SEND]);
	ok(fabs(shares[PROFILE_READ]) < 1e-9 && fabs(shares[PROFILE_WRITE]) < 1e-9);
	for (size_t i = 0; i < all.n; i++) {
		for (size_t k = 0; k < all.all[i].n; k++)
			must(all.all[i].points[k].busy > 0 && all.all[i].points[k].busy <= 1);
	}
}

/* What might as well be chance is none. */
TEST(what_a_host_in_use_costs_is_not_made_of_noise)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	double shares[PROFILE_KINDS], hosts[160] = {0};

	add_rounds(&all, 0, 0.3);
	must(busy_find(&all, 2, hosts, shares) == 0);
	ok(fabs(shares[PROFILE_RECEIVE]) < 1e-9, "%f", shares[PROFILE_RECEIVE]);
}
