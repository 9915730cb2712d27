// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <string.h>

#include "base/cleanup.h"
#include "plan/extrapolate.h"

static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

/* A profile whose sums can be done by head: of a network path and of a disk. */
static struct profile *example(void)
{
	struct profile *profile = profile_new();
	struct profile_operation *operation = profile_add_operation(profile);

	profile->source = PROFILE_CALIBRATED;
	profile->base.workspace_ns = 7;
	operation->kind = PROFILE_SEND;
	operation->mode = PROFILE_UDP;
	strcpy(operation->target, "bridge");
	operation->cost[PROFILE_OWN] = (struct profile_cost){1000, 0.5, 20000, 500};
	operation->cost[PROFILE_NET_RX] = (struct profile_cost){.unit_ns = 800};
	operation->cost[PROFILE_HOST] = (struct profile_cost){.unit_ns = 10};
	operation->cost[PROFILE_UNATTRIBUTED] = (struct profile_cost){.byte_ns = 0.001};
	operation->gap_ns = 1e6;
	operation->host_gap_ns = 4e6;
	operation->fit[PROFILE_PAYER_WORKSPACE].upper = 1.5;
	operation->fit[PROFILE_PAYER_HOST].upper = 2;
	operation->size_least_bytes = 100;
	operation->size_most_bytes = 1600;
	operation = profile_add_operation(profile);
	operation->kind = PROFILE_SEND;
	operation->mode = PROFILE_TCP;
	strcpy(operation->target, "bridge");
	operation->cost[PROFILE_OWN].unit_ns = 5000;
	operation = profile_add_operation(profile);
	operation->kind = PROFILE_WRITE;
	operation->mode = PROFILE_DIRECT;
	strcpy(operation->target, "8:0");
	operation->cost[PROFILE_OWN].unit_ns = 10000;
	operation->cost[PROFILE_BLOCK].byte_ns = 0.1;
	return profile;
}

TEST(a_cost_is_coefficient_times_rate)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	const struct profile_operation *send = &profile->operations[0];
	struct extrapolate_load load = {500, 100000, 3};

	/* 500 wakeups: fewer than one in a millisecond */
	is_uint(extrapolate_part(send, PROFILE_OWN, &load), 500000 + 50000 + 60000 + 250000);
	is_uint(extrapolate_part(send, PROFILE_NET_RX, &load), 400000);
	is_uint(extrapolate_part(send, PROFILE_TIMER, &load), 0);
	is_uint(extrapolate_expected(send, PROFILE_PAYER_WORKSPACE, &load), 1260000);
	is_uint(extrapolate_upper(send, PROFILE_PAYER_WORKSPACE, &load), 1890000);
	is_uint(extrapolate_expected(send, PROFILE_PAYER_HOST, &load), 5000);
	is_uint(extrapolate_upper(send, PROFILE_PAYER_HOST, &load), 10000);
	is_uint(extrapolate_expected(send, PROFILE_PAYER_UNATTRIBUTED, &load), 100);
	/* and never more than one in a millisecond */
	load = (struct extrapolate_load){.units = 5000};
	is_uint(extrapolate_part(send, PROFILE_OWN, &load), 5000000 + 500000);
	/* a part of an ncore is a whole one */
	load = (struct extrapolate_load){.bytes = 1};
	is_uint(extrapolate_part(send, PROFILE_UNATTRIBUTED, &load), 1);
}

/* The more wake up, the fewer find a CPU asleep; but all together never cost less. */
TEST(company_keeps_cpus_awake)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct profile_operation *send = &profile->operations[0];
	struct extrapolate_load load = {.units = 500};
	uint64_t before = 0;

	send->cost[PROFILE_OWN] = (struct profile_cost){.asleep_ns = 3000};
	send->awake_per_s = 1000;
	send->asleep_share = 0.1;
	is_uint(extrapolate_part(send, PROFILE_OWN, &load), 150000);
	load.company = 1000;
	is_uint(extrapolate_part(send, PROFILE_OWN, &load), 750000);
	for (uint64_t n = 1; n < 50; n++) {
		uint64_t all;

		load.company = 500.0 * (double)n;
		all = n * extrapolate_part(send, PROFILE_OWN, &load);
		must(all > before);
		before = all;
	}
}

