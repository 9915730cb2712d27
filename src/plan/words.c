// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"

struct unit_text words_cores(uint64_t ncores)
{
	uint64_t mcores = ncores / 1000000 + (ncores % 1000000 > 0);
	uint64_t tenths = mcores / 100 + (mcores % 100 > 0);
	struct unit_text text;

	if (mcores < 1000000)
		snprintf(text.text, sizeof(text.text), "%" PRIu64 ".%03" PRIu64, mcores / 1000,
			 mcores % 1000);
	else
		snprintf(text.text, sizeof(text.text), "%" PRIu64 ".%" PRIu64, tenths / 10,
			 tenths % 10);
	return text;
}

/* VALUE in the largest of N units that leaves at least one of it. */
static struct unit_text scaled(uint64_t value, unsigned int base, const char *const *units,
			       size_t n)
{
	double number = (double)value;
	size_t unit = 0;
	struct unit_text text;
	double step;

	while (number >= base && unit + 1 < n) {
		number /= base;
		unit++;
	}
	step = number < 10 ? 100 : number < 100 ? 10 : 1;
	number = unit ? ceil(number * step - 1e-9) / step : number;
	snprintf(text.text, sizeof(text.text), "%.*f %s",
		 unit == 0 || ceil(number) <= number ? 0
		 : number < 10			     ? 2
		 : number < 100			     ? 1
						     : 0,
		 number, units[unit]);
	return text;
}

struct unit_text words_size(uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

	return scaled(bytes, 1024, units, ARRAY_SIZE(units));
}

struct unit_text words_bit_rate(uint64_t bps)
{
	static const char *const units[] = {"bit/s", "kbit/s", "mbit/s", "gbit/s", "tbit/s"};

	return scaled(bps, 1000, units, ARRAY_SIZE(units));
}

struct unit_text words_byte_rate(uint64_t bytes_per_s)
{
	static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};

	return scaled(bytes_per_s, 1000, units, ARRAY_SIZE(units));
}

struct unit_text words_percent(uint64_t billionths)
{
	struct unit_text text;

	snprintf(text.text, sizeof(text.text), "%" PRIu64 "%%",
		 billionths / 10000000 + (billionths % 10000000 > 0));
	return text;
}
