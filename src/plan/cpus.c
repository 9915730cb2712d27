// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Reads a number at *AT and moves behind it. */
static int read_cpu(const char **at, unsigned int *cpu)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	errno = 0;
	value = strtoul(*at, &end, 10);
	if (errno || value >= CPUS_MAX)
		return -ERANGE;
	*cpu = (unsigned int)value;
	*at = end;
	return 0;
}

int cpus_parse(const char *text, struct cpus *cpus)
{
	struct cpus parsed = {0};
	unsigned int first, last;
	int r;

	while (*text) {
		r = read_cpu(&text, &first);
		if (r < 0)
			return r;
		last = first;
		if (*text == '-') {
			text++;
			r = read_cpu(&text, &last);
			if (r < 0)
				return r;
		}
		if (last < first)
			return -EINVAL;
		for (unsigned int cpu = first; cpu <= last; cpu++)
			cpus_add(&parsed, cpu);
		if (*text == ',' && text[1])
			text++;
		else if (*text)
			return -EINVAL;
	}
	*cpus = parsed;
	return 0;
}

char *cpus_format(const struct cpus *cpus)
{
	_cleanup_fclose_ FILE *out = NULL;
	const char *comma = "";
	char *text = NULL;
	size_t size;

	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		unsigned int last = cpu;

		if (!cpus_has(cpus, cpu))
			continue;
		while (last + 1 < CPUS_MAX && cpus_has(cpus, last + 1))
			last++;
		if (last > cpu)
			fprintf(out, "%s%u-%u", comma, cpu, last);
		else
			fprintf(out, "%s%u", comma, cpu);
		comma = ",";
		cpu = last;
	}
	if (fclose(take_ptr(out)) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void cpus_add(struct cpus *cpus, unsigned int cpu)
{
	if (cpu < CPUS_MAX)
		cpus->bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

bool cpus_has(const struct cpus *cpus, unsigned int cpu)
{
	return cpu < CPUS_MAX && cpus->bits[cpu / 64] >> cpu % 64 & 1;
}

unsigned int cpus_count(const struct cpus *cpus)
{
	unsigned int count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cpus->bits); i++)
		count += (unsigned int)__builtin_popcountll(cpus->bits[i]);
	return count;
}

struct cpus cpus_intersect(const struct cpus *a, const struct cpus *b)
{
	struct cpus both;

	for (size_t i = 0; i < ARRAY_SIZE(both.bits); i++)
		both.bits[i] = a->bits[i] & b->bits[i];
	return both;
}

int cpus_first_missing(const struct cpus *a, const struct cpus *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->bits); i++) {
		uint64_t missing = a->bits[i] & ~b->bits[i];

		if (missing)
			return (int)(i * 64) + __builtin_ctzll(missing);
	}
	return -1;
}
