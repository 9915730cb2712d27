// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/roster_found.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/strings.h"

#define QUOTA_LEAST_US 1000.0 /* the kernel takes none that is lower */
#define QUOTA_ODD 0.01

/* ---- quotas ---- */

static bool is_limit(const struct roster_entry *e, double cores)
{
	double limit = e->terms.cpu.limit_mcores / 1000.0;

	return limit > 0 && fabs(cores - limit) < 0.002 * limit;
}

/* The period is the term's with it: a quota is as much of a CPU as its period makes of it. */
static void hold_quota(const struct roster_entry *e, struct writer *writer)
{
	const struct means_cpu *means = e->means;
	_cleanup_free_ char *text = means->quota_text(e->terms.cpu.limit_mcores);
	_cleanup_free_ char *none = means->quota_text(0);
	_cleanup_free_ char *period = string_format("%d", TERMS_CPU_PERIOD_US);

	if (!writer->book || !text || !none || !period)
		return;
	book_set_term(writer->book, e->directory, means->quota_file, text, none);
	if (means->period_file)
		book_set_term(writer->book, e->directory, means->period_file, period, period);
}

void found_take_quota(struct roster_entry *e, struct writer *writer, bool changed)
{
	bool term = false;
	double found = writer->book ? e->means->found_quota(writer->book, e->directory, &term)
				    : e->applied.quota_cores;

	if (e->of_container &&
	    (term || changed || is_limit(e, found) || (found == 0 && e->terms.cpu.limit_mcores))) {
		hold_quota(e, writer);
		term = true;
	}
	/* with what was found before lost, it may be what a keeper has left there */
	e->others_quota = term || writer->lost ? 0 : found;
}

static bool is_same_weight(const char *a, const char *b)
{
	double x = strtod(a, NULL), y = strtod(b, NULL);

	return fabs(x - y) < 0.02 * y;
}

void found_take_weight(const struct roster_entry *e, struct writer *writer, bool changed)
{
	_cleanup_free_ char *text = e->means->weight_text(e->weighed_mcores);
	struct found found;

	if (!e->of_container || !e->weighed || !writer->book || !text ||
	    !book_find(writer->book, e->directory, e->means->weight_file, &found))
		return;
	if (found.term || changed || (e->weighed_mcores && is_same_weight(found.text, text)))
		book_set_term(writer->book, e->directory, e->means->weight_file, text,
			      e->means->weight_default);
}

static double as_it_is_set(double cores)
{
	double us = round(cores * TERMS_CPU_PERIOD_US);

	return cores > 0 ? fmax(us, QUOTA_LEAST_US) / TERMS_CPU_PERIOD_US : 0;
}

/* Nothing is forgotten before it is known that there is something to be noted instead. */
static int note_anew(struct roster_entry *e, struct writer *writer, struct error *err)
{
	struct writer reader = {0};
	struct control_setting now;
	int r = e->means->find(&reader, e->directory, false, &now, err);

	if (r < 0)
		return r;
	writer->promise = e->promise;
	book_forget_one(writer->book, e->directory, e->means->quota_file);
	if (e->means->period_file)
		book_forget_one(writer->book, e->directory, e->means->period_file);
	r = e->means->find(writer, e->directory, false, &now, err);
	writer->promise = NULL;
	if (r < 0)
		return r;
	e->applied.quota_cores = now.quota_cores;
	found_take_quota(e, writer, false);
	return book_flush(writer->book, err);
}

bool roster_is_there(const struct roster_entry *e)
{
	struct stat st;

	return stat(e->directory, &st) == 0 && st.st_ino == e->inode;
}

/* Of files that are there again, and are others: the quota is looked at, a weight is what every group begins with. */
static void take_files(struct roster_entry *e)
{
	struct writer reader = {0};
	struct control_setting now;

	gauge_watch_quota(&e->gauge, e->gauge.quota_file, e->gauge.period_file);
	if (e->weighed) {
		if (e->means->find(&reader, e->directory, true, &now, NULL) < 0)
			return;
		e->applied.weight = now.weight;
	}
	e->switched_off = false;
}

/*
 * A negative errno: it cannot be read. -ESTALE: the group is gone. Where its controller was switched off and on, as managers do
 * in v2, the group is the same, and its files are others; while it is off there are none.
 */
static double read_quota(struct roster_entry *e)
{
	char quota[GAUGE_TEXT_BYTES], period[GAUGE_TEXT_BYTES];
	int r = gauge_read_quota(&e->gauge, quota, period);

	if (r == -ENODEV || r == -ENOENT) {
		if (!roster_is_there(e))
			return -ESTALE;
		e->switched_off = true;
		gauge_watch_quota(&e->gauge, e->gauge.quota_file, e->gauge.period_file);
		r = gauge_read_quota(&e->gauge, quota, period);
	}
	if (r == 0 && e->switched_off)
		take_files(e);
	return r < 0 ? r : e->means->quota(quota, period);
}

int roster_look_at_quota(struct roster *roster, size_t i, struct writer *writer, struct error *err)
{
	struct roster_entry *e = &roster->items[i];
	double now = read_quota(e), ours = as_it_is_set(e->applied.quota_cores);
	bool odd = now >= 0 && fabs(now - ours) > QUOTA_ODD * fmax(now, ours);
	bool again = odd && e->odd_quota && now == e->odd_cores;
	int r;

	/* nothing is written as long as nothing changes, and without a ledger nothing else is read of it */
	if (now == -ESTALE)
		return error_set(err, ENOENT, "the control group '%s' is gone", e->directory);
	e->odd_quota = odd;
	e->odd_cores = now;
	if (!again || !writer->book)
		return 0;
	r = note_anew(e, writer, err);
	e->odd_quota = r < 0;
	return r;
}

/* ---- weights ---- */

bool weight_is_wanted(const struct roster_entry *e)
{
	return e->weighed_mcores || e->terms.cpu.share;
}

int weight_give_back(struct writer *writer, struct roster_entry *e, struct error *err)
{
	bool ours = e->weighed;
	struct found found;
	int r;

	e->weighed = false;
	e->applied.weight = 0;
	if (!writer->book || !book_find(writer->book, e->directory, e->means->weight_file, &found))
		return 0;
	/* of one that had this name before */
	if (found.inode != e->inode) {
		book_forget_one(writer->book, e->directory, e->means->weight_file);
		return 0;
	}
	/* raised for those below it (above.c), and going on to be */
	if (!ours && strcmp(found.means, "cgroup") != 0)
		return 0;
	r = writer_set_file(writer, e->called, e->directory, e->means->weight_file,
			    found.term ? e->means->weight_default : found.text, err);
	/* one that is raised for those below it (above.c) stays in the book */
	if (r == 0 && strcmp(found.means, "cgroup") == 0)
		book_forget_one(writer->book, e->directory, e->means->weight_file);
	return r;
}

int weight_retake(struct writer *writer, struct roster_entry *e, struct error *err)
{
	bool weighed = weight_is_wanted(e);
	int r;

	if (e->weighed == weighed)
		return 0;
	if (!weighed)
		return weight_give_back(writer, e, err);
	r = e->means->find(writer, e->directory, true, &e->applied, err);
	e->weighed = r == 0;
	return r;
}
