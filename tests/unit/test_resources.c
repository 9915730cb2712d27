// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.resources as values and as files of this host. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "kernel/cgroup.h"
#include "oci/config.h"
#include "runtime/resources.h"
#include "runtime/resources_convert.h"
#include "tap.h"

TEST(shares_as_weight)
{
	static const uint64_t cases[][2] = {{0, 0},	    {1, 1},	 {2, 1},
					    {256, 35},	    {512, 59},	 {1024, 100},
					    {2048, 174},    {4096, 303}, {262144, 10000},
					    {300000, 10000}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		note("%llu shares", (unsigned long long)cases[i][0]);
		is_uint(resources_cpu_weight(cases[i][0]), cases[i][1]);
	}
	for (uint64_t shares = 3; shares < 262144; shares++)
		if (resources_cpu_weight(shares) < resources_cpu_weight(shares - 1))
			ok(false, "%llu shares weigh less than one less",
			   (unsigned long long)shares);
}

TEST(weight_of_io)
{
	is_uint(resources_io_weight(0), 0);
	is_uint(resources_io_weight(10), 1);
	is_uint(resources_io_weight(1000), 10000);
	is_uint(resources_io_weight(500), 4950);
}

TEST(swap_alone)
{
	static const struct {
		int64_t both, limit, swap;
		int r;
	} cases[] = {
		{0, 0, 0, 0},	       {0, 100, 0, 0},	     {0, -1, -1, 0},
		{-1, 100, -1, 0},      {300, 100, 200, 0},   {100, 100, 0, 0},
		{50, 100, 0, -EINVAL}, {300, 0, 0, -EINVAL}, {300, -1, 0, -EINVAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t swap = 0;

		note("%lld with %lld", (long long)cases[i].both, (long long)cases[i].limit);
		is_int(resources_swap_bytes(cases[i].both, cases[i].limit, &swap, NULL),
		       cases[i].r);
		is_int(swap, cases[i].swap);
	}
}

static struct cgroup *begin(void)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	struct cgroup *cg = NULL;
	struct error err = {0};
	char path[64];

	if (geteuid() != 0) {
		note("needs root");
		return NULL;
	}
	snprintf(path, sizeof(path), "/behalf-test-resources-%d", getpid());
	if (!ok(cgroup_layout_read(&layout, &err) == 0, "%s", err.text))
		return NULL;
	if (cgroup_create(layout, path, &cg, &err) < 0)
		note("%s", err.text);
	return cg;
}

static void is_file(struct cgroup *cg, enum cgroup_controller controller, const char *v1,
		    const char *want_v1, const char *v2, const char *want_v2)
{
	_cleanup_free_ char *text = NULL;
	struct error err = {0};
	int version = cgroup_version(cg, controller);

	if (!version)
		return;
	note("%s", version == 2 ? v2 : v1);
	if (ok(cgroup_read(cg, controller, version == 2 ? v2 : v1, &text, &err) == 0, "%s",
	       err.text))
		is_str(text, version == 2 ? want_v2 : want_v1);
}

