// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "plan/admission.h"
#include "plan/advice.h"
#include "plan/words.h"
#include "plan_example.h"

static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

struct example {
	struct profile *profile;
	struct plan_host *host;
	struct plan_request request;
};

static void free_example(struct example *e)
{
	profile_free(e->profile);
	plan_host_free(e->host);
}

static void make_example(struct example *e, const struct plan_workspace *workspaces, size_t n)
{
	e->profile = example_profile();
	e->host = example_host(e->profile);
	e->request = (struct plan_request){
		.host = e->host,
		.profile = e->profile,
		.workspaces = workspaces,
		.n_workspaces = n,
	};
}
#define _cleanup_example_ _cleanup_(free_example)

static struct plan *plan(const struct plan_request *request)
{
	struct plan *made = NULL;
	struct error err = {0};

	ok(plan_make(request, &made, &err) == 0, "%s", err.text);
	return made;
}

static const struct plan_resource *resource(const struct plan *plan, enum plan_resource_kind kind)
{
	for (size_t i = 0; i < plan->n_resources; i++) {
		if (plan->resources[i].kind == kind)
			return &plan->resources[i];
	}
	return NULL;
}

TEST(needs_of_all_are_added_to_the_hosts)
{
	struct plan_workspace workspaces[] = {
		example_workspace("a", 500, 80000000), /* 10000 packets */
		example_workspace("b", 100, 0),
	};
	_cleanup_example_ struct example e;
	_cleanup_(cleanup_plan) struct plan *made = NULL;

	make_example(&e, workspaces, 2);
	workspaces[1].count = 3;
	e.profile->base = (struct profile_base){1000, 0, 2000, 10};
	e.request.host_ncores = 50000000;
	made = plan(&e.request);
	is_uint(made->needs[0].charge_expected, 500000000 + 20000000);
	is_uint(made->needs[0].charge_worst, 500000000 + 25000000);
	is_uint(made->needs[1].charge_worst, 100000000);
	is_uint(made->charge_worst, 525000000 + 300000000);
	is_uint(made->n_instances, 4);
	is_uint(made->host_expected.base, 4000);
	is_uint(made->host_worst.base, 8000);
	is_uint(made->host_worst.io, 4 * 10 + 1000000);
	is_uint(made->host_worst.total, 8000 + 50000000 + 1000040);
	is_uint(made->resources[0].asked, made->charge_worst + made->host_worst.total);
	is_uint(made->resources[0].capacity, 4 * CORE);
	ok(made->admitted);
	is_uint(made->n_sets, 2);
	is_uint(made->sets[1].capacity, 2 * CORE);
	is_int(made->sets[1].node, 1);
	/* what may run anywhere is not confined to a node; what is left there is all but what is kept */
	is_uint(made->sets[0].confined, 4000);
	is_uint(made->sets[0].left, 2 * CORE - 4000);
}

