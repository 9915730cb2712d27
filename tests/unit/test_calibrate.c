// SPDX-License-Identifier: GPL-2.0-or-later
/* What calibration computes, without measuring: the schedule, operations, the check and the trust. */
#include "tap.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "calibrate/check.h"
#include "calibrate/operations.h"
#include "calibrate/schedule.h"
#include "calibrate/trust.h"
#include "plan/extrapolate.h"

static bool is_about(double value, double wanted)
{
	return fabs(value - wanted) <= 0.02 * fabs(wanted) + 1e-6;
}

static void cleanup_schedule(struct schedule *schedule)
{
	schedule_free(schedule);
}

/* Not by memcmp: what is between the fields is nobody's. */
static bool is_same(const struct flow_spec *a, const struct flow_spec *b)
{
	return a->kind == b->kind && a->path == b->path && a->from == b->from && a->to == b->to &&
	       a->size_bytes == b->size_bytes && fabs(a->rate - b->rate) < 1 &&
	       a->buffered == b->buffered && a->sequential == b->sequential &&
	       a->synced == b->synced;
}

/* How often the load OF is in the schedule. */
static size_t count(const struct schedule *schedule, const struct flow_spec *of)
{
	size_t n = 0;

	for (size_t i = 0; i < schedule->n; i++) {
		for (size_t l = 0; l < schedule->rounds[i].n; l++)
			n += is_same(&schedule->rounds[i].specs[l], of);
	}
	return n;
}

static const struct schedule_silence nothing;

TEST(schedule_has_every_load_several_times)
{
	_cleanup_(cleanup_schedule) struct schedule quick = {0}, full = {0};

	must(schedule_make(SCHEDULE_ALL, true, &nothing, &quick) == 0);
	must(schedule_make(SCHEDULE_ALL, false, &nothing, &full) == 0);
	ok(quick.n < full.n);
	for (size_t i = 0; i < quick.n; i++) {
		const struct schedule_round *round = &quick.rounds[i];

		must(round->n >= 2);
		for (size_t l = 0; l < round->n; l++) {
			must(count(&quick, &round->specs[l]) >= 3);
			must(count(&full, &round->specs[l]) >= 2);
		}
	}
}

/* What a workspace is charged has to be of one load. */
TEST(schedule_has_no_workspace_twice_in_a_round)
{
	_cleanup_(cleanup_schedule) struct schedule schedule = {0};

	must(schedule_make(SCHEDULE_ALL, false, &nothing, &schedule) == 0);
	for (size_t i = 0; i < schedule.n; i++) {
		unsigned int used = 0;

		for (size_t l = 0; l < schedule.rounds[i].n; l++) {
			const struct flow_spec *spec = &schedule.rounds[i].specs[l];
			unsigned int ends = 1u << spec->from | 1u << spec->to;

			must(!(used & ends));
			used |= ends;
		}
	}
}

/* With company where that is needed, since a host on which nothing else goes on is another one. */
TEST(schedule_has_what_was_asked_for)
{
	for (unsigned int what = 1; what <= SCHEDULE_ALL; what++) {
		_cleanup_(cleanup_schedule) struct schedule schedule = {0};
		const unsigned int company = SCHEDULE_COMPANY;
		unsigned int had = 0;

		must(schedule_make(what, true, &nothing, &schedule) == 0);
		for (size_t i = 0; i < schedule.n; i++) {
			must(schedule.rounds[i].n >= 2);
			for (size_t l = 0; l < schedule.rounds[i].n; l++)
				had |= schedule_part(&schedule.rounds[i].specs[l]);
		}
		must((had & what) == what && !(had & ~(what | company)));
	}
}

static bool is_silent(const struct schedule_silence *silence, const struct flow_spec *spec)
{
	bool back = spec->from == SITE_J || spec->from == SITE_O;

	return flow_is_net(spec) &&
	       silence->silent[spec->path][back ? SCHEDULE_BACK : SCHEDULE_FORTH]
			      [spec->kind == FLOW_UDP ? SCHEDULE_UDP : SCHEDULE_TCP];
}