/* The more of the CPUs are in use, as far as that was measured; of the host's part it makes no difference. */
TEST(io_is_dearer_on_a_host_in_use)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct profile_operation *send = &profile->operations[0];
	struct extrapolate_load load = {.units = 5000};

	is_uint(extrapolate_part(send, PROFILE_NET_RX, &load), 4000000);
	send->busy_share = 0.5;
	send->busy = 0.1;
	send->busy_most = 0.4;
	is_uint(extrapolate_part(send, PROFILE_NET_RX, &load), 4200000);
	is_uint(extrapolate_upper_part(send, PROFILE_NET_RX, &load), 6300000);
	load.busy = 0.2;
	is_uint(extrapolate_part(send, PROFILE_NET_RX, &load), 4400000);
	is_uint(extrapolate_part(send, PROFILE_HOST, &load), 50000);
	load.busy = 0.9;
	is_uint(extrapolate_part(send, PROFILE_NET_RX, &load), 4800000);
	/* the worst case is no cheaper than a host all of which is in use */
	send->fit[PROFILE_PAYER_WORKSPACE].upper = 1.01;
	load.busy = 0;
	is_uint(extrapolate_upper_part(send, PROFILE_NET_RX, &load), 4800000);
}

/* What the host does for connections it does for all at once; the worst case is who has them all. */
TEST(the_host_has_one_tick_for_all_connections)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct profile_operation *send = &profile->operations[0];
	struct extrapolate_load load = {.connections = 1000};

	send->cost[PROFILE_HOST] = (struct profile_cost){.connection_wakeup_ns = 8000};
	send->connection_threads_ns = 2000;
	is_uint(extrapolate_part(send, PROFILE_HOST, &load), 2000000);
	load.all_connections = 4000;
	is_uint(extrapolate_part(send, PROFILE_HOST, &load), 500000);
	is_uint(extrapolate_threads(send, &load), 125000);
	load.bytes = 1000;
	send->byte_threads_ns = 0.5;
	is_uint(extrapolate_threads(send, &load), 125500);
	load.bytes = 0;
	load.connections = 20;
	load.all_connections = 100;
	is_uint(extrapolate_part(send, PROFILE_HOST, &load), 160000);
	load.all_connections = 0;
	is_uint(extrapolate_upper_part(send, PROFILE_HOST, &load), 320000);
}

/* What is expected of one who is alone is dearer than what was measured in company; the worst case is not cheaper. */
TEST(the_worst_case_is_never_below_what_is_expected)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct profile_operation *send = &profile->operations[0];
	uint64_t before = 0;

	send->cost[PROFILE_OWN] = (struct profile_cost){.unit_ns = 100, .asleep_ns = 3000};
	send->awake_per_s = 1000;
	send->asleep_share = 0.1;
	for (double units = 1; units < 1e5; units *= 1.0001) {
		struct extrapolate_load load = {.units = units, .company = units};
		const struct extrapolate_load worst = {.units = units};
		uint64_t upper = extrapolate_upper_part(send, PROFILE_OWN, &worst);

		must(upper >= extrapolate_part(send, PROFILE_OWN, &load));
		must(upper >= before);
		before = upper;
	}
}

/* Who is woken beside others finds nothing where he left it: dearer, but never than the worst case. */
TEST(company_makes_wakeups_dearer_as_well)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct profile_operation *send = &profile->operations[0];
	struct extrapolate_load load = {.units = 500, .company = 1000};
	uint64_t before = 0;

	send->cost[PROFILE_OWN] = (struct profile_cost){.asleep_ns = 1000, .crowded_ns = 3000};
	send->awake_per_s = 1000;
	send->asleep_share = 0.4;
	is_uint(extrapolate_part(send, PROFILE_OWN, &load), 250000 + 750000);
	load.company = 3000;
	is_uint(extrapolate_part(send, PROFILE_OWN, &load), 125000 + 1125000);
	load.company = 0;
	is_uint(extrapolate_part(send, PROFILE_OWN, &load), 200000 + 900000);
	send->fit[PROFILE_PAYER_WORKSPACE].upper = 1.1;
	is_uint(extrapolate_upper_part(send, PROFILE_OWN, &load), 1500000);
	for (double units = 1; units < 1e4; units *= 1.001) {
		const struct extrapolate_load worst = {.units = units};
		uint64_t upper = extrapolate_upper_part(send, PROFILE_OWN, &worst);

		for (double others = 1; others < 1e6; others *= 3) {
			load = (struct extrapolate_load){.units = units, .company = units + others};
			must(upper >= extrapolate_part(send, PROFILE_OWN, &load));
		}
		must(upper >= before);
		before = upper;
	}
}

