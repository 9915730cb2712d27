// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/terms.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"

#define CORES_MAX 4096
#define CPU_SHARES_PER_CORE 65536
#define CPU_SHARES_MIN 2
#define CPU_SHARES_MAX 262144
#define CPU_WEIGHT_PER_CORE 2500
#define CPU_WEIGHT_MIN 1
#define CPU_WEIGHT_MAX 10000
/* The kernel takes no quota under 1 ms (kernel/sched/core.c, min_cfs_quota_period). */
#define CPU_QUOTA_MIN_US 1000

const struct term_kind term_kinds[] = {
	{"cpu-reserve", "CORES", "io.behalf.cpu.reserve", "CPU time that is always there for it"},
	{"cpu-limit", "CORES", "io.behalf.cpu.limit", "CPU time it never exceeds"},
	{"memory-limit", "SIZE", "io.behalf.memory.limit", "memory it never exceeds, without swap"},
	{"pids-limit", "N", "io.behalf.pids.limit", "processes and threads it never exceeds"},
	{"cpu-share", "N", "io.behalf.cpu.share", NULL},
	{"memory-reserve", "SIZE", "io.behalf.memory.reserve", NULL},
	{"net-ingress-reserve", "RATE", "io.behalf.net.ingress.reserve", NULL},
	{"net-ingress-limit", "RATE", "io.behalf.net.ingress.limit", NULL},
	{"net-ingress-share", "N", "io.behalf.net.ingress.share", NULL},
	{"net-egress-reserve", "RATE", "io.behalf.net.egress.reserve", NULL},
	{"net-egress-limit", "RATE", "io.behalf.net.egress.limit", NULL},
	{"net-egress-share", "N", "io.behalf.net.egress.share", NULL},
	{"disk-read-reserve", "RATE", "io.behalf.disk.read.reserve", NULL},
	{"disk-read-limit", "RATE", "io.behalf.disk.read.limit", NULL},
	{"disk-read-share", "N", "io.behalf.disk.read.share", NULL},
	{"disk-write-reserve", "RATE", "io.behalf.disk.write.reserve", NULL},
	{"disk-write-limit", "RATE", "io.behalf.disk.write.limit", NULL},
	{"disk-write-share", "N", "io.behalf.disk.write.share", NULL},
	{0},
};

int cores_parse(const char *text, uint32_t *mcores)
{
	uint32_t value = 0, scale = 1000;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		value = value * 10 + (uint32_t)(*text - '0') * 1000;
		if (value > CORES_MAX * 1000)
			return -ERANGE;
	}
	if (*text == '.') {
		text++;
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		for (; isdigit((unsigned char)*text); text++) {
			scale /= 10;
			/* zeroes behind the third decimal change nothing, digits would be lost */
			if (!scale && *text != '0')
				return -EINVAL;
			value += scale * (uint32_t)(*text - '0');
		}
	}
	if (*text)
		return -EINVAL;
	if (value == 0 || value > CORES_MAX * 1000)
		return -ERANGE;
	*mcores = value;
	return 0;
}

struct cores_text cores_format(uint32_t mcores)
{
	struct cores_text text;
	size_t length;

	snprintf(text.text, sizeof(text.text), "%" PRIu32 ".%03" PRIu32, mcores / 1000,
		 mcores % 1000);
	length = strlen(text.text);
	while (text.text[length - 1] == '0')
		text.text[--length] = '\0';
	if (text.text[length - 1] == '.')
		text.text[length - 1] = '\0';
	return text;
}

int64_t terms_cpu_quota_us(uint32_t limit_mcores)
{
	return (int64_t)limit_mcores * (TERMS_CPU_PERIOD_US / 1000);
}

uint64_t terms_cpu_shares(uint32_t reserve_mcores)
{
	uint64_t shares = (uint64_t)reserve_mcores * CPU_SHARES_PER_CORE / 1000;

	if (shares < CPU_SHARES_MIN)
		return CPU_SHARES_MIN;
	return shares < CPU_SHARES_MAX ? shares : CPU_SHARES_MAX;
}