/* What a firewall keeps away is in no round, as company neither; everything else is. */
TEST(schedule_has_nothing_that_does_not_get_through)
{
	struct schedule_silence silence = {0};
	_cleanup_(cleanup_schedule) struct schedule some = {0}, none = {0}, disk = {0};
	size_t back = 0;

	silence.silent[SITE_UPLINK][SCHEDULE_FORTH][SCHEDULE_TCP] = true;
	silence.silent[SITE_UPLINK][SCHEDULE_FORTH][SCHEDULE_UDP] = true;
	silence.silent[SITE_LOCAL][SCHEDULE_BACK][SCHEDULE_UDP] = true;
	must(schedule_make(SCHEDULE_ALL, true, &silence, &some) == 0);
	for (size_t i = 0; i < some.n; i++) {
		for (size_t l = 0; l < some.rounds[i].n; l++) {
			const struct flow_spec *spec = &some.rounds[i].specs[l];

			must(!is_silent(&silence, spec));
			back += spec->path == SITE_UPLINK;
		}
	}
	ok(back > 0, "what comes in by the uplink is there");
	memset(&silence, true, sizeof(silence));
	must(schedule_make(SCHEDULE_ALL & ~SCHEDULE_DISK, true, &silence, &none) == 0);
	is_uint(none.n, 0);
	must(schedule_make(SCHEDULE_DISK, true, &silence, &disk) == 0);
	ok(disk.n > 0 && disk.rounds[0].n == 1, "the disk alone, without company");
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
	struct flow_spec specs[] = {
		{.kind = FLOW_READ, .from = SITE_K, .to = SITE_K, .size_bytes = 4096},
		{.kind = FLOW_UDP, .from = SITE_A, .to = SITE_B, .size_bytes = 22},
	};
	struct measure_figures figures = {
		.flows = {{.sent = 10}, {.sent = 1000}}, .host.own = 3e6, .unattributed = 7};

	figures.host.behalf[WIRE_TIMER] = 3e6;
	figures.host.behalf[WIRE_WORK] = 1e6;
	figures.host.behalf[WIRE_NET_RX] = 9e5;
	figures.rcu = 5e5;
	figures.workspaces[SITE_A].own = 5e6;
	figures.workspaces[SITE_B].behalf[WIRE_NET_RX] = 2e6;
	figures.workspaces[SITE_B].behalf[WIRE_RCU] = 1e6;
	must(operations_add(&all, &(struct operations_sample){specs, 2, &figures, "8:0"}) == 0);
	must(all.n == 3);
	is_str(all.all[0].target, "8:0");
	is_int(all.all[1].kind, PROFILE_SEND);
	is_str(all.all[1].target, "bridge");
	is_int((int)all.all[1].points[0].parts[PROFILE_OWN], 5000000);
	is_int((int)all.all[1].points[0].bytes, 64000);
	is_int(all.all[2].kind, PROFILE_RECEIVE);
	is_int((int)all.all[2].points[0].parts[PROFILE_NET_RX], 2000000);
	is_int((int)all.all[2].points[0].parts[PROFILE_REST], 1000000);
	must(all.n_rounds == 1 && all.rounds[OPERATIONS_HOST][0].n == 2);
	is_int((int)all.rounds[OPERATIONS_HOST][0].cost_ns, 3000000);
	is_int((int)all.others[0].threads_ns, 4000000);
	is_int((int)all.others[0].rcu_ns, 500000);
	is_int((int)all.rounds[OPERATIONS_HOST_NET][0].cost_ns, 900000);
	is_int((int)all.rounds[OPERATIONS_NOBODY][0].cost_ns, 7);
	is_int((int)all.rounds[OPERATIONS_HOST][0].loads[1].of, 1);
}