TEST(set_and_changed)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = begin();
	struct oci_resources r = {0};
	struct error err = {0};

	if (!cg)
		skip("no groups can be made here");
	if (cgroup_version(cg, CGROUP_CPU)) {
		r.cpu.has_shares = r.cpu.has_quota = r.cpu.has_period = true;
		r.cpu.shares = 512;
		r.cpu.quota_us = 50000;
		r.cpu.period_us = 200000;
	}
	if (cgroup_version(cg, CGROUP_MEMORY)) {
		r.memory.has_limit = r.memory.has_reservation = true;
		r.memory.limit_bytes = 64 << 20;
		r.memory.reservation_bytes = 32 << 20;
	}
	if (cgroup_version(cg, CGROUP_PIDS)) {
		r.has_pids_limit = true;
		r.pids_limit = 33;
	}
	if (cgroup_version(cg, CGROUP_CPUSET))
		r.cpu.cpus = "0";
	must(resources_apply(cg, &r, &err) == 0, "%s", err.text);
	is_file(cg, CGROUP_CPU, "cpu.shares", "512", "cpu.weight", "59");
	is_file(cg, CGROUP_CPU, "cpu.cfs_quota_us", "50000", "cpu.max", "50000 200000");
	is_file(cg, CGROUP_MEMORY, "memory.limit_in_bytes", "67108864", "memory.max", "67108864");
	is_file(cg, CGROUP_MEMORY, "memory.soft_limit_in_bytes", "33554432", "memory.low",
		"33554432");
	is_file(cg, CGROUP_PIDS, "pids.max", "33", "pids.max", "33");
	is_file(cg, CGROUP_CPUSET, "cpuset.cpus", "0", "cpuset.cpus", "0");

	r = (struct oci_resources){0};
	if (cgroup_version(cg, CGROUP_CPU)) {
		r.cpu.has_quota = true;
		r.cpu.quota_us = -1;
	}
	if (cgroup_version(cg, CGROUP_PIDS))
		r.has_pids_limit = true;
	must(resources_update(cg, &r, &err) == 0, "%s", err.text);
	is_file(cg, CGROUP_CPU, "cpu.cfs_quota_us", "-1", "cpu.max", "max 200000");
	is_file(cg, CGROUP_CPU, "cpu.shares", "512", "cpu.weight", "59");
	is_file(cg, CGROUP_PIDS, "pids.max", "max", "pids.max", "max");
	ok(cgroup_remove(cg, &err) == 0, "%s", err.text);
}

/* Memory with swap, grown and shrunk: on v1 the order of the two files matters. */
TEST(memory_and_swap_in_any_order)
{
	static const int64_t steps[][2] = {{64, 128}, {256, 512}, {32, 64}, {512, -1}, {64, 64}};
	_cleanup_(cleanup_cgroup) struct cgroup *cg = begin();
	struct error err = {0};

	if (!cg)
		skip("no groups can be made here");
	for (size_t i = 0; cgroup_version(cg, CGROUP_MEMORY) && i < ARRAY_SIZE(steps); i++) {
		struct oci_resources r = {0};
		char text[24], swap[24];

		r.memory.has_limit = r.memory.has_swap = true;
		r.memory.limit_bytes = steps[i][0] << 20;
		r.memory.swap_bytes = steps[i][1] < 0 ? -1 : steps[i][1] << 20;
		snprintf(text, sizeof(text), "%lld", (long long)r.memory.limit_bytes);
		snprintf(swap, sizeof(swap), "%lld",
			 (long long)(r.memory.swap_bytes - r.memory.limit_bytes));
		ok((i ? resources_update : resources_apply)(cg, &r, &err) == 0, "%s", err.text);
		is_file(cg, CGROUP_MEMORY, "memory.limit_in_bytes", text, "memory.max", text);
		if (r.memory.swap_bytes > 0 && cgroup_version(cg, CGROUP_MEMORY) == 2)
			is_file(cg, CGROUP_MEMORY, "", "", "memory.swap.max", swap);
	}
	ok(cgroup_remove(cg, &err) == 0, "%s", err.text);
}

TEST(a_new_group_needs_nothing_for_defaults)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = begin();
	struct oci_resources r = {0};
	struct error err = {0};

	if (!cg)
		skip("no groups can be made here");
	r.cpu.has_shares = r.cpu.has_quota = r.cpu.has_realtime_runtime = true;
	r.memory.has_limit = r.memory.has_swap = r.has_pids_limit = true;
	r.block_io.has_weight = r.has_network_class = true;
	ok(resources_apply(cg, &r, &err) == 0, "%s", err.text);
	ok(cgroup_remove(cg, &err) == 0, "%s", err.text);
}

static char recorded[64];