TEST(each_resource_is_checked)
{
	static const struct {
		enum plan_resource_kind kind;
		const char *sentence;
	} cases[] = {
		{PLAN_CPU,
		 "CPU: the workspaces and the host need 4.500 cores of 4, 0.500 too much"},
		{PLAN_MEMORY, "memory: 9 GiB are needed of 8 GiB, 1 GiB too much"},
		{PLAN_EGRESS,
		 "link eth0: 1.25 gbit/s of egress are promised of 1 gbit/s, 250 mbit/s "
		 "too much"},
		{PLAN_INGRESS,
		 "link eth0: 1.10 gbit/s of ingress are promised of 1 gbit/s, 100 mbit/s "
		 "too much"},
		{PLAN_DISK, "disk /dev/sda: the promises take 150% of its time, 50% too much"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plan_workspace w = example_workspace("a", 1000, 0);
		_cleanup_example_ struct example e;
		_cleanup_(cleanup_plan) struct plan *made = NULL;
		_cleanup_free_ char *sentence = NULL;

		make_example(&e, &w, 1);
		if (cases[i].kind == PLAN_CPU)
			w.terms.cpu.reserve_mcores = 4500;
		else if (cases[i].kind == PLAN_MEMORY)
			w.terms.memory.reserve_bytes = UINT64_C(9) << 30;
		else if (cases[i].kind == PLAN_EGRESS)
			w.terms.net[TERMS_EGRESS].reserve_bps = 1250000000;
		else if (cases[i].kind == PLAN_INGRESS) {
			w.terms.net[TERMS_INGRESS].reserve_bps = 1100000000;
			w.terms.net[TERMS_INGRESS].packet_worst_bytes = 1000;
		} else {
			w.terms.n_disks = 1;
			w.terms.disks[0].flow[TERMS_READ].reserve_bytes = 100000000;
			w.terms.disks[0].flow[TERMS_WRITE].reserve_iops = 5000;
			w.terms.disks[0].flow[TERMS_WRITE].request_bytes = 4096;
		}
		made = plan(&e.request);
		ok(!made->admitted);
		must(resource(made, cases[i].kind));
		sentence = plan_refusal(resource(made, cases[i].kind));
		is_str(sentence, cases[i].sentence);
	}
}

TEST(what_nobody_measured_is_not_checked)
{
	struct plan_workspace w = example_workspace("a", 10, 2000000000);
	_cleanup_example_ struct example e;
	_cleanup_(cleanup_plan) struct plan *made = NULL;

	make_example(&e, &w, 1);
	e.host->uplink_bps = 0;
	w.terms.n_disks = 1;
	strcpy(w.terms.disks[0].device, "/dev/nowhere");
	w.terms.disks[0].flow[TERMS_READ].reserve_bytes = 10000000;
	made = plan(&e.request);
	ok(made->admitted);
	ok(!resource(made, PLAN_EGRESS)->known);
	ok(!resource(made, PLAN_DISK)->known);
	is_str(resource(made, PLAN_DISK)->name, "/dev/nowhere");
	is_uint(made->n_borrowed, 1);
}

/* What others use makes the same promise dearer to expect; the worst case has no use for who they are. */
TEST(what_is_expected_knows_how_busy_the_host_will_be)
{
	struct plan_workspace workspaces[] = {
		example_workspace("a", 0, 80000000),
		example_workspace("b", 2000, 0),
	};
	_cleanup_example_ struct example e;
	_cleanup_(cleanup_plan) struct plan *alone = NULL, *both = NULL, *turned = NULL;

	make_example(&e, workspaces, 1);
	for (size_t i = 0; i < e.profile->n_operations; i++) {
		e.profile->operations[i].busy_share = 1;
		e.profile->operations[i].busy = 0.1;
		e.profile->operations[i].busy_most = 0.4;
	}
	alone = plan(&e.request);
	e.request.n_workspaces = 2;
	both = plan(&e.request);
	/* 20 ms/s by itself; beside two cores of four no more than was measured */
	ok(alone->needs[0].charge_expected < 20200000);
	is_uint(both->needs[0].charge_expected, 28000000);
	is_uint(alone->needs[0].charge_worst, both->needs[0].charge_worst);
	ok(both->needs[0].charge_worst >= both->needs[0].charge_expected);
	workspaces[1] = workspaces[0];
	workspaces[0] = example_workspace("b", 2000, 0);
	turned = plan(&e.request);
	is_uint(turned->charge_expected, both->charge_expected);
	is_uint(turned->charge_worst, both->charge_worst);
}

/* The host's programs have it work for them, too. */
TEST(the_kernel_works_for_the_hosts_programs)
{
	struct plan_workspace w = example_workspace("a", 10, 0);
	_cleanup_example_ struct example e;
	_cleanup_(cleanup_plan) struct plan *without = NULL, *made = NULL;

	make_example(&e, &w, 1);
	e.request.host_ncores = 500000000;
	without = plan(&e.request);
	e.profile->base.programs_share = 0.02;
	made = plan(&e.request);
	is_uint(made->host_expected.programs, 510000000);
	is_uint(made->host_expected.total, without->host_expected.total + 10000000);
	is_uint(made->host_worst.total, without->host_worst.total + 10000000);
}

static void pin(struct plan_workspace *workspace, const char *list)
{
	workspace->has_cpus = true;
	ok(cpus_parse(list, &workspace->cpus) == 0);
}

TEST(a_set_of_cpus_can_be_too_small)
{
	struct plan_workspace workspaces[] = {
		example_workspace("a", 1500, 0),
		example_workspace("b", 700, 0),
		example_workspace("c", 100, 0),
	};
	_cleanup_example_ struct example e;
	_cleanup_(cleanup_plan) struct plan *made = NULL;
	_cleanup_strv_ char **advice = NULL;
	_cleanup_free_ char *sentence = NULL;

	make_example(&e, workspaces, 3);
	pin(&workspaces[0], "0-1");
	pin(&workspaces[1], "0");
	made = plan(&e.request);
	ok(!made->admitted);
	is_uint(plan_missing(&made->resources[0]), 0);
	must(!made->resources[1].whole);
	sentence = plan_refusal(&made->resources[1]);
	is_str(sentence,
	       "CPUs 0-1: those that may run nowhere else need 2.200 cores of 2, 0.200 too much");
	must(plan_advise(&e.request, made, 1, &advice) == 0);
	is_uint(strv_length(advice), 2);
	is_str(advice[0], "with cpu-reserve 0.5");
	is_str(advice[1], "on CPUs 2-3");
	pin(&workspaces[1], "7");
	plan_free(made);
	made = plan(&e.request);
	free(sentence);
	sentence = plan_refusal(&made->resources[1]);
	is_str(sentence, "CPU: 0.700 cores are needed on CPUs that are not there");
}

/* It could not even start. */
TEST(one_without_a_reserve_needs_a_cpu_too)
{
	struct plan_workspace workspaces[] = {example_workspace("a", 0, 0),
					      example_workspace("b", 0, 0)};
	_cleanup_example_ struct example e;
	_cleanup_(cleanup_plan) struct plan *made = NULL;
	_cleanup_free_ char *sentence = NULL;

	make_example(&e, workspaces, 2);
	pin(&workspaces[0], "9");
	made = plan(&e.request);
	ok(!made->admitted);
	sentence = plan_refusal(&made->resources[1]);
	is_str(sentence, "CPU: 0.001 cores are needed on CPUs that are not there");
	/* confined to none, it takes nothing of any set */
	pin(&workspaces[1], "1");
	plan_free(made);
	made = plan(&e.request);
	for (size_t i = 0; i < made->n_sets; i++)
		ok(!made->sets[i].capacity || !made->sets[i].confined);
	pin(&workspaces[1], "0-3");
	pin(&workspaces[0], "3,9");
	plan_free(made);
	made = plan(&e.request);
	ok(made->admitted);
}

TEST(advice_for_all)
{
	struct plan_workspace workspaces[] = {
		example_workspace("a", 2800, 160000000),
		example_workspace("b", 1000, 640000000),
	};
	_cleanup_example_ struct example e;
	_cleanup_(cleanup_plan) struct plan *made = NULL;
	_cleanup_strv_ char **advice = NULL;

	/* 0.05 + 0.2 and the host's 0.01 are too much by 0.06 */
	make_example(&e, workspaces, 2);
	made = plan(&e.request);
	ok(!made->admitted);
	must(plan_advise(&e.request, made, PLAN_ALL, &advice) == 0);
	is_uint(strv_length(advice), 3);
	is_str(advice[0], "with the promised I/O of all at 76.9%");
	is_str(advice[1], "with all on macvlan that are on bridge");
	is_str(advice[2], "with 1 more CPU");
}

TEST(admission_says_what_would_fit)
{
	struct plan_workspace workspaces[] = {
		example_workspace("kept", 3800, 0),
		example_workspace("new", 0, 800000000),
	};
	_cleanup_example_ struct example e;
	struct extrapolate_need need;
	struct error err = {0};

	make_example(&e, workspaces, 2);
	is_int(plan_admit(&e.request, &need, &err), -EBUSY);
	is_uint(need.reserve, 0);
	ok(need.worst[PROFILE_OWN] > 0);
	is_str(err.text,
	       "CPU: the workspaces and the host need 4.060 cores of 4, 0.060 too much; it "
	       "would fit with net-egress-reserve 615200kbit, or with path macvlan instead of "
	       "bridge, or with 1 more CPU");
	/* what is said fits */
	workspaces[1].terms.net[TERMS_EGRESS].reserve_bps = 615200000;
	is_int(plan_admit(&e.request, &need, &err), 0);
	workspaces[1].terms.net[TERMS_EGRESS].reserve_bps = 800000000;
	strcpy(workspaces[1].terms.path, "macvlan");
	is_int(plan_admit(&e.request, &need, &err), 0);
	/* somebody insisted on what does not fit: no more CPU is promised, but other things are */
	workspaces[0].terms.cpu.reserve_mcores = 5000;
	is_int(plan_admit(&e.request, &need, &err), -EBUSY);
	workspaces[1].terms.net[TERMS_EGRESS].reserve_bps = 0;
	workspaces[1].terms.memory.reserve_bytes = 1 << 30;
	is_int(plan_admit(&e.request, &need, &err), 0);
}

TEST(small_packets_are_what_is_dear)
{
	struct plan_workspace workspaces[] = {
		example_workspace("kept", 3000, 0),
		example_workspace("new", 0, 400000000),
	};
	_cleanup_example_ struct example e;
	struct extrapolate_need need;
	struct error err = {0};

	/* 50000 packets as expected, 833334 of 60 bytes */
	workspaces[1].terms.net[TERMS_EGRESS].packet_worst_bytes = 0;
	make_example(&e, workspaces, 2);
	is_int(plan_admit(&e.request, &need, &err), -EBUSY);
	has_str(err.text, ", or with net-egress-packet-size-worst 131B");
	workspaces[1].terms.net[TERMS_EGRESS].packet_worst_bytes = 131;
	is_int(plan_admit(&e.request, &need, &err), 0);
	workspaces[1].terms.net[TERMS_EGRESS].packet_worst_bytes = 130;
	is_int(plan_admit(&e.request, &need, &err), -EBUSY);
}

TEST(nothing_is_no_advice)
{
	struct plan_workspace workspace = example_workspace("a", 500, 0);
	_cleanup_example_ struct example e;
	_cleanup_(cleanup_plan) struct plan *made = NULL;
	_cleanup_strv_ char **advice = NULL;

	pin(&workspace, "9");
	make_example(&e, &workspace, 1);
	made = plan(&e.request);
	ok(!made->admitted);
	must(plan_advise(&e.request, made, 0, &advice) == 0);
	must(strv_length(advice) == 1);
	is_str(advice[0], "on CPUs 0-1");
}

TEST(how_many_more_fit)
{
	struct plan_workspace workspaces[] = {
		example_workspace("a", 300, 0),
		example_workspace("b", 0, 0),
	};
	_cleanup_example_ struct example e;
	uint32_t more = 4711;

	make_example(&e, workspaces, 2);
	must(plan_how_many_more(&e.request, 0, &more) == 0);
	is_uint(more, 12);
	must(plan_how_many_more(&e.request, 1, &more) == 0);
	is_uint(more, PLAN_MORE_MAX);
	workspaces[0].count = 13;
	must(plan_how_many_more(&e.request, 0, &more) == 0);
	is_uint(more, 0);
	workspaces[0].count = 20;
	must(plan_how_many_more(&e.request, 0, &more) == 0);
	is_uint(more, 0);
}

/* ---- properties ---- */

static struct plan_workspace random_workspace(void)
{
	static const char *const paths[] = {"", "bridge", "macvlan", "host"};
	static const char *const sets[] = {"0", "1-2", "0-1", "3", "0,3", "0-3"};
	struct plan_workspace w = example_workspace("w", (uint32_t)random_below(1300),
						    random_below(2) * random_below(300000000));

	strcpy(w.terms.path, paths[random_below(ARRAY_SIZE(paths))]);
	w.terms.net[TERMS_INGRESS].reserve_bps = random_below(2) * random_below(100000000);
	w.terms.net[TERMS_INGRESS].packet_bytes = 60 + (uint32_t)random_below(1000);
	w.terms.net[TERMS_INGRESS].packet_worst_bytes = 200;
	w.terms.memory.reserve_bytes = random_below(2) * random_below(UINT64_C(3) << 30);
	w.terms.n_disks = 1;
	w.terms.disks[0].flow[random_below(2)].reserve_bytes =
		random_below(3) == 0 ? random_below(60000000) : 0;
	if (random_below(3) == 0)
		pin(&w, sets[random_below(ARRAY_SIZE(sets))]);
	return w;
}

/* Which of the two is refused depends on who comes first; what is admitted in all does not. */
TEST(a_set_is_admitted_in_any_order_or_in_none)
{
	unsigned int admitted = 0;

	seed = 11;
	for (int round = 0; round < 1000; round++) {
		struct plan_workspace workspaces[6], turned[6];
		size_t n = 2 + random_below(5);
		_cleanup_example_ struct example e, f;
		struct extrapolate_need need;
		int last = 0, last_turned = 0;

		for (size_t i = 0; i < n; i++)
			workspaces[i] = random_workspace();
		for (size_t i = 0; i < n; i++)
			turned[i] = workspaces[n - 1 - i];
		make_example(&e, workspaces, n);
		make_example(&f, turned, n);
		for (size_t i = 1; i <= n; i++) {
			e.request.n_workspaces = f.request.n_workspaces = i;
			if (last == 0)
				last = plan_admit(&e.request, &need, NULL);
			if (last_turned == 0)
				last_turned = plan_admit(&f.request, &need, NULL);
		}
		must(last == last_turned, "round %d", round);
		admitted += last == 0;
	}
	ok(admitted > 200 && admitted < 800, "%u admitted", admitted);
}

static bool fits(const struct plan_request *request)
{
	bool it_fits = false;

	ok(plan_fits(request, &it_fits) == 0);
	return it_fits;
}

TEST(less_of_what_is_admitted_is_admitted)
{
	unsigned int admitted = 0;

	seed = 12;
	for (int round = 0; round < 1000; round++) {
		struct plan_workspace workspaces[5], *one;
		_cleanup_example_ struct example e;

		for (size_t i = 0; i < ARRAY_SIZE(workspaces); i++)
			workspaces[i] = random_workspace();
		make_example(&e, workspaces, ARRAY_SIZE(workspaces));
		if (!fits(&e.request))
			continue;
		admitted++;
		one = &workspaces[random_below(ARRAY_SIZE(workspaces))];
		one->terms = plan_scale_terms(&one->terms, 1 + (unsigned int)random_below(7),
					      (uint32_t)random_below(1000));
		must(fits(&e.request), "round %d", round);
		e.request.n_workspaces--;
		must(fits(&e.request), "round %d", round);
	}
	ok(admitted > 50, "%u admitted", admitted);
}

TEST(the_scale_that_is_told_is_the_largest)
{
	unsigned int between = 0;

	seed = 13;
	for (int round = 0; round < 600; round++) {
		struct plan_workspace workspaces[5], before;
		_cleanup_example_ struct example e;
		uint32_t permille = 0;

		for (size_t i = 0; i < ARRAY_SIZE(workspaces); i++)
			workspaces[i] = random_workspace();
		make_example(&e, workspaces, ARRAY_SIZE(workspaces));
		must(plan_largest_scale(&e.request, 2, PLAN_LEVER_ALL, &permille) == 0);
		before = workspaces[2];
		workspaces[2].terms = plan_scale_terms(&before.terms, PLAN_LEVER_ALL, permille);
		if (permille)
			must(fits(&e.request), "round %d: %u", round, permille);
		workspaces[2].terms = plan_scale_terms(&before.terms, PLAN_LEVER_ALL, permille + 1);
		if (permille < 1000)
			must(!fits(&e.request) || permille == 0, "round %d: %u", round, permille);
		between += permille > 0 && permille < 1000;
	}
	ok(between > 30, "%u between", between);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Ten thousand, no two the same, on 128 CPUs that are all but full. Time is told, not tested. */
TEST_TIMEOUT(ten_thousand_workspaces, 60)
{
	size_t n = 10000;
	_cleanup_free_ struct plan_workspace *workspaces = calloc(n, sizeof(*workspaces));
	_cleanup_example_ struct example e;
	_cleanup_(cleanup_plan) struct plan *made = NULL, *refused = NULL;
	_cleanup_strv_ char **advice = NULL;
	double begun;

	make_example(&e, workspaces, n);
	for (unsigned int cpu = 0; cpu < 128; cpu++)
		cpus_add(&e.host->cpus, cpu);
	seed = 14;
	for (size_t i = 0; i < n; i++) {
		workspaces[i] = example_workspace("w", 2 + (uint32_t)random_below(18), 0);
		workspaces[i].terms.net[TERMS_INGRESS].reserve_bps = 1000 + random_below(90000);
		workspaces[i].terms.n_disks = 1;
		workspaces[i].terms.disks[0].flow[TERMS_READ].reserve_bytes = random_below(10000);
		workspaces[i].has_cpus = i % 2;
		for (unsigned int k = 0; k < 20; k++)
			cpus_add(&workspaces[i].cpus, (unsigned int)random_below(128));
	}
	begun = cpu_seconds();
	made = plan(&e.request);
	note("admitted: %.3f s", cpu_seconds() - begun);
	ok(made->admitted);
	workspaces[0].terms.cpu.reserve_mcores += 60000;
	begun = cpu_seconds();
	refused = plan(&e.request);
	ok(!refused->admitted);
	must(plan_advise(&e.request, refused, PLAN_ALL, &advice) == 0);
	note("refused, with advice: %.3f s", cpu_seconds() - begun);
	for (size_t i = 0; advice && advice[i]; i++)
		note("%s", advice[i]);
}

TEST(quantities_in_words)
{
	is_str(words_cores(0).text, "0.000");
	is_str(words_cores(1).text, "0.001");
	is_str(words_cores(2310000000).text, "2.310");
	is_str(words_cores(2310000001).text, "2.311");
	is_str(words_cores(UINT64_C(999999000000)).text, "999.999");
	is_str(words_cores(UINT64_C(4096010000000)).text, "4096.1");
	is_str(words_size(0).text, "0 B");
	is_str(words_size(1023).text, "1023 B");
	is_str(words_size(1536).text, "1.50 KiB");
	is_str(words_size(UINT64_C(8) << 30).text, "8 GiB");
	is_str(words_size(UINT64_MAX).text, "16 EiB");
	is_str(words_bit_rate(142300000).text, "143 mbit/s");
	is_str(words_bit_rate(1000).text, "1 kbit/s");
	is_str(words_byte_rate(12510000).text, "12.6 MB/s");
	is_str(words_percent(1370000000).text, "137%");
	is_str(words_percent(1).text, "1%");
}