TEST(operations_leave_the_host_out_where_it_is_no_workspace)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	struct flow_spec spec = {
		.kind = FLOW_TCP, .path = SITE_LOCAL, .from = SITE_J, .to = SITE_A};
	struct flow_spec disk = {.kind = FLOW_WRITE, .buffered = true, .size_bytes = 4096};
	struct measure_figures figures = {.flows[0].sent = 10};

	must(operations_add(&all, &(struct operations_sample){&spec, 1, &figures, "8:0"}) == 0);
	must(all.n == 1);
	is_int(all.all[0].kind, PROFILE_RECEIVE);
	must(operations_add(&all, &(struct operations_sample){&disk, 1, &figures, "8:0"}) == 0);
	must(all.n == 2);
	is_int(all.all[1].mode, PROFILE_BUFFERED);
	is_str(all.all[1].target, "8:0");
}

/* Who is outside is no workspace, whatever it is charged. */
TEST(operations_leave_out_who_is_outside)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	struct flow_spec out = {.path = SITE_UPLINK, .from = SITE_E, .to = SITE_O};
	struct flow_spec in = {.path = SITE_UPLINK, .from = SITE_O, .to = SITE_E};
	struct measure_figures figures = {.flows[0].sent = 10};

	must(operations_add(&all, &(struct operations_sample){&out, 1, &figures, ""}) == 0);
	must(operations_add(&all, &(struct operations_sample){&in, 1, &figures, ""}) == 0);
	must(all.n == 2);
	is_int(all.all[0].kind, PROFILE_SEND);
	is_int(all.all[1].kind, PROFILE_RECEIVE);
	is_str(all.all[1].target, "uplink");
	is_int((int)all.rounds[OPERATIONS_HOST][1].loads[0].of, 1);
}

TEST(operations_know_what_the_page_cache_does)
{
	struct flow_spec read = {.kind = FLOW_READ, .buffered = true};
	struct flow_spec write = {.kind = FLOW_WRITE, .buffered = true};

	is_int(operations_mode(&read), PROFILE_RANDOM);
	is_int(operations_mode(&write), PROFILE_BUFFERED);
	read.sequential = write.synced = true;
	is_int(operations_mode(&read), PROFILE_BUFFERED);
	is_int(operations_mode(&write), PROFILE_SYNCED);
}

/* One of two loads, over the bridge or the host's network, the NUMBER-th of its kind. */
static void add_udp(int which, int number, struct flow_spec *spec, struct measure_figures *figures)
{
	static const struct flow_spec kinds[] = {
		{.kind = FLOW_UDP, .from = SITE_A, .to = SITE_B},
		{.kind = FLOW_UDP, .path = SITE_HOST, .from = SITE_H, .to = SITE_I},
	};
	size_t at = figures->flows[0].sent > 0 ? 1 : 0;

	*spec = kinds[which];
	spec->size_bytes = (uint32_t)(number * (which + 3) % 7 * 200 + 22);
	spec->rate = 250 << number * (which + 3) % (5 + which);
	figures->flows[at].sent = spec->rate;
	figures->host.behalf[WIRE_RCU] += (which ? 8000 : 16000) * fmin(spec->rate, 250);
	figures->workspaces[spec->from].own = 3000 * spec->rate;
	figures->workspaces[spec->to].own = 1000 * spec->rate;
}