/* A group in a recorded hierarchy of VERSION with FILES, for controllers this machine lacks. */
static struct cgroup *begin_recorded(int version, const char *controllers, const char *const *files)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ struct json_object *record = NULL;
	struct cgroup *cg = NULL;
	struct error err = {0};
	char path[256];

	strcpy(recorded, "/tmp/behalf-test-resources.XXXXXX");
	if (!ok(mkdtemp(recorded) != NULL))
		return NULL;
	snprintf(path, sizeof(path), "%s/group", recorded);
	ok(mkdir(path, 0755) == 0);
	for (; *files; files++) {
		snprintf(path, sizeof(path), "%s/group/%s", recorded, *files);
		ok(file_create_at(AT_FDCWD, path, "", 0644, NULL) == 0);
	}
	text = string_format("{\"path\":\"/group\",\"places\":[{\"mount\":\"%s\",\"version\":%d,"
			     "\"controllers\":\"%s\",\"missing\":0}]}",
			     recorded, version, controllers);
	ok(text && json_parse("record", text, strlen(text), &record, &err) == 0, "%s", err.text);
	ok(cgroup_from_json(record, &cg, &err) == 0, "%s", err.text);
	return cg;
}

static void end_recorded(struct cgroup *cg)
{
	char command[256];

	cgroup_free(cg);
	snprintf(command, sizeof(command), "rm -rf '%s'", recorded);
	ok(system(command) == 0);
}

TEST(rdma_is_the_same_on_both_versions)
{
	static const char *const files[] = {"rdma.max", NULL};
	static const char *const wanted[] = {"mlx5_0 hca_handle=2 hca_object=2000",
					     "rxe0 hca_object=7"};
	struct oci_rdma_limit limits[] = {
		{"mlx5_0", true, true, 2, 2000},
		{"rxe0", false, true, 0, 7},
	};

	for (unsigned int i = 0; i < 4; i++) {
		struct oci_resources r = {.rdma = &limits[i / 2], .n_rdma = 1};
		struct cgroup *cg = begin_recorded(1 + (int)i % 2, "rdma", files);
		struct error err = {0};

		must(cg);
		ok(resources_update(cg, &r, &err) == 0, "%s", err.text);
		is_file(cg, CGROUP_RDMA, "rdma.max", wanted[i / 2], "rdma.max", wanted[i / 2]);
		end_recorded(cg);
	}
}

/* CFQ had them; Linux 5.0 took it away. */
TEST(leaf_weights)
{
	static const char *const files[] = {"blkio.leaf_weight", "blkio.leaf_weight_device", NULL};
	struct oci_block_weight device = {
		.major = 8, .minor = 16, .has_leaf_weight = true, .leaf_weight = 700};
	struct oci_resources r = {.block_io = {.has_leaf_weight = true,
					       .leaf_weight = 300,
					       .weights = &device,
					       .n_weights = 1}};
	struct cgroup *cg = begin_recorded(1, "blkio", files);
	struct error err = {0};

	must(cg);
	ok(resources_apply(cg, &r, &err) == 0, "%s", err.text);
	is_file(cg, CGROUP_IO, "blkio.leaf_weight", "300", "", "");
	is_file(cg, CGROUP_IO, "blkio.leaf_weight_device", "8:16 700", "", "");
	end_recorded(cg);
}

TEST(sentences_name_the_key)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = begin();
	struct oci_pair unified = {"memory.high", "1000000"};
	struct oci_resources r = {0};
	struct error err = {0};

	if (!cg)
		skip("no groups can be made here");
	if (!cgroup_version(cg, CGROUP_NET_CLS)) {
		r.has_network_class = true;
		r.network_class = 7;
		ok(resources_apply(cg, &r, &err) == -ENODEV);
		is_str(err.text, "linux.resources.network.classID: this host has no cgroup "
				 "controller 'net_cls'");
	}
	r = (struct oci_resources){.cpu = {.has_quota = true, .quota_us = 5}};
	ok(resources_apply(cg, &r, &err) == (cgroup_version(cg, CGROUP_CPU) ? -EINVAL : -ENODEV));
	has_str(err.text, "linux.resources.cpu.quota: ");
	if (cgroup_version(cg, CGROUP_MEMORY) == 1) {
		r = (struct oci_resources){.unified = &unified, .n_unified = 1};
		ok(resources_apply(cg, &r, &err) == -ENOTSUP);
		is_str(err.text, "linux.resources.unified.memory.high: this host's controllers "
				 "are on cgroup v1");
	}
	ok(cgroup_remove(cg, &err) == 0, "%s", err.text);
}
