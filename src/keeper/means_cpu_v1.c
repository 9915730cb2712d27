// SPDX-License-Identifier: GPL-2.0-or-later
/* cpu.cfs_quota_us, of the group's own cpu.cfs_period_us, and cpu.shares (sched-bwc.rst). */
#include "keeper/means_cpu.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"

#define QUOTA "cpu.cfs_quota_us"
#define PERIOD "cpu.cfs_period_us"
#define SHARES "cpu.shares"

#define SHARES_DEFAULT "1024"
#define SHARES_MIN 2
#define SHARES_MAX 262144
#define QUOTA_MIN_US 1000 /* min_cfs_quota_period in kernel/sched/core.c */

static int find_number(struct writer *writer, const char *directory, const char *file,
		       int64_t *value, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = writer_note_file(writer, "cgroup", directory, file, &text, err);

	if (r < 0)
		return r;
	if (string_to_i64(text, 10, value) < 0)
		return error_set(err, EINVAL, "'%s/%s' holds '%s', not a number", directory, file,
				 text);
	return 0;
}

static int find(struct writer *writer, const char *directory, bool weight,
		struct control_setting *now, struct error *err)
{
	int64_t quota_us, period_us, shares = 0;
	int r = find_number(writer, directory, QUOTA, &quota_us, err);

	if (r == 0)
		r = find_number(writer, directory, PERIOD, &period_us, err);
	if (r == 0 && weight)
		r = find_number(writer, directory, SHARES, &shares, err);
	if (r < 0)
		return r;
	now->quota_cores = quota_us > 0 ? (double)quota_us / (double)period_us : 0;
	now->weight = (double)shares;
	return 0;
}

static int write_number(struct writer *writer, const char *name, const char *directory,
			const char *file, int64_t value, struct error *err)
{
	_cleanup_free_ char *text = string_format("%" PRId64, value);

	if (!text)
		return error_oom(err);
	return writer_set_file(writer, name, directory, file, text, err);
}

static int set_quota(struct writer *writer, const char *name, const char *directory, double cores,
		     struct error *err)
{
	int64_t quota_us = cores > 0 ? llround(cores * TERMS_CPU_PERIOD_US) : -1;

	if (quota_us > 0 && quota_us < QUOTA_MIN_US)
		quota_us = QUOTA_MIN_US;
	return write_number(writer, name, directory, QUOTA, quota_us, err);
}

/* The period of others is brought to ours once, quota first where that would be the lower one. */
static int set_period(struct writer *writer, const char *name, const char *directory,
		      struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int64_t period_us;
	int r = writer_note_file(writer, "cgroup", directory, PERIOD, &text, err);

	if (r < 0)
		return r;
	if (string_to_i64(text, 10, &period_us) == 0 && period_us == TERMS_CPU_PERIOD_US)
		return 0;
	return write_number(writer, name, directory, PERIOD, TERMS_CPU_PERIOD_US, err);
}

static int set(struct writer *writer, const char *name, const char *directory,
	       const struct control_setting *wanted, struct control_setting *now, struct error *err)
{
	double shares = wanted->weight;
	int r = 0;

	if (wanted->quota_cores != now->quota_cores) {
		r = set_period(writer, name, directory, err);
		if (r == 0)
			r = set_quota(writer, name, directory, wanted->quota_cores, err);
		if (r < 0)
			return r;
		now->quota_cores = wanted->quota_cores;
	}
	if (shares == 0 || fabs(shares - now->weight) < 0.05 * now->weight)
		return 0;
	r = write_number(writer, name, directory, SHARES,
			 llround(fmax(SHARES_MIN, fmin(shares, SHARES_MAX))), err);
	if (r == 0)
		now->weight = shares;
	return r;
}

static double cores_of(const char *quota, const char *period)
{
	int64_t quota_us, period_us;

	if (string_to_i64(quota, 10, &quota_us) < 0 || string_to_i64(period, 10, &period_us) < 0)
		return -EINVAL;
	return quota_us > 0 && period_us > 0 ? (double)quota_us / (double)period_us : 0;
}

static double found_quota(const struct book *book, const char *directory, bool *term)
{
	struct found now, period;
	double cores;

	if (!book_find(book, directory, QUOTA, &now) ||
	    !book_find(book, directory, PERIOD, &period))
		return 0;
	*term = now.term;
	cores = cores_of(now.text, period.text);
	return cores > 0 ? cores : 0;
}

static char *quota_text(uint32_t limit_mcores)
{
	return string_format("%" PRId64, limit_mcores ? terms_cpu_quota_us(limit_mcores) : -1);
}

static char *weight_text(uint32_t mcores)
{
	return mcores ? string_format("%" PRIu64, terms_cpu_shares(mcores))
		      : strdup(SHARES_DEFAULT);
}

const struct means_cpu means_cpu_v1 = {
	.find = find,
	.set = set,
	.quota = cores_of,
	.found_quota = found_quota,
	.quota_text = quota_text,
	.weight_text = weight_text,
	.weight_max = SHARES_MAX,
	.weight_of_core = 64 * CONTROL_HOST_WEIGHT,
	.quota_file = QUOTA,
	.period_file = PERIOD,
	.weight_file = SHARES,
	.weight_default = SHARES_DEFAULT,
};

const struct means_cpu *means_cpu_of(int version)
{
	return version == 1 ? &means_cpu_v1 : version == 2 ? &means_cpu_v2 : NULL;
}