/* Workspaces are charged what they are, and what the host is charged besides is shared by both sides. */
TEST(operations_make_a_profile)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	const struct profile_operation *send;

	profile->quantile = 0.95;
	profile->source = PROFILE_CALIBRATED;
	for (int i = 0; i < 40; i++) {
		/* a thread of the kernel's that runs now and then, a program that comes and goes */
		struct measure_figures figures = {.host.own = i % 4 == 1 ? 6e6 : 0,
						  .programs = i % 5 == 2 ? 1e8 : 0};
		struct flow_spec specs[2];
		size_t n = 0;

		figures.host.behalf[WIRE_TIMER] = 1e6 + figures.programs / 50;
		for (int l = 0; l < 2; l++) {
			/* what is there with one load, the other or both is the host's own */
			if (i % (4 - l) != 2)
				add_udp(l, i, &specs[n++], &figures);
		}
		must(operations_add(&all, &(struct operations_sample){specs, n, &figures, "8:0"}) ==
		     0);
	}
	must(operations_fit(&all, 1u << SITE_BRIDGE, profile) == 0);
	must(profile->n_operations == 2);
	send = profile_find(profile, PROFILE_SEND, PROFILE_UDP, "bridge", NULL);
	ok(is_about(send->cost[PROFILE_OWN].unit_ns, 3000), "%f", send->cost[PROFILE_OWN].unit_ns);
	/* the threads' mean is in the base, what the program costs is not */
	ok(fabs(profile->base.host_cpu_ns - 2.5e6) < 2e5, "%f", profile->base.host_cpu_ns);
	ok(fabs(profile->base.threads_cpu_ns - 1.5e6) < 1, "%f", profile->base.threads_cpu_ns);
	ok(fabs(profile->base.programs_share - 0.02) < 0.002, "%f", profile->base.programs_share);
	ok(profile->base.host_cpu_upper_ns >= profile->base.host_cpu_ns);
	ok(fabs(send->cost[PROFILE_HOST].wakeup_ns - 8000) < 1500, "%f",
	   send->cost[PROFILE_HOST].wakeup_ns);
	ok(fabs(send->points[0].cost_ns[PROFILE_PAYER_HOST] - 2e6) < 5e5, "%f",
	   send->points[0].cost_ns[PROFILE_PAYER_HOST]);
}

/* What one of the kernel's threads does for connections is told apart from its clock. */
TEST(operations_know_what_threads_do_for_connections)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	const struct profile_operation *send;

	profile->quantile = 0.95;
	profile->source = PROFILE_CALIBRATED;
	for (int i = 0; i < 60; i++) {
		struct measure_figures figures = {.host.behalf[WIRE_TIMER] = 1e6};
		struct flow_spec spec = {.kind = i % 2 ? FLOW_CONNECT : FLOW_TCP,
					 .from = SITE_A,
					 .to = SITE_B,
					 .size_bytes = 1000 + 100 * (uint32_t)(i % 7),
					 .rate = 500 + 100 * (i % 5)};

		figures.flows[0].sent = spec.rate;
		figures.workspaces[SITE_A].own = 3000 * spec.rate;
		figures.workspaces[SITE_B].own = 1000 * spec.rate;
		figures.host.behalf[WIRE_RCU] = i % 2 ? 10000 * 250 : 0;
		figures.rcu = i % 2 ? 4000 * 250 : 0;
		figures.host.own = (i % 4 == 1 ? 6e6 : 1e6) + figures.rcu;
		must(operations_add(&all, &(struct operations_sample){&spec, 1, &figures, "8:0"}) ==
		     0);
	}
	must(operations_fit(&all, 1u << SITE_BRIDGE, profile) == 0);
	send = profile_find(profile, PROFILE_SEND, PROFILE_TCP, "bridge", NULL);
	/* each side half of it, and of what RCU does in softirqs */
	ok(send->cost[PROFILE_HOST].connection_wakeup_ns > 5000 + 1900, "%f",
	   send->cost[PROFILE_HOST].connection_wakeup_ns);
	ok(is_about(send->connection_threads_ns, 2000), "%f", send->connection_threads_ns);
	/* the clock of the others, which has nothing to do with them, is all that is left */
	ok(is_about(profile->base.threads_cpu_ns, 2.25e6), "%f", profile->base.threads_cpu_ns);
	ok(profile->base.host_cpu_upper_ns >= profile->base.host_cpu_ns);
}

