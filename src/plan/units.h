/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Quantities as people write them, behalf-terms(5) has the grammar. Pure, and exact: what is read is a
 * whole number of the smallest unit or refused, and what is written is read back as the same number.
 */
#include <stdint.h>

enum unit {
	UNIT_CORES,	 /* "0.5", "500m": thousandths of a core, at most 4096 cores */
	UNIT_SIZE,	 /* "2GiB", "64m", "50MB": bytes */
	UNIT_BIT_RATE,	 /* "200mbit", "1gbit": bits/s */
	UNIT_BYTE_RATE,	 /* "50MB/s", "25MiB/s": bytes/s */
	UNIT_IOPS,	 /* "2000iops", "2k": requests/s */
	UNIT_PER_SECOND, /* "1000/s", "1k" */
	UNIT_COUNT,	 /* "10" */
	UNITS,
};

/*
 * A letter before the unit is a power of 1000, with an "i" behind it (MiB, Mi) a power of 1024. A letter
 * alone (64m) is a power of 1024 for sizes and rates of bytes, as dd(1) and podman-run(1) have it, and of
 * 1000 for everything else, as tc(8) has it. Case does not matter. Zero is -ERANGE.
 * -EINVAL: not of this unit, or finer than its smallest part; -ERANGE.
 */
int unit_parse(enum unit unit, const char *text, uint64_t *value);

struct unit_text {
	char text[32];
};
/* The shortest that unit_parse reads as VALUE again. */
struct unit_text unit_format(enum unit unit, uint64_t value);

/* "a number of cores is wanted, as 0.5 or 500m" */
const char *unit_wanted(enum unit unit);

/* The same for cores, of thousandths. */
struct unit_text cores_format(uint32_t mcores);
