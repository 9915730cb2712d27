/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct clock_text {
	char text[96]; /* as much as the largest numbers would take */
};

/*
 * TIME, of 1970 or later, as ISO 8601 in UTC with nanoseconds: 2026-01-31T23:59:59.000000001Z. The C library's
 * functions for it read the file of the local time zone.
 */
struct clock_text clock_format_utc(struct timespec time);

/* Nanoseconds since boot without suspend: the clock of bpf_ktime_get_ns. */
static inline uint64_t clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}