/* Pages that give way to what is read are freed by RCU, too; what is read past the page cache leaves none. */
TEST(operations_know_what_threads_do_for_the_page_cache)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	const struct profile_operation *read;

	profile->quantile = 0.95;
	profile->source = PROFILE_CALIBRATED;
	for (int i = 0; i < 60; i++) {
		struct measure_figures figures = {.host.behalf[WIRE_TIMER] = 1e6};
		struct flow_spec spec = {.kind = FLOW_READ,
					 .from = SITE_A,
					 .to = SITE_A,
					 .buffered = i % 2,
					 .sequential = i % 2,
					 .size_bytes = 4096 * (uint32_t)(1 + i % 7),
					 .rate = 500 + 100 * (i % 5)};
		double bytes = spec.rate * spec.size_bytes;

		figures.flows[0].sent = spec.rate;
		figures.workspaces[SITE_A].own = 3000 * spec.rate + 0.1 * bytes;
		figures.rcu = i % 2 ? 0.04 * bytes : 0;
		figures.host.own = 1e6 + figures.rcu;
		must(operations_add(&all, &(struct operations_sample){&spec, 1, &figures, "8:0"}) ==
		     0);
	}
	must(operations_fit(&all, SCHEDULE_DISK, profile) == 0);
	read = profile_find(profile, PROFILE_READ, PROFILE_BUFFERED, "8:0", NULL);
	ok(is_about(read->byte_threads_ns, 0.04), "%f", read->byte_threads_ns);
	ok(read->cost[PROFILE_HOST].byte_ns >= read->byte_threads_ns);
	read = profile_find(profile, PROFILE_READ, PROFILE_DIRECT, "8:0", NULL);
	ok(read->byte_threads_ns == 0);
	ok(is_about(profile->base.threads_cpu_ns, 1e6), "%f", profile->base.threads_cpu_ns);
}

/* What is done once a tick for all of them is not done twice because there are two loads. */
TEST(operations_know_that_the_host_has_one_tick_for_all_connections)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	const struct profile_operation *send;

	profile->quantile = 0.95;
	profile->source = PROFILE_CALIBRATED;
	for (int i = 0; i < 60; i++) {
		struct measure_figures figures = {.host.behalf[WIRE_TIMER] = 1e6};
		struct flow_spec specs[] = {
			{.kind = FLOW_CONNECT, .from = SITE_A, .to = SITE_B},
			{.kind = FLOW_CONNECT, .path = SITE_HOST, .from = SITE_H, .to = SITE_I},
			{.kind = FLOW_TCP, .from = SITE_A, .to = SITE_B, .size_bytes = 1000},
		};
		size_t n = i % 4 ? 1 + (size_t)(i % 2) : 0;

		for (size_t l = 0; l < n; l++) {
			figures.flows[l].sent = 400 + 100 * ((i + (int)l) % 7);
			figures.workspaces[specs[l].from].own = 3000 * figures.flows[l].sent;
			figures.workspaces[specs[l].to].own = 1000 * figures.flows[l].sent;
		}
		if (!n) {
			figures.flows[0].sent = 1000 + 10 * (i % 7);
			figures.workspaces[SITE_A].own = figures.workspaces[SITE_B].own = 3e6;
		} else {
			figures.host.behalf[WIRE_TIMER] += 16000 * 250;
		}
		must(operations_add(&all,
				    &(struct operations_sample){n ? specs : &specs[2], n ? n : 1,
								&figures, "8:0"}) == 0);
	}
	must(operations_fit(&all, 1u << SITE_BRIDGE, profile) == 0);
	send = profile_find(profile, PROFILE_SEND, PROFILE_TCP, "bridge", NULL);
	ok(fabs(send->cost[PROFILE_HOST].connection_wakeup_ns - 8000) < 600, "%f",
	   send->cost[PROFILE_HOST].connection_wakeup_ns);
}

