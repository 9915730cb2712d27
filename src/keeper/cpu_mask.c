// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/cpu_mask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int cpu_mask_parse(const char *text, struct cpus *cpus)
{
	unsigned int words = 1, word = 0;

	*cpus = (struct cpus){0};
	for (const char *at = text; *at; at++)
		words += *at == ',';
	for (const char *at = text; words - word > 0; word++) {
		char *end;
		unsigned long bits = strtoul(at, &end, 16);
		unsigned int first = (words - 1 - word) * 32;

		if (end == at || (*end && *end != ',' && *end != '\n'))
			return -EINVAL;
		for (unsigned int bit = 0; bit < 32 && first + bit < CPUS_MAX; bit++) {
			if (bits >> bit & 1)
				cpus_add(cpus, first + bit);
		}
		at = *end == ',' ? end + 1 : end;
	}
	return 0;
}

void cpu_mask_format(const struct cpus *cpus, char *text, size_t size)
{
	unsigned int words = 1;
	size_t used = 0;

	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(cpus, cpu))
			words = cpu / 32 + 1;
	}
	for (unsigned int word = words; word-- > 0 && used < size;) {
		unsigned int bits = 0;

		for (unsigned int bit = 0; bit < 32; bit++)
			bits |= (unsigned int)cpus_has(cpus, word * 32 + bit) << bit;
		used += (size_t)snprintf(text + used, size - used, "%s%08x", used ? "," : "", bits);
	}
}
