// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/whatif.h"
#include "plan_example.h"

struct example {
	struct profile *profile;
	struct plan_workspace workspaces[3];
	struct plan_scenario scenario;
};

static void free_example(struct example *e)
{
	profile_free(e->profile);
	plan_host_free(e->scenario.host);
}

static void make_example(struct example *e)
{
	e->profile = example_profile();
	e->workspaces[0] = example_workspace("web", 100, 1000000);
	e->workspaces[1] = example_workspace("web.1", 100, 1000000);
	e->workspaces[2] = example_workspace("db", 100, 0);
	e->scenario = (struct plan_scenario){
		.host = example_host(e->profile),
		.workspaces = e->workspaces,
		.n_workspaces = 3,
	};
}

#define set(change)                                                                                \
	({                                                                                         \
		struct error err_ = {0};                                                           \
		ok(plan_what_if(&e.scenario, (change), &err_) == 0, "%s", err_.text);              \
	})

TEST(workspaces_change)
{
	_cleanup_(free_example) struct example e;
	const struct plan_workspace *w = e.workspaces;

	make_example(&e);
	set("web.net.egress.reserve=400mbit");
	is_uint(w[0].terms.net[TERMS_EGRESS].reserve_bps, 400000000);
	is_uint(w[1].terms.net[TERMS_EGRESS].reserve_bps, 1000000);
	/* a name may have a dot in it */
	set("web.1.net-egress-reserve=none");
	is_uint(w[1].terms.net[TERMS_EGRESS].reserve_bps, 0);
	set("web.path=macvlan");
	is_str(w[0].terms.path, "macvlan");
	set("web.count=20");
	is_uint(w[0].count, 20);
	set("db.count=0");
	is_uint(w[2].count, 0);
	set("db.cpus=2-3");
	ok(w[2].has_cpus && cpus_has(&w[2].cpus, 3) && !cpus_has(&w[2].cpus, 1));
	set("*.cpu.reserve=0.25");
	for (int i = 0; i < 3; i++)
		is_uint(w[i].terms.cpu.reserve_mcores, 250);
}

TEST(the_host_changes)
{
	_cleanup_(free_example) struct example e;
	const struct plan_disk *disk;
	struct plan_request request;

	make_example(&e);
	set("cpus=16");
	is_uint(cpus_count(&e.scenario.host->cpus), 16);
	is_uint(e.scenario.host->n_nodes, 0);
	set("cpus=1,5-6");
	is_uint(cpus_count(&e.scenario.host->cpus), 3);
	set("memory=64GiB");
	is_uint(e.scenario.host->memory_bytes, UINT64_C(64) << 30);
	set("uplink=10gbit");
	is_uint(e.scenario.host->uplink_bps, UINT64_C(10000000000));
	set("host.cpu=0.5");
	set("host.memory=1GiB");
	set("protocol=tcp");
	set("peer=outside");
	is_str(e.scenario.peer, "uplink");
	set("peer=network");
	is_str(e.scenario.peer, "forward");
	set("cache=hinders");
	is_int(plan_request_of(&e.scenario, e.profile).cache, EXTRAPOLATE_CACHE_HINDERS);
	set("peer=any");
	is_ptr(e.scenario.peer, NULL);
	set("disk./dev/sda.read=200MB/s");
	set("disk.8:0.write-iops=20k");
	disk = plan_host_find_disk(e.scenario.host, "/dev/sda");
	is_uint(disk->bytes_per_s[TERMS_READ], 200000000);
	is_uint(disk->requests_per_s[TERMS_WRITE], 20000);
	request = plan_request_of(&e.scenario, e.profile);
	is_uint(request.host_ncores, 500000000);
	is_uint(request.host_memory_bytes, 1 << 30);
	is_int(request.protocol, EXTRAPOLATE_TCP);
	set("host.cpu=0");
	set("host.memory=0");
	request = plan_request_of(&e.scenario, e.profile);
	is_uint(request.host_ncores, 0);
	is_uint(request.host_memory_bytes, 0);
}

TEST(nonsense_is_refused)
{
	static const struct {
		const char *change, *sentence;
	} cases[] = {
		{"web", "web: KEY=VALUE is wanted"},
		{"", ": KEY=VALUE is wanted"},
		{"=5", "=5: there is nothing called '' to change"},
		{"nobody.count=1",
		 "nobody.count=1: there is nothing called 'nobody.count' to change"},
		{"web.luck=1", "web.luck=1: there is no term 'luck'"},
		{"web.count=-1", "web.count=-1: a number from 0 to 1000000 is wanted"},
		{"web.count=1000001", "web.count=1000001: a number from 0 to 1000000 is wanted"},
		{"web.cpus=x", "web.cpus=x: a list of CPUs is wanted, as 0-3,8"},
		{"web.cpus=", "web.cpus=: a list of CPUs is wanted, as 0-3,8"},
		{"cpus=0", "cpus=0: from 1 to 4096 CPUs"},
		{"cpus=many", "cpus=many: a list of CPUs is wanted, as 0-3,8"},
		{"protocol=sctp", "protocol=sctp: udp, tcp or any is wanted"},
		{"peer=me", "peer=me: workspace, host, network, outside or any is wanted"},
		{"disk.read=1MB/s", "disk.read=1MB/s: disk.NAME.read is wanted"},
		{"disk./dev/sdz.read=1MB/s",
		 "disk./dev/sdz.read=1MB/s: there is no disk '/dev/sdz'"},
		{"disk.8:0.speed=1MB/s",
		 "disk.8:0.speed=1MB/s: read, write, read-iops or write-iops is wanted"},
	};
	_cleanup_(free_example) struct example e;
	struct error err = {0};

	make_example(&e);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ok(plan_what_if(&e.scenario, cases[i].change, &err) < 0);
		is_str(err.text, cases[i].sentence);
	}
	/* what terms say of it */
	ok(plan_what_if(&e.scenario, "web.net.egress.reserve=fast", &err) == -EINVAL);
	has_str(err.text, "web.net.egress.reserve=fast");
	ok(plan_what_if(&e.scenario, "memory=lots", &err) == -EINVAL);
	has_str(err.text, "memory=lots: ");
	ok(plan_what_if(&e.scenario, "web.cpu.limit=0.05", &err) == -EINVAL);
	is_uint(e.workspaces[0].terms.cpu.limit_mcores, 0);
}
