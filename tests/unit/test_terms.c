// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/admission.h"
#include "plan/cpus.h"
#include "plan/terms.h"

TEST(cores_are_read_exactly)
{
	static const struct {
		const char *text;
		int result;
		uint32_t mcores;
		const char *back;
	} cases[] = {
		{"1", 0, 1000, "1"},
		{"0.5", 0, 500, "0.5"},
		{"1.25", 0, 1250, "1.25"},
		{"0.001", 0, 1, "0.001"},
		{"2.500000", 0, 2500, "2.5"},
		{"10", 0, 10000, "10"},
		{"4096", 0, 4096000, "4096"},
		{"007.1", 0, 7100, "7.1"},
		{"0", -ERANGE, 0, NULL},
		{"0.000", -ERANGE, 0, NULL},
		{"4096.001", -ERANGE, 0, NULL},
		{"4294968", -ERANGE, 0, NULL},
		{"99999999999999999999", -ERANGE, 0, NULL},
		{"0.0001", -EINVAL, 0, NULL},
		{"", -EINVAL, 0, NULL},
		{".5", -EINVAL, 0, NULL},
		{"1.", -EINVAL, 0, NULL},
		{"-1", -EINVAL, 0, NULL},
		{"1,5", -EINVAL, 0, NULL},
		{"1e3", -EINVAL, 0, NULL},
		{" 1", -EINVAL, 0, NULL},
		{"1 ", -EINVAL, 0, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t mcores = 0;

		note("'%s'", cases[i].text);
		is_int(cores_parse(cases[i].text, &mcores), cases[i].result);
		is_uint(mcores, cases[i].mcores);
		if (cases[i].back)
			is_str(cores_format(mcores).text, cases[i].back);
	}
}

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

TEST(terms_are_set_and_told)
{
	_cleanup_free_ char *limit = NULL, *memory = NULL;
	struct terms terms = {0};
	struct error err = {0};

	is_int(terms_set(&terms, "cpu-limit", "1.5", &err), 0);
	is_int(terms_set(&terms, "cpu-reserve", "0.5", &err), 0);
	is_int(terms_set(&terms, "memory-limit", "64m", &err), 0);
	is_int(terms_set(&terms, "pids-limit", "10", &err), 0);
	is_int(terms_check(&terms, &err), 0);
	is_uint(terms.cpu_limit_mcores, 1500);
	is_uint(terms.memory_limit_bytes, 64 << 20);
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		if (strcmp(kind->name, "cpu-limit") == 0)
			limit = terms_format(&terms, kind);
		else if (strcmp(kind->name, "memory-limit") == 0)
			memory = terms_format(&terms, kind);
		else if (!kind->meaning)
			is_ptr(terms_format(&terms, kind), NULL);
	}
	is_str(limit, "1.5");
	is_str(memory, "67108864");
}

TEST(a_term_is_kept_or_refused)
{
	struct terms terms = {0};
	struct error err = {0};

	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		if (kind->meaning)
			continue;
		is_int(terms_set(&terms, kind->name, "1", &err), -EOPNOTSUPP);
		has_str(err.text, kind->name);
	}
	is_int(terms_set(&terms, "luck", "1", &err), -ENOENT);
	has_str(err.text, "--luck");
	is_int(terms_set(&terms, "memory-limit", "lots", &err), -EINVAL);
	has_str(err.text, "'lots'");
	is_int(terms_set(&terms, "memory-limit", "0", &err), -EINVAL);
	is_int(terms_set(&terms, "pids-limit", "0", &err), -EINVAL);
	is_int(terms_set(&terms, "cpu-limit", "0.005", &err), -ERANGE);
	is_int(terms_set(&terms, "cpu-reserve", "x", &err), -EINVAL);
	ok(!terms.has_cpu_limit && !terms.has_cpu_reserve && !terms.has_memory_limit);
	is_int(terms_set(&terms, "cpu-reserve", "2", &err), 0);
	is_int(terms_set(&terms, "cpu-limit", "1.5", &err), 0);
	is_int(terms_check(&terms, &err), -EINVAL);
	has_str(err.text, "--cpu-reserve 2 ");
	has_str(err.text, "--cpu-limit 1.5 ");
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

static uint32_t left(const struct admission_cpu *kept, size_t n, const char *available,
		     const char *wanted)
{
	struct cpus all = set(available), mine = set(wanted);
	uint32_t mcores = 4711;

	ok(admission_cpu_left(kept, n, &all, &mine, &mcores) == 0);
	return mcores;
}

TEST(what_is_left_to_reserve)
{
	struct admission_cpu kept[] = {
		{1500, set("0-1")},
		{1000, set("0")},
		{200, set("2")},
	};

	is_uint(left(NULL, 0, "0-1", "0-1"), 2000);
	is_uint(left(NULL, 0, "0-1", "1"), 1000);
	is_uint(left(NULL, 0, "0-1", "7"), 0);
	is_uint(left(kept, 1, "0-1", "0-1"), 500);
	is_uint(left(kept, 1, "0-1", "0"), 500);
	/* the first moves to CPU 1 as far as it can */
	is_uint(left(kept, 1, "0-2", "0"), 500);
	is_uint(left(kept, 1, "0-2", "0,2"), 1500);
	/* the first two need 2.5 of the two CPUs they can run on, though there are four */
	is_uint(left(kept, 2, "0-3", "3"), 0);
	is_uint(left(&kept[1], 2, "0-2", "0-2"), 1800);
	is_uint(left(&kept[1], 2, "0-2", "2"), 800);
}

TEST(reserves_move_along_a_chain_of_sets)
{
	/* Dealt greedily from the lowest CPU on, the last would find nothing. */
	struct admission_cpu kept[] = {
		{1000, set("0-1")},
		{1000, set("1-2")},
		{1000, set("2-3")},
	};

	is_uint(left(kept, 3, "0-3", "0"), 1000);
	is_uint(left(kept, 3, "0-3", "1"), 1000);
	is_uint(left(kept, 3, "0-3", "3"), 1000);
	is_uint(left(kept, 3, "0-3", "0-3"), 1000);
}
