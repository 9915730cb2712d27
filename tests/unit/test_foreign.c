// SPDX-License-Identifier: GPL-2.0-or-later
/* What groups of other runtimes claim, on recorded hosts. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/strings.h"
#include "promises/foreign.h"

static char tree[] = "/tmp/behalf-test-foreign.XXXXXX";

static void record(const char *path, const char *text)
{
	_cleanup_free_ char *whole = string_format("%s/%s", tree, path);
	char *slash = strrchr(whole, '/');
	FILE *out;

	*slash = '\0';
	must(path_make_directories(whole, 0755) == 0);
	*slash = '/';
	out = fopen(whole, "we");
	must(out);
	fputs(text, out);
	fclose(out);
}

struct group {
	const char *path, *weight, *quota, *period, *cpus;
	bool populated;
};

static void record_v1(const struct group *groups, size_t n)
{
	must(mkdtemp(tree));
	record("proc/self/mountinfo", "30 22 0:26 / /cg/cpu rw - cgroup cgroup rw,cpu\n"
				      "31 22 0:27 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n");
	for (size_t i = 0; i < n; i++) {
		const struct group *g = &groups[i];
		const struct {
			const char *file, *text;
		} files[] = {
			{"cpu/%s/cpu.shares", g->weight},
			{"cpu/%s/cpu.cfs_quota_us", g->quota ? g->quota : "-1\n"},
			{"cpu/%s/cpu.cfs_period_us", g->period ? g->period : "100000\n"},
			{"cpuset/%s/cpuset.cpus", g->cpus ? g->cpus : "\n"},
			{"cpu/%s/cgroup.procs", g->populated ? "17\n" : ""},
		};

		for (size_t j = 0; j < ARRAY_SIZE(files); j++) {
			char path[256] = "cg/";
			const char *rest = strchr(files[j].file, '%');

			snprintf(path + 3, sizeof(path) - 3, "%.*s%s%s",
				 (int)(rest - files[j].file), files[j].file, g->path, rest + 2);
			record(path, files[j].text);
		}
	}
}

static void read_claims(const struct promise_list *own, struct foreign_claims *claims)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	_cleanup_close_ int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *command = string_format("rm -rf '%s'", tree);
	struct error err = {0};

	must(cgroup_layout_read_at(root, &layout, &err) == 0, "%s", err.text);
	must(foreign_read(root, layout, own, claims, &err) == 0, "%s", err.text);
	ok(system(command) == 0);
}

static const struct foreign_claim *find(const struct foreign_claims *claims, const char *path)
{
	for (size_t i = 0; i < claims->n; i++)
		if (strcmp(claims->items[i].path, path) == 0)
			return &claims->items[i];
	return NULL;
}

TEST(weights_above_the_usual_are_claims)
{
	static const struct group groups[] = {
		{"usual", "1024\n", .populated = true},
		{"light", "2\n", .populated = true},
		{"heavy", "65536\n", .cpus = "1\n", .populated = true},
		{"limited", "131072\n", "50000\n", "100000\n", .populated = true},
		{"empty", "65536\n"},
		{"parent", "32768\n"},
		{"parent/child", "262144\n", .populated = true},
	};
	_cleanup_(foreign_clear) struct foreign_claims claims = {0};
	struct promise_list none = {0};

	record_v1(groups, ARRAY_SIZE(groups));
	read_claims(&none, &claims);
	is_uint(claims.n, 3);
	must(find(&claims, "/heavy") && find(&claims, "/limited") && find(&claims, "/parent"));
	is_uint(find(&claims, "/heavy")->reserve_mcores, 1000);
	ok(find(&claims, "/heavy")->has_cpus && cpus_has(&find(&claims, "/heavy")->cpus, 1));
	is_uint(find(&claims, "/limited")->reserve_mcores, 500);
	ok(!find(&claims, "/limited")->has_cpus);
	is_uint(find(&claims, "/parent")->reserve_mcores, 500);
}

TEST(pods_claim_what_they_request)
{
	static const struct group groups[] = {
		{"kubepods", "4096\n"},
		{"kubepods/podaa", "1536\n", .populated = true},
		{"kubepods/burstable", "512\n"},
		{"kubepods/burstable/podbb", "256\n"},
		{"kubepods/burstable/podbb/container", "256\n", .populated = true},
		{"kubepods/burstable/podcc", "2\n", .populated = true},
		{"kubepods/besteffort", "2\n"},
		{"kubepods/besteffort/poddd", "2\n", .populated = true},
	};
	_cleanup_(foreign_clear) struct foreign_claims claims = {0};
	struct promise_list none = {0};

	record_v1(groups, ARRAY_SIZE(groups));
	read_claims(&none, &claims);
	is_uint(claims.n, 2);
	must(find(&claims, "/kubepods/podaa") && find(&claims, "/kubepods/burstable/podbb"));
	is_uint(find(&claims, "/kubepods/podaa")->reserve_mcores, 1500);
	is_uint(find(&claims, "/kubepods/burstable/podbb")->reserve_mcores, 250);
}

TEST(a_pod_with_a_promise_leaves_the_claims_of_others)
{
	static const struct group groups[] = {
		{"kubepods", "4096\n"},
		{"kubepods/podours", "1536\n", .populated = true},
		{"kubepods/burstable", "512\n"},
		{"kubepods/burstable/podbb", "256\n", .populated = true},
	};
	_cleanup_json_ struct json_object *json =
		json_tokener_parse("{\"path\": \"/kubepods/podours/c\", \"places\": []}");
	_cleanup_(foreign_clear) struct foreign_claims claims = {0};
	struct promise promise = {.name = (char *)"c"};
	struct promise_list own = {&promise, 1};
	struct error err = {0};

	must(cgroup_from_json(json, &promise.cgroup, &err) == 0, "%s", err.text);
	record_v1(groups, ARRAY_SIZE(groups));
	read_claims(&own, &claims);
	is_uint(claims.n, 1);
	must(find(&claims, "/kubepods/burstable/podbb"));
	cgroup_free(promise.cgroup);
}

TEST(on_v2_weights_and_memory_that_is_protected)
{
	_cleanup_(foreign_clear) struct foreign_claims claims = {0};
	struct promise_list none = {0};

	must(mkdtemp(tree));
	record("proc/self/mountinfo", "29 22 0:25 / /cg rw - cgroup2 cgroup2 rw\n");
	record("cg/cgroup.controllers", "cpuset cpu memory\n");
	record("cg/heavy.slice/cpu.weight", "2500\n");
	record("cg/heavy.slice/cpu.max", "max 100000\n");
	record("cg/heavy.slice/memory.min", "1048576\n");
	record("cg/heavy.slice/cgroup.events", "populated 1\nfrozen 0\n");
	record("cg/cache.slice/cpu.weight", "100\n");
	record("cg/cache.slice/memory.min", "4096\n");
	record("cg/cache.slice/cgroup.events", "populated 1\nfrozen 0\n");
	record("cg/idle.slice/cpu.weight", "2500\n");
	record("cg/idle.slice/cgroup.events", "populated 0\nfrozen 0\n");
	record("cg/kubepods.slice/kubepods-podaa.slice/cpu.weight", "39\n");
	record("cg/kubepods.slice/kubepods-podaa.slice/cpu.max", "50000 100000\n");
	record("cg/kubepods.slice/kubepods-podaa.slice/cgroup.events", "populated 1\n");
	read_claims(&none, &claims);
	is_uint(claims.n, 3);
	must(find(&claims, "/heavy.slice") && find(&claims, "/cache.slice"));
	is_uint(find(&claims, "/heavy.slice")->reserve_mcores, 1000);
	is_uint(find(&claims, "/heavy.slice")->memory_bytes, 1048576);
	is_uint(find(&claims, "/cache.slice")->reserve_mcores, 0);
	is_uint(find(&claims, "/cache.slice")->memory_bytes, 4096);
	must(find(&claims, "/kubepods.slice/kubepods-podaa.slice"));
	/* a request of a core is a weight of 39; the limit is less */
	is_uint(find(&claims, "/kubepods.slice/kubepods-podaa.slice")->reserve_mcores, 500);
}