/* What is charged to nobody is done for each load, as is forecast of it: two loads of connections, twice. */
TEST(operations_know_that_nobody_has_no_such_tick)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	const struct extrapolate_load load = {
		.connections = 2000, .busy = 0.1, .all_connections = 4000};
	const struct profile_operation *send;

	profile->quantile = 0.95;
	profile->source = PROFILE_CALIBRATED;
	profile->host.cpus = 2;
	for (int i = 0; i < 60; i++) {
		struct measure_figures figures = {.host.behalf[WIRE_TIMER] = 1e6};
		struct flow_spec specs[] = {
			{.kind = FLOW_CONNECT, .from = SITE_A, .to = SITE_B},
			{.kind = FLOW_CONNECT, .path = SITE_HOST, .from = SITE_H, .to = SITE_I},
			{.kind = FLOW_TCP, .from = SITE_A, .to = SITE_B, .size_bytes = 1000},
		};
		size_t n = i % 4 ? 1 + (size_t)(i % 2) : 0;

		for (size_t l = 0; l < n; l++) {
			figures.flows[l].sent = 2000 + 100 * ((i + (int)l) % 7);
			figures.workspaces[specs[l].from].own = 3000 * figures.flows[l].sent;
			figures.workspaces[specs[l].to].own = 1000 * figures.flows[l].sent;
			figures.unattributed += 16000 * 1000;
		}
		if (!n) {
			figures.flows[0].sent = 1000 + 10 * (i % 7);
			figures.workspaces[SITE_A].own = figures.workspaces[SITE_B].own = 3e6;
		}
		/* and a program of the host's takes a core */
		figures.programs = 1e9;
		must(operations_add(&all,
				    &(struct operations_sample){n ? specs : &specs[2], n ? n : 1,
								&figures, "8:0"}) == 0);
	}
	must(operations_fit(&all, 1u << SITE_BRIDGE, profile) == 0);
	send = profile_find(profile, PROFILE_SEND, PROFILE_TCP, "bridge", NULL);
	/* each of its two sides half of 16 ms/s, whoever else connects */
	ok(fabs((double)extrapolate_part(send, PROFILE_UNATTRIBUTED, &load) / 8e6 - 1) < 0.08, "%f",
	   (double)extrapolate_part(send, PROFILE_UNATTRIBUTED, &load));
	ok(send->busy > 0.5, "whoever uses the CPUs: %f", send->busy);
}

/* Packets that are nobody's come with some loads, and in some rounds; that tells nothing of what its clocks cost the host. */
TEST(operations_tell_the_hosts_receiving_from_its_clocks)
{
	_cleanup_(cleanup_operations) struct operations all = {0};
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	const struct profile_operation *send;

	profile->quantile = 0.95;
	profile->source = PROFILE_CALIBRATED;
	for (int i = 0; i < 60; i++) {
		struct measure_figures figures = {.host.behalf[WIRE_TIMER] = 1e6};
		struct flow_spec specs[2];
		size_t n = 0;

		for (int l = 0; l < 2; l++) {
			if (i % (4 - l) != 2)
				add_udp(l, i, &specs[n++], &figures);
		}
		figures.host.behalf[WIRE_NET_RX] = i % 5 < 2 ? 20e6 : 0;
		must(operations_add(&all, &(struct operations_sample){specs, n, &figures, "8:0"}) ==
		     0);
	}
	must(operations_fit(&all, 1u << SITE_BRIDGE, profile) == 0);
	send = profile_find(profile, PROFILE_SEND, PROFILE_UDP, "bridge", NULL);
	ok(fabs(send->cost[PROFILE_HOST].wakeup_ns - 8000) < 1500, "%f",
	   send->cost[PROFILE_HOST].wakeup_ns);
	ok(profile->base.host_cpu_ns < 4e6, "%f", profile->base.host_cpu_ns);
}

/* One load of 1000 packets per second over the bridge, TIMES as dear as the profile says. */
static void check_with(struct check *check, const struct profile *profile, double times)
{
	struct flow_spec spec = {.kind = FLOW_UDP, .from = SITE_A, .to = SITE_B, .size_bytes = 22};
	struct measure_figures figures = {.flows[0] = {.sent = 1000, .wakeups = 1000}};
	const struct operations_sample sample = {&spec, 1, &figures, "8:0"};

	figures.workspaces[SITE_A].own = times * 3e6;
	check_add(check, profile, SCHEDULE_ALL, &sample);
}