TEST(a_workspace_needs_its_reserve_and_its_io)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct extrapolate_assumptions assumptions = {.protocol = EXTRAPOLATE_UDP};
	struct terms terms = {.cpu.reserve_mcores = 250};
	struct extrapolate_need need;

	terms.net[TERMS_EGRESS].reserve_bps = 8000000;
	terms.net[TERMS_EGRESS].packet_bytes = 1000;
	terms.net[TERMS_EGRESS].packet_worst_bytes = 100;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(need.reserve, 250000000);
	/* 1000 packets and 1000000 bytes; at worst 10000 packets, half as much again */
	is_uint(need.expected[PROFILE_OWN], 1000000 + 500000 + 500000);
	is_uint(need.expected[PROFILE_NET_RX], 800000);
	is_uint(need.worst[PROFILE_OWN], (10000000 + 500000 + 500000) * 3 / 2);
	is_uint(need.worst[PROFILE_NET_RX], 12000000);
	is_uint(need.charge_expected, 250000000 + 2800000);
	is_uint(need.charge_worst, 250000000 + 16500000 + 12000000);
	is_uint(need.host_expected, 7 + 10000 + 1000);
	is_uint(need.host_worst, 7 + 200000 + 1000);
	ok(!need.borrowed && !need.outside && !need.limited);
	/* TCP is dearer by the packet in this profile, so the worst case is its */
	assumptions.protocol = EXTRAPOLATE_ANY;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(need.charge_expected, 250000000 + 2800000);
	is_uint(need.charge_worst, 250000000 + 50000000);
	terms.cpu.limit_mcores = 251;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	ok(need.limited);
	is_uint(need.charge_expected, 251000000);
	is_uint(need.charge_worst, 251000000);
}

TEST(a_limit_cuts_own_and_behalf_alike_but_not_the_reserve)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct extrapolate_assumptions assumptions = {.protocol = EXTRAPOLATE_UDP};
	struct terms terms = {.cpu.reserve_mcores = 250};
	struct extrapolate_need need;

	terms.net[TERMS_EGRESS].reserve_bps = 8000000;
	terms.net[TERMS_EGRESS].packet_bytes = 1000;
	terms.net[TERMS_EGRESS].packet_worst_bytes = 100;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(extrapolate_behalf_worst(&need), 12000000);
	/* 19 of 28.5 million are left for it */
	terms.cpu.limit_mcores = 269;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(extrapolate_behalf_worst(&need), 8000000);
	/* nothing but the reserve */
	terms.cpu.limit_mcores = 250;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(extrapolate_behalf_worst(&need), 0);
}

TEST(what_was_not_measured_is_told)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct extrapolate_assumptions assumptions = {0};
	struct terms terms = {0};

	terms.net[TERMS_EGRESS].reserve_bps = 1000000;
	ok(!extrapolate_workspace(&terms, profile, &assumptions).borrowed);
	terms.net[TERMS_EGRESS].packet_bytes = 9000;
	ok(extrapolate_workspace(&terms, profile, &assumptions).outside);
	strcpy(terms.path, "macvlan");
	ok(extrapolate_workspace(&terms, profile, &assumptions).borrowed);
}

