// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "plan/cpus.h"
#include "plan/terms.h"

TEST(terms_become_kernel_settings)
{
	is_int(terms_cpu_quota_us(500), 50000);
	is_int(terms_cpu_quota_us(2000), 200000);
	is_uint(terms_cpu_shares(1000), 65536);
	is_uint(terms_cpu_shares(100), 6553);
	is_uint(terms_cpu_shares(4000), 262144);
	is_uint(terms_cpu_shares(64000), 262144);
	is_uint(terms_cpu_weight(1), 2);
	is_uint(terms_cpu_weight(100), 250);
	is_uint(terms_cpu_weight(900), 2250);
	is_uint(terms_cpu_weight(4000), 10000);
	is_uint(terms_cpu_weight(64000), 10000);
}

/* As a flag has it. */
static int set_term(struct terms *terms, const char *name, const char *value, struct error *err)
{
	const struct term_kind *kind = terms_find(name);
	_cleanup_free_ char *flag = string_format("--%s", name);

	ok(kind != NULL, "there is a term %s", name);
	return !kind ? -ENOENT : terms_set(terms, kind, flag, value, err);
}

static struct terms terms_of(const char *const (*pairs)[2], size_t n)
{
	struct terms terms = {0};
	struct error err = {0};

	for (size_t i = 0; i < n; i++)
		ok(set_term(&terms, pairs[i][0], pairs[i][1], &err) == 0, "%s", err.text);
	return terms;
}

/* Each term's text, read into a new struct, has to make the same again. */
static void check_round_trip(const struct terms *terms)
{
	struct terms again = {0};
	struct error err = {0};

	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *text = terms_format(terms, kind);

		must(!text == !terms_has(terms, kind), "%s", kind->name);
		if (text)
			must(terms_set(&again, kind, kind->name, text, &err) == 0, "%s", err.text);
	}
	ok(memcmp(terms, &again, sizeof(again)) == 0);
}

TEST(terms_are_set_and_told)
{
	static const char *const pairs[][2] = {
		{"cpu-limit", "1.5"},
		{"cpu-reserve", "500m"},
		{"memory-limit", "64m"},
		{"pids-limit", "10"},
		{"net-egress-reserve", "200mbit"},
		{"net.egress.packet-size", "1400"},
		{"net-ingress-connections", "1k/s"},
		{"net-path", "macvlan"},
		{"net-strict", "drop"},
		{"disk-read-reserve", "/dev/vda:50MB/s,8:0:25MiB/s"},
		{"disk-read-limit-iops", "2000iops"},
		{"disk-write-buffered", "/dev/vda:true"},
	};
	static const char *const told[][2] = {
		{"cpu-limit", "1.5"},
		{"cpu-reserve", "0.5"},
		{"memory-limit", "64MiB"},
		{"net-egress-reserve", "200mbit"},
		{"net-egress-packet-size", "1400B"},
		{"net-ingress-connections", "1000/s"},
		{"net-path", "macvlan"},
		{"net-strict", "drop"},
		{"disk-read-reserve", "/dev/vda:50MB/s,8:0:25MiB/s"},
		{"disk-read-limit-iops", "2000iops"},
		{"disk-write-buffered", "/dev/vda:true"},
	};
	struct terms terms = terms_of(pairs, ARRAY_SIZE(pairs));
	struct error err = {0};

	is_int(terms_check(&terms, &err), 0);
	is_uint(terms.cpu.limit_mcores, 1500);
	is_uint(terms.memory.limit_bytes, 64 << 20);
	is_uint(terms.net[TERMS_EGRESS].reserve_bps, 200000000);
	is_uint(terms.net[TERMS_EGRESS].packet_bytes, 1400);
	is_uint(terms.n_disks, 3);
	is_uint(terms_disk_of(&terms, "8:0")->flow[TERMS_READ].reserve_bytes, 25 << 20);
	is_uint(terms_disk_of(&terms, "")->flow[TERMS_READ].limit_iops, 2000);
	ok(terms_disk_of(&terms, "/dev/vda")->flow[TERMS_WRITE].buffered);
	is_ptr(terms_disk_of(&terms, "/dev/vdb"), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		_cleanup_free_ char *text = terms_format(&terms, terms_find(told[i][0]));

		is_str(text, told[i][1]);
	}
	check_round_trip(&terms);
}

