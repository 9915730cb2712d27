/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sets of CPUs as files of interrupts and links have them: "f", "00000001,ffffffff": words of 32 CPUs, the highest
 * first (lib/bitmap.c, bitmap_parse).
 */
#include <stddef.h>

#include "plan/cpus.h"

#define CPU_MASK_BYTES (CPUS_MAX / 4 + CPUS_MAX / 32 + 2)

/* -EINVAL. A line feed after it is passed over. */
int cpu_mask_parse(const char *text, struct cpus *cpus);
void cpu_mask_format(const struct cpus *cpus, char *text, size_t size);
