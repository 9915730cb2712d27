/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Quantities for people to read: three or four digits, rounded up. What is to be read back is units.h. */
#include <stdint.h>

#include "plan/units.h"

/* "0.312", "1024.5": of ncores, in cores. */
struct unit_text words_cores(uint64_t ncores);
/* "1.50 GiB" */
struct unit_text words_size(uint64_t bytes);
/* "1.25 gbit/s" */
struct unit_text words_bit_rate(uint64_t bps);
/* "12.5 MB/s" */
struct unit_text words_byte_rate(uint64_t bytes_per_s);
/* "137%": of billionths. */
struct unit_text words_percent(uint64_t billionths);