TEST(a_check_tells_how_far_off_a_profile_is)
{
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	struct profile_operation *operation = profile_add_operation(profile);
	struct check check = {0};

	profile->source = PROFILE_CALIBRATED;
	operation->kind = PROFILE_SEND;
	operation->mode = PROFILE_UDP;
	strcpy(operation->target, "bridge");
	operation->cost[PROFILE_OWN].unit_ns = 3000;
	ok(!check_holds(&check), "of nothing");
	check_with(&check, profile, 1.1);
	check_with(&check, profile, 1);
	is_int(check.all.loads, 2);
	/* receiving is not in this profile */
	is_int(check.all.unknown, 2);
	is_int(check.paths[SITE_BRIDGE].unknown, 2);
	ok(is_about(check_drift(&check.paths[SITE_BRIDGE]), 0.05));
	ok(check_holds(&check));
	check_with(&check, profile, 2);
	ok(!check_holds(&check), "%f", check_drift(&check.all));
}

/* How busy the host is is forecast, too: what is dearer than the profile says is no reason to expect more. */
TEST(a_check_does_not_expect_the_drift_that_it_looks_for)
{
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	struct profile_operation *operation = profile_add_operation(profile);
	struct check as_ever = {0}, dear = {0}, beside = {0};

	profile->source = PROFILE_CALIBRATED;
	profile->host.cpus = 1;
	operation->kind = PROFILE_SEND;
	operation->mode = PROFILE_UDP;
	strcpy(operation->target, "bridge");
	operation->cost[PROFILE_OWN].unit_ns = 3000;
	operation->busy_share = 1;
	operation->busy_most = 0.9;
	check_with(&as_ever, profile, 1);
	check_with(&dear, profile, 100);
	ok(is_about(dear.all.expected_ns, as_ever.all.expected_ns), "%f", dear.all.expected_ns);
	/* the host's own base is what it is */
	profile->base.host_cpu_ns = 0.3e9;
	check_with(&beside, profile, 1);
	ok(is_about(beside.all.expected_ns, as_ever.all.expected_ns + 0.3 * 3e6), "%f",
	   beside.all.expected_ns);
}

/* Of some paths nothing is built in, either. */
TEST(a_check_can_do_without_a_path)
{
	static const enum site_path paths[] = {SITE_LOCAL, SITE_FORWARD, SITE_UPLINK, SITE_DEVICE};
	static const enum flow_kind kinds[] = {FLOW_UDP, FLOW_TCP, FLOW_CONNECT};
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	struct measure_figures figures = {.flows[0].sent = 1000};
	struct check check = {0};

	profile->source = PROFILE_CALIBRATED;
	for (size_t i = 0; i < ARRAY_SIZE(paths) * ARRAY_SIZE(kinds); i++) {
		struct flow_spec spec = {.kind = kinds[i % ARRAY_SIZE(kinds)],
					 .path = paths[i / ARRAY_SIZE(kinds)],
					 .from = SITE_A,
					 .to = SITE_B,
					 .size_bytes = 22};

		check_add(&check, profile, SCHEDULE_ALL,
			  &(struct operations_sample){&spec, 1, &figures, "8:0"});
	}
	is_int(check.all.loads, 0);
	is_int(check.all.unknown, 24);
}

