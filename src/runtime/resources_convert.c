// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/resources_convert.h"

#include <errno.h>
#include <math.h>

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define WEIGHT_MAX 10000

/*
 * These two are not libm's: every container's start would map it for them. Their error is below 1e-13.
 * N is not 0.
 */
static double binary_logarithm(uint64_t n)
{
	int whole = 63 - __builtin_clzll(n);
	double rest = (double)n / (double)(UINT64_C(1) << whole), result = whole;

	/* Squaring doubles the logarithm: digit after digit comes to be the whole part. */
	for (double digit = 0.5; digit > 1e-16; digit /= 2) {
		rest *= rest;
		if (rest >= 2) {
			rest /= 2;
			result += digit;
		}
	}
	return result;
}

/* 10 to the power of X, which is from 0 to 4. */
static double power_of_ten(double x)
{
	double y = x * 3.321928094887362348, z, term = 1, sum = 1;
	unsigned int whole = (unsigned int)y;

	z = (y - whole) * 0.693147180559945309;
	for (int i = 1; i < 20; i++) {
		term *= z / i;
		sum += term;
	}
	return sum * (double)(1u << whole);
}

uint64_t resources_cpu_weight(uint64_t shares)
{
	double l;

	if (!shares)
		return 0;
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	/* With l = log2(shares), log10(weight) is 0 at l=1, 2 at l=10 and 4 at l=18. */
	l = binary_logarithm(shares);
	/* What is a whole number but for the error stays that number. */
	return (uint64_t)ceil(power_of_ten((l * l + 125 * l) / 612 - 7.0 / 34) - 1e-9);
}

uint64_t resources_io_weight(uint64_t weight)
{
	if (!weight)
		return 0;
	if (weight < 10)
		weight = 10;
	if (weight > 1000)
		weight = 1000;
	return 1 + (weight - 10) * 9999 / 990;
}

int resources_swap_bytes(int64_t memory_and_swap_bytes, int64_t limit_bytes, int64_t *swap_bytes,
			 struct error *err)
{
	/* Unlimited memory and nothing said of swap means both, as it does on v1. */
	if (limit_bytes == -1 && memory_and_swap_bytes == 0)
		memory_and_swap_bytes = -1;
	if (memory_and_swap_bytes == 0 || memory_and_swap_bytes == -1) {
		*swap_bytes = memory_and_swap_bytes;
		return 0;
	}
	if (limit_bytes <= 0)
		return error_set(err, EINVAL, "a limit of swap needs one of memory");
	if (memory_and_swap_bytes < limit_bytes)
		return error_set(err, EINVAL,
				 "%lld bytes of memory and swap are less than the %lld of memory",
				 (long long)memory_and_swap_bytes, (long long)limit_bytes);
	*swap_bytes = memory_and_swap_bytes - limit_bytes;
	return 0;
}