TEST(the_other_end_of_a_bridge)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct extrapolate_assumptions assumptions = {.protocol = EXTRAPOLATE_UDP};
	struct profile_operation *outside = profile_add_operation(profile);
	struct terms terms = {0};

	outside->kind = PROFILE_SEND;
	strcpy(outside->target, "forward");
	outside->cost[PROFILE_OWN].unit_ns = 3000;
	terms.net[TERMS_EGRESS] = (struct terms_net){
		.reserve_bps = 8000000, .packet_bytes = 1000, .packet_worst_bytes = 1000};
	/* whoever it is: as expected another workspace where somebody outside was not measured, at worst the dearest */
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_expected, 2800000);
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_worst, 4200000);
	assumptions.peer = "forward";
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_expected, 3000000);
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_worst, 3000000);
	/* what was not measured is as if it were another workspace */
	assumptions.peer = "local";
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_expected, 2800000);
	/* where that was measured, expected is somebody outside; whoever is dearer counts at worst all the same */
	assumptions.peer = NULL;
	outside = profile_add_operation(profile);
	outside->kind = PROFILE_SEND;
	strcpy(outside->target, "uplink");
	outside->cost[PROFILE_OWN].unit_ns = 2500;
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_expected, 2500000);
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_worst, 4200000);
	assumptions.peer = "bridge";
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_expected, 2800000);
	/* and only a bridge has other ends */
	assumptions.peer = "forward";
	strcpy(terms.path, "macvlan");
	ok(extrapolate_workspace(&terms, profile, &assumptions).borrowed);
}

/* Who is dear for the workspace is not at the same time somebody else, who is dear for the host. */
TEST(a_flow_has_one_other_end)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct extrapolate_assumptions assumptions = {.protocol = EXTRAPOLATE_UDP};
	struct profile_operation *outside = profile_add_operation(profile);
	struct terms terms = {0};
	struct extrapolate_need need;

	outside->kind = PROFILE_SEND;
	strcpy(outside->target, "forward");
	outside->cost[PROFILE_OWN].unit_ns = 4300;
	outside->cost[PROFILE_HOST].unit_ns = 10;
	terms.net[TERMS_EGRESS] = (struct terms_net){
		.reserve_bps = 8000000, .packet_bytes = 1000, .packet_worst_bytes = 1000};
	need = extrapolate_workspace(&terms, profile, &assumptions);
	/* within the bridge the host has 20000 + 1000 and the workspace 4200000 */
	is_uint(need.charge_worst, 4300000);
	is_uint(need.worst[PROFILE_HOST], 20000);
	/* 10000 at the dearest for the workspace; but 10000 + 1000 are expected, within the bridge */
	is_uint(need.host_worst, 7 + 10000 + 1000);
	outside->cost[PROFILE_OWN].unit_ns = 4205;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(need.charge_worst, 4205000);
	is_uint(need.host_worst, 7 + 16000);
	/* held back, it is at its limit whoever that is, and the host at its dearest */
	terms.cpu.limit_mcores = 1;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(need.charge_worst, 1000000);
	is_uint(need.host_worst, 7 + 20000 + 1000);
}

/* Company makes what is expected of the host cheaper: nothing that a worst case may count on. */
TEST(the_hosts_worst_case_has_no_company)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct extrapolate_assumptions assumptions = {.protocol = EXTRAPOLATE_UDP, .company = 1000};
	struct profile_operation *outside = profile_add_operation(profile);
	struct terms terms = {0};
	struct extrapolate_need few, many;

	profile->operations[0].cost[PROFILE_HOST].asleep_ns = 3000;
	profile->operations[0].awake_per_s = 1000;
	outside->kind = PROFILE_SEND;
	strcpy(outside->target, "forward");
	outside->cost[PROFILE_OWN].unit_ns = 1000000;
	terms.net[TERMS_EGRESS] = (struct terms_net){
		.reserve_bps = 8000000, .packet_bytes = 1000, .packet_worst_bytes = 1000};
	few = extrapolate_workspace(&terms, profile, &assumptions);
	assumptions.company = 100000;
	many = extrapolate_workspace(&terms, profile, &assumptions);
	ok(many.host_expected < few.host_expected);
	is_uint(many.charge_worst, few.charge_worst);
	is_uint(many.host_worst, few.host_worst);
	is_uint(few.host_worst, few.host_expected);
}