/* What runs beside it because a host has to be kept awake may cost what it likes. */
TEST(a_check_tells_of_what_was_asked_for)
{
	static const struct flow_spec specs[] = {
		{.kind = FLOW_UDP, .from = SITE_A, .to = SITE_B, .size_bytes = 22},
		{.kind = FLOW_READ, .from = SITE_C, .size_bytes = 4096},
	};
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();
	struct profile_operation *operation = profile_add_operation(profile);
	struct measure_figures figures = {.flows = {{.sent = 1000}, {.sent = 1000}}};
	const struct operations_sample sample = {specs, 2, &figures, "8:0"};
	struct check check = {0};

	profile->source = PROFILE_CALIBRATED;
	operation->kind = PROFILE_READ;
	operation->mode = PROFILE_DIRECT;
	strcpy(operation->target, "8:0");
	operation->cost[PROFILE_OWN].unit_ns = 3000;
	figures.workspaces[SITE_A].own = 9e6;
	figures.workspaces[SITE_C].own = 3e6;
	check_add(&check, profile, SCHEDULE_DISK, &sample);
	is_int(check.all.loads, 1);
	is_int(check.all.unknown, 0);
	ok(is_about(check.all.measured_ns, 3e6));
	ok(check_holds(&check));
}

/* How many loads of the disk are in the four rounds that tell most of WHAT. */
static size_t loads_of_disk(const struct schedule *schedule, unsigned int what)
{
	size_t chosen[4], n = check_choose(schedule, what, 4, chosen), disk = 0;

	for (size_t i = 0; i < n; i++) {
		const struct schedule_round *round = &schedule->rounds[chosen[i]];

		for (size_t k = 0; k < round->n; k++)
			disk += !flow_is_net(&round->specs[k]);
	}
	return disk;
}

TEST(a_check_chooses_rounds_of_what_was_asked_for)
{
	static const struct schedule_silence silence;
	struct schedule schedule = {0};
	size_t disk;

	must(schedule_make(SCHEDULE_DISK | 1u << SITE_BRIDGE, false, &silence, &schedule) == 0);
	disk = loads_of_disk(&schedule, SCHEDULE_DISK);
	ok(disk >= 4, "%zu", disk);
	ok(loads_of_disk(&schedule, 1u << SITE_BRIDGE) < disk, "%zu", disk);
	schedule_free(&schedule);
}

TEST(a_check_tells_of_every_path)
{
	static const struct schedule_silence silence;
	struct schedule schedule = {0};
	size_t chosen[8], told[CHECK_PATHS] = {0};

	must(schedule_make(SCHEDULE_ALL, false, &silence, &schedule) == 0);
	is_int(check_choose(&schedule, SCHEDULE_ALL, 8, chosen), 8);
	for (size_t i = 0; i < 8; i++) {
		const struct schedule_round *round = &schedule.rounds[chosen[i]];

		for (size_t k = 0; k < i; k++)
			ok(chosen[i] != chosen[k]);
		for (size_t k = 0; k < round->n; k++)
			told[flow_is_net(&round->specs[k]) ? round->specs[k].path : SITE_PATHS]++;
	}
	for (size_t i = 0; i < CHECK_PATHS; i++)
		ok(told[i] >= CHECK_PATH_LOADS, "%zu: %zu", i, told[i]);
	schedule_free(&schedule);
}

TEST(trust_is_lost_when_others_work)
{
	struct trust trust = {.cpus = 2};
	struct measure_figures quiet = {.host.own = 0.2e9}, busy = {.others = 1e9};
	struct measure_figures stolen = {.stolen = 0.3e9};
	char why[200] = "";

	ok(!trust_is_disturbed(&quiet));
	ok(trust_is_disturbed(&busy));
	for (int i = 0; i < 20; i++)
		trust_add(&trust, &quiet);
	ok(!trust_is_lost(&trust, why, sizeof(why)), "%s", why);
	for (int i = 0; i < 3; i++)
		trust_add(&trust, &busy);
	ok(trust_is_lost(&trust, why, sizeof(why)));
	ok(strstr(why, "others used 7%"), "%s", why);
	trust = (struct trust){.cpus = 2};
	trust_add(&trust, &stolen);
	ok(trust_is_lost(&trust, why, sizeof(why)));
	ok(strstr(why, "hypervisor"), "%s", why);
}