TEST(a_term_is_found_by_each_of_its_names)
{
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		must(terms_find(kind->name) == kind, "%s", kind->name);
		must(terms_find_annotation(kind->annotation) == kind, "%s", kind->annotation);
		/* The annotation is the key with a prefix: one grammar. */
		must(terms_find(kind->annotation + strlen("io.behalf.")) == kind, "%s",
		     kind->annotation);
	}
	is_ptr(terms_find("luck"), NULL);
	is_ptr(terms_find("cpu-reserve-"), NULL);
	is_ptr(terms_find_annotation("io.behalf.cpu-reserve"), NULL);
}

TEST(none_takes_a_term_back)
{
	struct terms terms = {0}, nothing = {0};
	struct error err = {0};

	ok(!terms_any(&terms) && !terms_have_network(&terms));
	is_int(set_term(&terms, "net-egress-share", "5", &err), 0);
	ok(terms_any(&terms) && terms_have_network(&terms));
	is_int(set_term(&terms, "net-egress-share", "none", &err), 0);
	is_int(set_term(&terms, "disk-read-reserve", "/dev/vda:1MB/s", &err), 0);
	is_int(set_term(&terms, "cpu-reserve", "1", &err), 0);
	ok(terms_any(&terms));
	is_int(set_term(&terms, "disk-read-reserve", "/dev/vda:none", &err), 0);
	is_int(set_term(&terms, "cpu-reserve", "none", &err), 0);
	ok(!terms_any(&terms));
	ok(memcmp(&terms, &nothing, sizeof(terms)) == 0);
	/* of a path it is a value */
	is_int(set_term(&terms, "net-path", "none", &err), 0);
	is_str(terms.path, "none");
}

TEST(nonsense_is_refused_and_changes_nothing)
{
	static const char *const cases[][2] = {
		{"memory-limit", "lots"},
		{"memory-limit", "0"},
		{"memory-limit", "-1"},
		{"memory-limit", "8589934592g"},
		{"pids-limit", "0"},
		{"pids-limit", "1k"},
		{"cpu-limit", "0.005"},
		{"cpu-reserve", "x"},
		{"cpu-reserve", ""},
		{"cpu-share", "0"},
		{"cpu-share", "10001"},
		{"cpu-share", "1.5"},
		{"net-egress-reserve", "25MB/s"},
		{"net-egress-reserve", "200mbps"},
		{"net-egress-packet-size", "13"},
		{"net-egress-packet-size", "70000"},
		{"net-path", "wire"},
		{"net-strict", "yes"},
		{"disk-read-reserve", "200mbit"},
		{"disk-read-reserve", "2000iops"},
		{"disk-read-reserve-iops", "50MB/s"},
		{"disk-read-reserve-iops", "5000000000"},
		{"disk-read-reserve", ":1MB/s"},
		{"disk-read-reserve", "vda:1MB/s"},
		{"disk-read-reserve", "8::1MB/s"},
		{"disk-read-reserve", "1:2:3:1MB/s"},
		{"disk-read-reserve", "/dev/vda:"},
		{"disk-read-reserve", "/dev/vda:1MB/s,"},
		{"disk-read-reserve", "/:1MB/s"},
		{"disk-read-request-size", "1"},
		{"disk-write-buffered", "perhaps"},
		{"disk-write-buffered", "/dev/vda"},
	};
	struct terms terms = {.cpu.share = 7}, before;

	memcpy(&before, &terms, sizeof(before));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};

		must(set_term(&terms, cases[i][0], cases[i][1], &err) < 0, "--%s %s", cases[i][0],
		     cases[i][1]);
		has_str(err.text, cases[i][0]);
		ok(memcmp(&terms, &before, sizeof(terms)) == 0);
	}
}

TEST(too_many_disks_are_refused)
{
	struct terms terms = {0};
	struct error err = {0};

	for (int i = 0; i < TERMS_DISKS_MAX; i++) {
		_cleanup_free_ char *value = string_format("8:%d:1MB/s", i);

		is_int(set_term(&terms, "disk-read-limit", value, &err), 0);
	}
	is_int(set_term(&terms, "disk-read-limit", "8:99:1MB/s", &err), -E2BIG);
	is_int(set_term(&terms, "disk-write-limit", "8:3:1MB/s", &err), 0);
}

