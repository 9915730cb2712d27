// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "plan/units.h"

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
		{"500m", 0, 500, "0.5"},
		{"0.5m", -EINVAL, 0, NULL},
		{"500M", -EINVAL, 0, NULL},
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
		uint64_t mcores = 0;

		note("'%s'", cases[i].text);
		is_int(unit_parse(UNIT_CORES, cases[i].text, &mcores), cases[i].result);
		is_uint(mcores, cases[i].mcores);
		if (cases[i].back)
			is_str(cores_format((uint32_t)mcores).text, cases[i].back);
	}
}

TEST(units_are_read_exactly)
{
	static const struct {
		enum unit unit;
		const char *text;
		uint64_t value;
		const char *back;
	} cases[] = {
		{UNIT_SIZE, "65536", 65536, "64KiB"},
		{UNIT_SIZE, "64m", 64 << 20, "64MiB"},
		{UNIT_SIZE, "64M", 64 << 20, "64MiB"},
		{UNIT_SIZE, "64Mi", 64 << 20, "64MiB"},
		{UNIT_SIZE, "64MiB", 64 << 20, "64MiB"},
		{UNIT_SIZE, "64mib", 64 << 20, "64MiB"},
		{UNIT_SIZE, "64MB", 64000000, "64MB"},
		{UNIT_SIZE, "1.5GiB", 3ull << 29, "1536MiB"},
		{UNIT_SIZE, "0.5k", 512, "512B"},
		{UNIT_SIZE, "2t", 2ull << 40, "2TiB"},
		{UNIT_SIZE, "9223372036854775807", INT64_MAX, "9223372036854775807B"},
		{UNIT_BIT_RATE, "200mbit", 200000000, "200mbit"},
		{UNIT_BIT_RATE, "200Mbit/s", 200000000, "200mbit"},
		{UNIT_BIT_RATE, "1gbit", 1000000000, "1gbit"},
		{UNIT_BIT_RATE, "10M", 10000000, "10mbit"},
		{UNIT_BIT_RATE, "10Mi", 10485760, "10485760bit"},
		{UNIT_BIT_RATE, "1.544mbit", 1544000, "1544kbit"},
		{UNIT_BIT_RATE, "9600", 9600, "9600bit"},
		{UNIT_BIT_RATE, "9600bit", 9600, "9600bit"},
		{UNIT_BYTE_RATE, "50MB/s", 50000000, "50MB/s"},
		{UNIT_BYTE_RATE, "25MiB/s", 25 << 20, "25MiB/s"},
		{UNIT_BYTE_RATE, "25m", 25 << 20, "25MiB/s"},
		{UNIT_BYTE_RATE, "1/s", 1, "1B/s"},
		{UNIT_IOPS, "2000iops", 2000, "2000iops"},
		{UNIT_IOPS, "2k", 2000, "2000iops"},
		{UNIT_IOPS, "2kiops", 2000, "2000iops"},
		{UNIT_IOPS, "2.5kiops", 2500, "2500iops"},
		{UNIT_IOPS, "7/s", 7, "7iops"},
		{UNIT_PER_SECOND, "1000/s", 1000, "1000/s"},
		{UNIT_PER_SECOND, "1k", 1000, "1000/s"},
		{UNIT_COUNT, "10", 10, "10"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 0;

		must(unit_parse(cases[i].unit, cases[i].text, &value) == 0, "'%s'", cases[i].text);
		is_uint(value, cases[i].value);
		is_str(unit_format(cases[i].unit, value).text, cases[i].back);
	}
}

TEST(what_is_not_of_a_unit_is_refused)
{
	static const struct {
		enum unit unit;
		const char *text;
		int result;
	} cases[] = {
		{UNIT_SIZE, "", -EINVAL},
		{UNIT_SIZE, "m", -EINVAL},
		{UNIT_SIZE, "64x", -EINVAL},
		{UNIT_SIZE, "64MiBB", -EINVAL},
		{UNIT_SIZE, "64i", -EINVAL},
		{UNIT_SIZE, "64iB", -EINVAL},
		{UNIT_SIZE, "64MB/s", -EINVAL},
		{UNIT_SIZE, "64 MB", -EINVAL},
		{UNIT_SIZE, "0.3", -EINVAL},
		{UNIT_SIZE, "0.0001k", -EINVAL},
		{UNIT_SIZE, "0", -ERANGE},
		{UNIT_SIZE, "0g", -ERANGE},
		{UNIT_SIZE, "9223372036854775808", -ERANGE},
		{UNIT_SIZE, "99999999999999999999999", -ERANGE},
		{UNIT_SIZE, "8388608t", -ERANGE},
		{UNIT_SIZE, "1.1234567891g", -EINVAL},
		{UNIT_BIT_RATE, "25MB/s", -EINVAL},
		{UNIT_BIT_RATE, "200mbps", -EINVAL},
		{UNIT_BIT_RATE, "200mb", -EINVAL},
		{UNIT_BIT_RATE, "200mbit/h", -EINVAL},
		{UNIT_BYTE_RATE, "200mbit", -EINVAL},
		{UNIT_BYTE_RATE, "2000iops", -EINVAL},
		{UNIT_IOPS, "50MB/s", -EINVAL},
		{UNIT_IOPS, "2kiiops", -EINVAL},
		{UNIT_IOPS, "4294967296", -ERANGE},
		{UNIT_COUNT, "1k", -EINVAL},
		{UNIT_COUNT, "1/s", -EINVAL},
		{UNIT_COUNT, "2147483648", -ERANGE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 4711;

		note("'%s'", cases[i].text);
		is_int(unit_parse(cases[i].unit, cases[i].text, &value), cases[i].result);
		is_uint(value, 4711);
	}
}

TEST(any_number_is_read_as_it_was_written)
{
	uint64_t state = 1;

	for (int i = 0; i < 100000; i++) {
		enum unit unit = (enum unit)(i % UNITS);
		uint64_t value, again = 0;

		state = state * 6364136223846793005u + 1442695040888963407u;
		value = state >> (1 + state % 61);
		if (unit == UNIT_CORES)
			value %= 4096000;
		else if (unit != UNIT_SIZE && unit != UNIT_BYTE_RATE && unit != UNIT_BIT_RATE)
			value %= INT32_MAX;
		value = value ? value : 1;
		must(unit_parse(unit, unit_format(unit, value).text, &again) == 0 && again == value,
		     "%" PRIu64 " is '%s'", value, unit_format(unit, value).text);
	}
}