/* A device that only stood in for one costs no less, in the worst case, than what is built in. */
TEST(a_stand_in_is_no_device)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct extrapolate_assumptions assumptions = {.protocol = EXTRAPOLATE_UDP};
	struct profile_operation *device = profile_add_operation(profile);
	struct extrapolate_need measured, stood_in;
	struct terms terms = {.path = "device"};

	device->kind = PROFILE_SEND;
	strcpy(device->target, "device");
	device->cost[PROFILE_OWN].unit_ns = 100;
	terms.net[TERMS_EGRESS].reserve_bps = 8000000;
	measured = extrapolate_workspace(&terms, profile, &assumptions);
	device->stand_in = true;
	stood_in = extrapolate_workspace(&terms, profile, &assumptions);
	ok(!measured.stand_in && stood_in.stand_in && !stood_in.borrowed);
	is_uint(stood_in.charge_expected, measured.charge_expected);
	ok(stood_in.charge_worst > 10 * measured.charge_worst);
}

/* Read ahead and written back in the background, at worst neither: where that was measured. */
TEST(what_the_page_cache_does)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct extrapolate_assumptions assumptions = {0};
	struct profile_operation *added;
	struct terms terms = {.n_disks = 1};
	struct extrapolate_need need;

	for (int synced = 0; synced < 2; synced++) {
		added = profile_add_operation(profile);
		added->kind = PROFILE_WRITE;
		added->mode = synced ? PROFILE_SYNCED : PROFILE_BUFFERED;
		strcpy(added->target, "8:0");
		added->cost[PROFILE_WRITEBACK].unit_ns = synced ? 0 : 3000;
		added->cost[PROFILE_OWN].unit_ns = synced ? 9000 : 1000;
	}
	strcpy(terms.disks[0].device, "8:0");
	terms.disks[0].flow[TERMS_WRITE] =
		(struct terms_disk_flow){.reserve_iops = 1000, .buffered = true};
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(need.expected[PROFILE_WRITEBACK], 3000000);
	is_uint(need.charge_expected, 4000000);
	is_uint(need.charge_worst, 9000000);
	assumptions.cache = EXTRAPOLATE_CACHE_HELPS;
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_worst, 4000000);
	assumptions.cache = EXTRAPOLATE_CACHE_HINDERS;
	is_uint(extrapolate_workspace(&terms, profile, &assumptions).charge_expected, 9000000);
	/* there is no such choice without the cache */
	terms.disks[0].flow[TERMS_WRITE].buffered = false;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(need.expected[PROFILE_BLOCK], 6553600);
}

static const char *always_first(const void *host, const char *device)
{
	ok(host == (const void *)1);
	is_str(device, "/dev/vda");
	return "8:0";
}

TEST(a_disk_may_be_asked_for_bytes_or_requests)
{
	_cleanup_(cleanup_profile) struct profile *profile = example();
	struct extrapolate_assumptions assumptions = {.disk_target = always_first,
						      .host = (const void *)1};
	struct terms terms = {.n_disks = 1};
	struct terms_disk_flow *flow = &terms.disks[0].flow[TERMS_WRITE];
	struct extrapolate_need need;

	strcpy(terms.disks[0].device, "/dev/vda");
	flow->reserve_bytes = 10000000;
	flow->request_bytes = 10000;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(need.expected[PROFILE_OWN], 1000 * 10000);
	is_uint(need.expected[PROFILE_BLOCK], 1000000);
	flow->reserve_iops = 5000;
	need = extrapolate_workspace(&terms, profile, &assumptions);
	is_uint(need.expected[PROFILE_OWN], 5000 * 10000);
	is_uint(need.expected[PROFILE_BLOCK], 5000000);
	ok(!need.borrowed);
}

static struct terms random_terms(void)
{
	static const char *const paths[] = {"", "bridge", "macvlan", "host", "device"};
	struct terms terms = {.n_disks = (unsigned int)random_below(3)};

