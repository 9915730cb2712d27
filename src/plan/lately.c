// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/lately.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/bounds.h"

#define SECOND_NS 1000000000ull
#define WINDOW_NS (120 * SECOND_NS)
#define ENOUGH_NS (30 * SECOND_NS)
#define LEAST_S 10
#define OLD_NS (600 * SECOND_NS)
#define USUAL_TIMES 3 /* a span counts at most so many times the median */
#define LINE_BYTES 160

void lately_add(struct lately_marks *marks, const struct lately_mark *mark)
{
	const struct lately_mark *last = marks->n ? &marks->all[marks->n - 1] : NULL;

	if (last && (last->ledger != mark->ledger || last->at_ns >= mark->at_ns))
		marks->n = 0;
	if (marks->n == LATELY_MARKS_MAX)
		memmove(&marks->all[0], &marks->all[1], --marks->n * sizeof(*mark));
	marks->all[marks->n++] = *mark;
}

/* ---- as text ---- */

char *lately_format(const struct lately_marks *marks)
{
	char *text = malloc(marks->n * LINE_BYTES + 1), *at = text;

	if (!text)
		return NULL;
	*at = '\0';
	for (size_t i = 0; i < marks->n; i++) {
		const struct lately_mark *m = &marks->all[i];

		at += snprintf(at, LINE_BYTES,
			       "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			       " %" PRIu64 " %" PRIu64 "\n",
			       m->ledger, m->at_ns, m->threads_set, m->threads_ns, m->own_ns,
			       m->work_ns, m->rest_ns);
	}
	return text;
}

static bool parse_line(const char *line, struct lately_mark *m)
{
	return sscanf(line,
		      "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		      " %" SCNu64,
		      &m->ledger, &m->at_ns, &m->threads_set, &m->threads_ns, &m->own_ns,
		      &m->work_ns, &m->rest_ns) == 7;
}

void lately_parse(const char *text, struct lately_marks *marks)
{
	struct lately_mark mark;

	marks->n = 0;
	while (*text && parse_line(text, &mark)) {
		lately_add(marks, &mark);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

/* ---- what was counted between them ---- */

struct span {
	double seconds, threads_ns, rest_ns; /* the latter two per second */
};

static uint64_t grown(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

/*
 * False where the one is no later sum of the other: a thread has ended and took its time with it, or one that had not been
 * known brought all that it ever ran.
 */
static bool make_span(const struct lately_mark *before, const struct lately_mark *after,
		      struct span *span)
{
	uint64_t threads = grown(before->threads_ns, after->threads_ns);
	uint64_t own = grown(before->own_ns, after->own_ns);

	span->seconds = (double)(after->at_ns - before->at_ns) / 1e9;
	/* what of it is charged to others, who pay for a thread of theirs, is not the host's */
	threads = threads < own ? threads : own;
	threads += grown(before->work_ns, after->work_ns);
	span->threads_ns = (double)threads / span->seconds;
	span->rest_ns = (double)grown(before->rest_ns, after->rest_ns) / span->seconds;
	return after->threads_set == before->threads_set && after->threads_ns >= before->threads_ns;
}

/* The first mark of what lately is. */
static size_t find_first(const struct lately_marks *marks, uint64_t now_ns)
{
	uint64_t from_ns = now_ns > WINDOW_NS ? now_ns - WINDOW_NS : 0;
	uint64_t last_ns = marks->all[marks->n - 1].at_ns;
	size_t first = marks->n - 1;

	while (first > 0 && (marks->all[first - 1].at_ns >= from_ns ||
			     last_ns - marks->all[first].at_ns < ENOUGH_NS))
		first--;
	return first;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* VALUES are put in order. */
static double median_of(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static void sum_spans(const struct span *spans, size_t n, struct lately *lately)
{
	double threads[LATELY_MARKS_MAX] = {0}, rests[LATELY_MARKS_MAX] = {0}, seconds = 0;
	double threads_most, rest_most;

	for (size_t i = 0; i < n; i++) {
		threads[i] = spans[i].threads_ns;
		rests[i] = spans[i].rest_ns;
	}
	threads_most = USUAL_TIMES * median_of(threads, n);
	rest_most = USUAL_TIMES * median_of(rests, n);
	for (size_t i = 0; i < n; i++) {
		seconds += spans[i].seconds;
		lately->threads_ns += smaller(spans[i].threads_ns, threads_most) * spans[i].seconds;
		lately->rest_ns += smaller(spans[i].rest_ns, rest_most) * spans[i].seconds;
	}
	lately->threads_ns /= seconds;
	lately->rest_ns /= seconds;
}

bool lately_measure(const struct lately_marks *marks, uint64_t now_ns, struct lately *lately)
{
	struct span spans[LATELY_MARKS_MAX];
	const struct lately_mark *last;
	double seconds = 0;
	size_t first, n = 0;

	if (marks->n < 2)
		return false;
	last = &marks->all[marks->n - 1];
	first = find_first(marks, now_ns);
	*lately = (struct lately){.from_ns = marks->all[first].at_ns, .to_ns = last->at_ns};
	if (lately->to_ns + OLD_NS < now_ns)
		return false;
	for (size_t i = first; i + 1 < marks->n; i++) {
		if (make_span(&marks->all[i], &marks->all[i + 1], &spans[n]))
			seconds += spans[n++].seconds;
	}
	if (seconds < LEAST_S)
		return false;
	sum_spans(spans, n, lately);
	return true;
}

double lately_set_base(const struct lately *lately, const struct lately_promised *promised,
		       uint32_t n_cpus, struct profile_base *base)
{
	double cpus = n_cpus ? n_cpus : 1, all = lately->threads_ns + lately->rest_ns;
	double upper = larger(base->host_cpu_ns, base->host_cpu_upper_ns);
	double rest = larger(0, base->host_cpu_ns - base->threads_cpu_ns) * cpus;
	double threads = larger(0, lately->threads_ns - promised->threads_ns);
	double others = promised->all_ns + base->programs_share * promised->programs_ns;
	double own = smaller(larger(threads + rest, all - others), all);

	base->host_cpu_upper_ns = upper;
	base->host_cpu_ns = smaller(own / cpus, upper);
	base->threads_cpu_ns = smaller(threads / cpus, base->host_cpu_ns);
	return larger(0, own / cpus - upper) * cpus;
}