TEST(terms_that_contradict_each_other_are_refused)
{
	static const struct {
		const char *pairs[2][2];
		const char *said[2];
	} cases[] = {
		{{{"cpu-reserve", "2"}, {"cpu-limit", "1.5"}},
		 {"cpu.reserve 2 ", "cpu.limit 1.5 "}},
		{{{"memory-reserve", "2g"}, {"memory-limit", "1g"}},
		 {"memory.reserve 2GiB", "1GiB"}},
		{{{"net-egress-reserve", "2gbit"}, {"net-egress-limit", "1gbit"}},
		 {"net.egress.reserve 2gbit", "1gbit"}},
		{{{"net-ingress-packet-size", "100"}, {"net-ingress-packet-size-worst", "200"}},
		 {"net.ingress.packet-size-worst 200", "packet-size 100"}},
		{{{"net-ingress-reserve", "1mbit"}, {"net-path", "none"}},
		 {"net.ingress.reserve 1mbit", "net.path is none"}},
		{{{"disk-write-reserve", "/dev/vda:2MB/s"}, {"disk-write-limit", "/dev/vda:1MB/s"}},
		 {"/dev/vda: disk.write.reserve 2MB/s", "1MB/s"}},
		{{{"disk-read-reserve-iops", "2k"}, {"disk-read-limit-iops", "1k"}},
		 {"disk.read.reserve-iops 2000iops", "1000iops"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct terms terms = terms_of(cases[i].pairs, 2);
		struct error err = {0};

		is_int(terms_check(&terms, &err), -EINVAL);
		has_str(err.text, cases[i].said[0]);
		has_str(err.text, cases[i].said[1]);
	}
	/* on another disk it is no contradiction */
	is_int(terms_check(
		       &(struct terms){
			       .n_disks = 2,
			       .disks = {{"8:0", {{.reserve_bytes = 2}}},
					 {"8:1", {{.limit_bytes = 1}}}},
		       },
		       NULL),
	       0);
}

/* Numbers of every size, from a generator that is the same each time. */
static uint64_t random_state = 4711;

static uint64_t random_number(uint64_t most)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 16) % most + 1;
}

TEST(any_terms_survive_being_written_and_read)
{
	for (int round = 0; round < 2000; round++) {
		struct terms terms = {0};

		for (int direction = 0; direction < TERMS_DIRECTIONS; direction++)
			terms.net[direction] = (struct terms_net){
				.reserve_bps = 7999 + random_number(1ull << random_number(40)),
				.limit_bps = random_number(1ull << random_number(40)) * 8000,
				.share = (uint32_t)random_number(10000),
				.packet_bytes = (uint32_t)random_number(1500) + 13,
				.connections = (uint32_t)random_number(UINT32_MAX),
			};
		terms.cpu.reserve_mcores = (uint32_t)random_number(4096000);
		terms.memory.limit_bytes = random_number(1ull << random_number(62));
		terms.memory.reserve_bytes = random_number(1000) << random_number(40);
		terms.gate = (enum terms_gate)random_number(2);
		terms.n_disks = (unsigned int)random_number(TERMS_DISKS_MAX);
		for (unsigned int i = 0; i < terms.n_disks; i++) {
			struct terms_disk_flow *flow = &terms.disks[i].flow[random_number(2) - 1];

			snprintf(terms.disks[i].device, TERMS_DEVICE_MAX, "/dev/nvme%un1", i);
			flow->reserve_bytes = random_number(1ull << random_number(40));
			flow->limit_iops = (uint32_t)random_number(UINT32_MAX);
			flow->buffered = random_number(2) == 1;
		}
		check_round_trip(&terms);
	}
}

static struct cpus set(const char *text)
{
	struct cpus cpus = {0};

	ok(cpus_parse(text, &cpus) == 0);
	return cpus;
}

TEST(cpu_lists_are_read_and_written)
{
	static const char *const good[][2] = {
		{"0", "0"}, {"0-3,5", "0-3,5"}, {"5,0-2,3", "0-3,5"}, {"", ""}, {"4095", "4095"},
	};
	static const char *const bad[] = {"a", "1-", "-1", "3-1", "1,,2", "1,", "1 2", ",1"};
	struct cpus cpus;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_free_ char *text = NULL;

		must(cpus_parse(good[i][0], &cpus) == 0, "'%s'", good[i][0]);
		text = cpus_format(&cpus);
		is_str(text, good[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(cpus_parse(bad[i], &cpus) == -EINVAL, "'%s'", bad[i]);
	is_int(cpus_parse("4096", &cpus), -ERANGE);
	cpus = set("0-3,5");
	is_uint(cpus_count(&cpus), 5);
	ok(cpus_has(&cpus, 5) && !cpus_has(&cpus, 4));
	is_int(cpus_first_missing(&cpus, &(struct cpus){{0x0f}}), 5);
	is_int(cpus_first_missing(&cpus, &cpus), -1);
}
