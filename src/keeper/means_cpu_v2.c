// SPDX-License-Identifier: GPL-2.0-or-later
/* cpu.max and cpu.weight (cgroup-v2.rst). */
#include "keeper/means_cpu.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"

#define MAX "cpu.max"

#define WEIGHT_MIN 1
#define WEIGHT_MAX 10000
#define WEIGHT_DEFAULT 100.0 /* what a task of the host's counts */
#define QUOTA_MIN_US 1000

/* "max 100000", "50000 100000" */
static int parse_max(const char *directory, const char *text, double *cores, struct error *err)
{
	uint64_t quota_us, period_us;

	*cores = 0;
	if (string_starts_with(text, "max"))
		return 0;
	if (sscanf(text, "%" SCNu64 " %" SCNu64, &quota_us, &period_us) != 2 || period_us == 0)
		return error_set(err, EINVAL, "'%s/cpu.max' holds '%s'", directory, text);
	*cores = (double)quota_us / (double)period_us;
	return 0;
}

static int find(struct writer *writer, const char *directory, bool weight,
		struct control_setting *now, struct error *err)
{
	_cleanup_free_ char *max = NULL, *text = NULL;
	uint64_t value = 0;
	int r = writer_note_file(writer, "cgroup", directory, MAX, &max, err);

	if (r == 0)
		r = parse_max(directory, max, &now->quota_cores, err);
	if (r == 0 && weight)
		r = writer_note_file(writer, "cgroup", directory, "cpu.weight", &text, err);
	if (r < 0)
		return r;
	if (text && string_to_u64(text, 10, &value) < 0)
		return error_set(err, EINVAL, "'%s/cpu.weight' holds '%s', not a number", directory,
				 text);
	now->weight = (double)value / WEIGHT_DEFAULT * CONTROL_HOST_WEIGHT;
	return 0;
}

static int set_max(struct writer *writer, const char *name, const char *directory, double cores,
		   struct error *err)
{
	int64_t quota_us = llround(cores * TERMS_CPU_PERIOD_US);
	_cleanup_free_ char *text = NULL;

	if (quota_us < QUOTA_MIN_US)
		quota_us = QUOTA_MIN_US;
	text = cores > 0 ? string_format("%" PRId64 " %d", quota_us, TERMS_CPU_PERIOD_US)
			 : string_format("max %d", TERMS_CPU_PERIOD_US);
	return text ? writer_set_file(writer, name, directory, MAX, text, err) : error_oom(err);
}

static int set_weight(struct writer *writer, const char *name, const char *directory, double weight,
		      struct error *err)
{
	double value = weight / CONTROL_HOST_WEIGHT * WEIGHT_DEFAULT;
	_cleanup_free_ char *text = NULL;

	value = fmax(WEIGHT_MIN, fmin(value, WEIGHT_MAX));
	text = string_format("%lld", llround(value));
	return text ? writer_set_file(writer, name, directory, "cpu.weight", text, err)
		    : error_oom(err);
}

static int set(struct writer *writer, const char *name, const char *directory,
	       const struct control_setting *wanted, struct control_setting *now, struct error *err)
{
	int r = 0;

	if (wanted->quota_cores != now->quota_cores) {
		r = set_max(writer, name, directory, wanted->quota_cores, err);
		if (r < 0)
			return r;
		now->quota_cores = wanted->quota_cores;
	}
	if (wanted->weight == 0 || fabs(wanted->weight - now->weight) < 0.05 * now->weight)
		return 0;
	r = set_weight(writer, name, directory, wanted->weight, err);
	if (r == 0)
		now->weight = wanted->weight;
	return r;
}

static double quota(const char *quota, const char *period)
{
	double cores;

	(void)period;
	return parse_max("", quota, &cores, NULL) < 0 ? -EINVAL : cores;
}

static double found_quota(const struct book *book, const char *directory, bool *term)
{
	struct found found;
	double cores;

	if (!book_find(book, directory, MAX, &found) ||
	    parse_max(directory, found.text, &cores, NULL) < 0)
		return 0;
	*term = found.term;
	return cores;
}

static char *quota_text(uint32_t limit_mcores)
{
	return limit_mcores ? string_format("%" PRId64 " %d", terms_cpu_quota_us(limit_mcores),
					    TERMS_CPU_PERIOD_US)
			    : string_format("max %d", TERMS_CPU_PERIOD_US);
}

static char *weight_text(uint32_t mcores)
{
	return string_format("%" PRIu64,
			     mcores ? terms_cpu_weight(mcores) : (uint64_t)WEIGHT_DEFAULT);
}

const struct means_cpu means_cpu_v2 = {
	.find = find,
	.set = set,
	.quota = quota,
	.found_quota = found_quota,
	.quota_text = quota_text,
	.weight_text = weight_text,
	.quota_file = MAX,
	.weight_file = "cpu.weight",
	.weight_default = "100",
	/* terms_cpu_weight() of plan/terms.h: 25 times a task of the host's */
	.weight_of_core = 25 * CONTROL_HOST_WEIGHT,
	.weight_max = WEIGHT_MAX / WEIGHT_DEFAULT * CONTROL_HOST_WEIGHT,
};