	terms.cpu.reserve_mcores = (uint32_t)random_below(4000);
	if (random_below(4) == 0)
		terms.cpu.limit_mcores = terms.cpu.reserve_mcores + (uint32_t)random_below(1000);
	strcpy(terms.path, paths[random_below(ARRAY_SIZE(paths))]);
	for (int i = 0; i < TERMS_DIRECTIONS; i++) {
		terms.net[i].reserve_bps = random_below(2) * random_below(2000000000);
		terms.net[i].packet_bytes = (uint32_t)(random_below(2) * (60 + random_below(1500)));
		terms.net[i].packet_worst_bytes =
			(uint32_t)(random_below(2) * (60 + random_below(1500)));
		terms.net[i].connections = (uint32_t)(random_below(2) * random_below(5000));
	}
	for (unsigned int i = 0; i < terms.n_disks; i++) {
		for (int access = 0; access < TERMS_ACCESSES; access++) {
			struct terms_disk_flow *flow = &terms.disks[i].flow[access];

			flow->reserve_bytes = random_below(2) * random_below(500000000);
			flow->reserve_iops = (uint32_t)(random_below(2) * random_below(20000));
			flow->request_bytes =
				(uint32_t)(random_below(2) * (512 + random_below(1 << 20)));
			flow->buffered = random_below(2);
		}
	}
	return terms;
}

/* One of the promises is raised, or packets may be smaller. */
static void promise_more(struct terms *terms)
{
	struct terms_net *net = &terms->net[random_below(2)];
	struct terms_disk_flow *flow = &terms->disks[random_below(2)].flow[random_below(2)];

	switch (random_below(7)) {
	case 0:
		terms->cpu.reserve_mcores += (uint32_t)random_below(100);
		break;
	case 1:
		net->reserve_bps += random_below(1000) * random_below(1000);
		break;
	case 2:
		net->connections += (uint32_t)random_below(100);
		break;
	case 3:
		if (net->packet_bytes > 60)
			net->packet_bytes--;
		break;
	case 4:
		if (net->packet_worst_bytes > 60)
			net->packet_worst_bytes -= (uint32_t)random_below(2);
		break;
	case 5:
		flow->reserve_bytes += random_below(1000) * random_below(1000);
		break;
	default:
		flow->reserve_iops += (uint32_t)random_below(50);
	}
}

static bool needs_no_less(const struct extrapolate_need *more, const struct extrapolate_need *less)
{
	return more->charge_expected >= less->charge_expected &&
	       more->charge_worst >= less->charge_worst &&
	       more->host_expected >= less->host_expected &&
	       more->charge_worst + more->host_worst >= less->charge_worst + less->host_worst;
}

TEST(more_terms_never_need_less)
{
	_cleanup_(cleanup_profile) struct profile *measured = example(),
						  *built_in = profile_built_in();
	struct extrapolate_assumptions assumptions = {0};

	seed = 5;
	for (int round = 0; round < 20000; round++) {
		const struct profile *profile = random_below(2) ? measured : built_in;
		struct terms terms = random_terms();
		struct extrapolate_need before, after;

		assumptions.protocol = (enum extrapolate_protocol)random_below(3);
		before = extrapolate_workspace(&terms, profile, &assumptions);
		must(before.charge_worst >= before.charge_expected &&
			     before.host_worst >= before.host_expected,
		     "round %d: the worst is no better", round);
		promise_more(&terms);
		after = extrapolate_workspace(&terms, profile, &assumptions);
		must(needs_no_less(&after, &before), "round %d", round);
	}
}

TEST(absurd_terms_do_not_overflow)
{
	_cleanup_(cleanup_profile) struct profile *profile = profile_built_in();
	struct extrapolate_assumptions assumptions = {0};
	struct terms terms = {.cpu.reserve_mcores = 4096000};
	struct extrapolate_need need;

	for (int i = 0; i < TERMS_DIRECTIONS; i++) {
		terms.net[i].reserve_bps = UINT64_MAX;
		terms.net[i].packet_worst_bytes = 1;
		terms.net[i].connections = UINT32_MAX;
	}
	need = extrapolate_workspace(&terms, profile, &assumptions);
	ok(need.charge_worst > UINT64_C(10000000000000000));
	ok(need.charge_worst >= need.charge_expected);
	is_uint(ncores_add(UINT64_MAX - 1, 2), UINT64_MAX);
	is_uint(ncores_times(UINT64_MAX / 2, 3), UINT64_MAX);
	is_uint(ncores_times(5, 3), 15);
}