uint64_t terms_cpu_weight(uint32_t reserve_mcores)
{
	uint64_t weight = (uint64_t)reserve_mcores * CPU_WEIGHT_PER_CORE / 1000;

	if (weight < CPU_WEIGHT_MIN)
		return CPU_WEIGHT_MIN;
	return weight < CPU_WEIGHT_MAX ? weight : CPU_WEIGHT_MAX;
}

static int set_cores(const char *name, const char *value, uint32_t *mcores, struct error *err)
{
	int r = cores_parse(value, mcores);

	if (r < 0)
		return error_set(err, r,
				 "--%s '%s': a number of cores is wanted, above 0 and with at most "
				 "three decimals",
				 name, value);
	return 0;
}

static int set_cpu_limit(struct terms *terms, const char *value, struct error *err)
{
	uint32_t mcores;
	int r = set_cores("cpu-limit", value, &mcores, err);

	if (r < 0)
		return r;
	if (terms_cpu_quota_us(mcores) < CPU_QUOTA_MIN_US)
		return error_set(err, ERANGE,
				 "--cpu-limit '%s': the kernel keeps no limit under 0.01", value);
	terms->cpu_limit_mcores = mcores;
	terms->has_cpu_limit = true;
	return 0;
}

static int set_memory_limit(struct terms *terms, const char *value, struct error *err)
{
	uint64_t bytes;

	if (string_to_bytes(value, &bytes) < 0 || bytes == 0 || bytes > INT64_MAX)
		return error_set(err, EINVAL,
				 "--memory-limit '%s': a number of bytes is wanted, or one with "
				 "k, m, g or t behind it",
				 value);
	terms->memory_limit_bytes = bytes;
	terms->has_memory_limit = true;
	return 0;
}

static int set_pids_limit(struct terms *terms, const char *value, struct error *err)
{
	uint64_t count;

	if (string_to_u64(value, 10, &count) < 0 || count == 0 || count > INT32_MAX)
		return error_set(err, EINVAL, "--pids-limit '%s': a number above 0 is wanted",
				 value);
	terms->pids_limit = count;
	terms->has_pids_limit = true;
	return 0;
}

int terms_set(struct terms *terms, const char *name, const char *value, struct error *err)
{
	const struct term_kind *kind = term_kinds;
	int r;

	while (kind->name && strcmp(kind->name, name) != 0)
		kind++;
	if (!kind->name)
		return error_set(err, ENOENT, "--%s: there is no such term", name);
	if (!kind->meaning)
		return error_set(err, EOPNOTSUPP,
				 "--%s: this version cannot keep that term yet, and promises "
				 "nothing it cannot keep",
				 name);
	if (strcmp(name, "cpu-reserve") == 0) {
		r = set_cores(name, value, &terms->cpu_reserve_mcores, err);
		terms->has_cpu_reserve |= r == 0;
		return r;
	}
	if (strcmp(name, "cpu-limit") == 0)
		return set_cpu_limit(terms, value, err);
	if (strcmp(name, "memory-limit") == 0)
		return set_memory_limit(terms, value, err);
	return set_pids_limit(terms, value, err);
}

int terms_check(const struct terms *terms, struct error *err)
{
	if (terms->has_cpu_reserve && terms->has_cpu_limit &&
	    terms->cpu_reserve_mcores > terms->cpu_limit_mcores)
		return error_set(err, EINVAL,
				 "--cpu-reserve %s is more than --cpu-limit %s lets it use",
				 cores_format(terms->cpu_reserve_mcores).text,
				 cores_format(terms->cpu_limit_mcores).text);
	return 0;
}

char *terms_format(const struct terms *terms, const struct term_kind *kind)
{
	if (strcmp(kind->name, "cpu-reserve") == 0 && terms->has_cpu_reserve)
		return strdup(cores_format(terms->cpu_reserve_mcores).text);
	if (strcmp(kind->name, "cpu-limit") == 0 && terms->has_cpu_limit)
		return strdup(cores_format(terms->cpu_limit_mcores).text);
	if (strcmp(kind->name, "memory-limit") == 0 && terms->has_memory_limit)
		return string_format("%" PRIu64, terms->memory_limit_bytes);
	if (strcmp(kind->name, "pids-limit") == 0 && terms->has_pids_limit)
		return string_format("%" PRIu64, terms->pids_limit);
	return NULL;
}