TEST(a_pod_whose_container_is_about_to_come_is_not_counted_twice)
{
	static const struct group groups[] = {
		{"kubepods", "4096\n"},
		{"kubepods/podaa", "1024\n", .populated = true},
		{"kubepods/podaab", "1024\n", .populated = true},
		{"kubepods/kubepods-podbb.slice", "1024\n", .populated = true},
		{"kubepods/kubepods-podcc.slice", "1024\n", .populated = true},
	};
	_cleanup_(foreign_clear) struct foreign_claims claims = {0};
	struct promise promises[] = {{.name = (char *)"x", .intended = (char *)"/kubepods/podaa/x"},
				     {.name = (char *)"y",
				      .intended = (char *)"kubepods-podbb.slice:cri-containerd:y"}};
	struct promise_list own = {promises, 2};

	record_v1(groups, ARRAY_SIZE(groups));
	read_claims(&own, &claims);
	is_uint(claims.n, 2);
	ok(find(&claims, "/kubepods/podaab") && find(&claims, "/kubepods/kubepods-podcc.slice"));
}

TEST(what_is_ours_is_not_counted_twice)
{
	static const struct group groups[] = {
		{"ours", "65536\n", .populated = true},
		{"behalf-coming", "65536\n", .populated = true},
		{"behalf-strange", "65536\n", .populated = true},
		{"above", "65536\n", .populated = true},
		{"above-it", "65536\n", .populated = true},
	};
	_cleanup_json_ struct json_object *below =
		json_tokener_parse("{\"path\": \"/above/it\", \"places\": []}");
	_cleanup_json_ struct json_object *json = json_tokener_parse(
		"{\"path\": \"/ours\", \"places\": [{\"mount\": \"/cg/cpu\", \"version\": 1, "
		"\"controllers\": \"cpu\", \"missing\": 1}]}");
	_cleanup_(foreign_clear) struct foreign_claims claims = {0};
	struct promise promises[] = {
		{.name = (char *)"x"}, {.name = (char *)"coming"}, {.name = (char *)"y"}};
	struct promise_list own = {promises, 3};
	struct error err = {0};

	must(cgroup_from_json(json, &promises[0].cgroup, &err) == 0, "%s", err.text);
	must(cgroup_from_json(below, &promises[2].cgroup, &err) == 0, "%s", err.text);
	record_v1(groups, ARRAY_SIZE(groups));
	read_claims(&own, &claims);
	is_uint(claims.n, 2);
	must(find(&claims, "/behalf-strange") && find(&claims, "/above-it"));
	cgroup_free(promises[0].cgroup);
	cgroup_free(promises[2].cgroup);
}
