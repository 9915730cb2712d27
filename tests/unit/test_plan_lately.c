// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/lately.h"

#define SECOND 1000000000ull

/* A mark every 5 s: threads of 3 ms/s, other own time of 10 ms/s, 0.5 ms/s of work, 2 ms/s of the rest. */
static void add_marks(struct lately_marks *marks, uint64_t from_s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t s = from_s + 5 * i;

		lately_add(marks, &(struct lately_mark){.ledger = 7,
							.at_ns = s * SECOND,
							.threads_ns = 3000000 * s,
							.own_ns = 13000000 * s,
							.work_ns = 500000 * s,
							.rest_ns = 2000000 * s});
	}
}

#define is_as(a, b) ok(fabs((a) - (b)) <= 1e-6 * fabs(b) + 1, "%f is not %f", (a), (b))

TEST(what_was_counted_lately)
{
	struct lately_marks marks = {0};
	struct lately lately;

	add_marks(&marks, 1000, 61);
	must(lately_measure(&marks, 1301 * SECOND, &lately));
	is_as(lately.threads_ns, 3.5e6);
	is_as(lately.rest_ns, 2e6);
	/* of two minutes, not of five */
	is_int(lately.from_ns / SECOND, 1185);
	is_int(lately.to_ns / SECOND, 1300);
}

TEST(too_little_or_too_old_says_nothing)
{
	struct lately_marks marks = {0};
	struct lately lately;

	ok(!lately_measure(&marks, 1000 * SECOND, &lately));
	add_marks(&marks, 1000, 1);
	ok(!lately_measure(&marks, 1000 * SECOND, &lately));
	add_marks(&marks, 1005, 1);
	ok(!lately_measure(&marks, 1005 * SECOND, &lately), "5 s");
	add_marks(&marks, 1010, 1);
	ok(lately_measure(&marks, 1010 * SECOND, &lately), "10 s");
	ok(lately_measure(&marks, 1600 * SECOND, &lately), "nine minutes ago");
	ok(!lately_measure(&marks, 1700 * SECOND, &lately), "eleven minutes ago");
}

/* With no keeper there are only marks of those who planned. */
TEST(marks_far_apart_do)
{
	struct lately_marks marks = {0};
	struct lately lately;

	add_marks(&marks, 1000, 1);
	add_marks(&marks, 9000, 1);
	must(lately_measure(&marks, 9001 * SECOND, &lately));
	is_as(lately.threads_ns, 3.5e6);
	is_int(lately.from_ns / SECOND, 1000);
}

TEST(another_ledger_begins_anew)
{
	struct lately_marks marks = {0};

	add_marks(&marks, 1000, 10);
	lately_add(&marks, &(struct lately_mark){.ledger = 8, .at_ns = 2000 * SECOND});
	is_int(marks.n, 1);
	/* and so does another boot, whose clock is younger */
	lately_add(&marks, &(struct lately_mark){.ledger = 8, .at_ns = 20 * SECOND});
	is_int(marks.n, 1);
}

TEST(only_the_last_are_kept)
{
	struct lately_marks marks = {0};

	add_marks(&marks, 1000, 2 * LATELY_MARKS_MAX);
	is_int(marks.n, LATELY_MARKS_MAX);
	is_int(marks.all[0].at_ns / SECOND, 1000 + 5 * LATELY_MARKS_MAX);
}

TEST(one_burst_is_not_what_is_usual)
{
	struct lately_marks marks = {0};
	struct lately lately;

	add_marks(&marks, 1000, 25);
	for (size_t i = 12; i < marks.n; i++) {
		marks.all[i].threads_ns += SECOND;
		marks.all[i].own_ns += SECOND;
	}
	must(lately_measure(&marks, 1120 * SECOND, &lately));
	/* one of 24 spans counts three times */
	is_as(lately.threads_ns, 3.5e6 * 26 / 24);
}

TEST(a_thread_that_ends_takes_its_time_with_it)
{
	struct lately_marks marks = {0};
	struct lately lately;

	add_marks(&marks, 1000, 20);
	for (size_t i = 10; i < marks.n; i++)
		marks.all[i].threads_ns -= 2 * SECOND;
	must(lately_measure(&marks, 1095 * SECOND, &lately));
	is_as(lately.threads_ns, 3.5e6);
}

TEST(a_thread_that_was_not_known_brings_no_past)
{
	struct lately_marks marks = {0};
	struct lately lately;

	add_marks(&marks, 1000, 20);
	for (size_t i = 10; i < marks.n; i++) {
		marks.all[i].threads_set = 8;
		marks.all[i].threads_ns += 9 * SECOND;
		marks.all[i].own_ns += 9 * SECOND;
	}
	must(lately_measure(&marks, 1095 * SECOND, &lately));
	is_as(lately.threads_ns, 3.5e6);
	/* nor is it in the one span that there is */
	marks.n = 0;
	add_marks(&marks, 1000, 1);
	lately_add(&marks, &(struct lately_mark){.ledger = 7,
						 .at_ns = 1020 * SECOND,
						 .threads_set = 8,
						 .threads_ns = 9000 * SECOND,
						 .own_ns = 9000 * SECOND});
	ok(!lately_measure(&marks, 1020 * SECOND, &lately));
	/* and five seconds after it are too few */
	marks.all[2] = marks.all[1];
	marks.all[2].at_ns += 5 * SECOND;
	marks.n = 3;
	ok(!lately_measure(&marks, 1025 * SECOND, &lately));
	marks.all[2].at_ns += 5 * SECOND;
	ok(lately_measure(&marks, 1030 * SECOND, &lately));
}

TEST(threads_that_work_for_others_are_not_the_hosts)
{
	struct lately_marks marks = {0};
	struct lately lately;

	add_marks(&marks, 1000, 20);
	for (size_t i = 0; i < marks.n; i++)
		marks.all[i].own_ns = marks.all[i].threads_ns / 3;
	must(lately_measure(&marks, 1095 * SECOND, &lately));
	is_as(lately.threads_ns, 1.5e6);
}

TEST(a_file_of_marks_is_read_as_it_was_written)
{
	struct lately_marks marks = {0}, again = {0};
	_cleanup_free_ char *text = NULL;

	add_marks(&marks, 1000, 5);
	marks.all[4].rest_ns = UINT64_MAX;
	text = lately_format(&marks);
	must(text);
	lately_parse(text, &again);
	is_int(again.n, 5);
	ok(memcmp(marks.all, again.all, 5 * sizeof(marks.all[0])) == 0);
	lately_parse("7 5 1 2\nnonsense", &again);
	is_int(again.n, 0);
	lately_parse("", &again);
	is_int(again.n, 0);
}

static const struct profile_base calibrated = {
	.host_cpu_ns = 4e6, .threads_cpu_ns = 3e6, .host_cpu_upper_ns = 5e6};

static const struct lately_promised nobody_knows = {.all_ns = INFINITY};

TEST(a_base_is_what_was_measured)
{
	/* of two CPUs: threads half of what they were, and 2 ms of the rest, which is what the profile says */
	struct lately lately = {.threads_ns = 3e6, .rest_ns = 2e6};
	struct profile_base base = calibrated;

	ok(lately_set_base(&lately, &nobody_knows, 2, &base) <= 0);
	is_as(base.host_cpu_ns, 2.5e6);
	is_as(base.threads_cpu_ns, 1.5e6);
}

TEST(the_rest_is_between_what_was_measured_and_what_is_promised)
{
	struct lately lately = {.threads_ns = 6e6, .rest_ns = 10e6};
	struct profile_base base = calibrated;

	/* all of it may be for promises */
	lately_set_base(&lately, &(struct lately_promised){20e6, 0}, 2, &base);
	is_as(base.host_cpu_ns, 4e6);
	/* 3 ms of it are no promise's */
	base = calibrated;
	lately_set_base(&lately, &(struct lately_promised){7e6, 0}, 2, &base);
	is_as(base.host_cpu_ns, 4.5e6);
	/* it cannot be more than there was */
	base = calibrated;
	lately.rest_ns = 1e6;
	lately_set_base(&lately, &nobody_knows, 2, &base);
	is_as(base.host_cpu_ns, 3.5e6);
}

/* What threads do for connections that are promised is in the forecast of these. */
TEST(what_threads_do_for_promises_is_not_counted_twice)
{
	struct lately lately = {.threads_ns = 6e6, .rest_ns = 2e6};
	struct profile_base base = calibrated;

	lately_set_base(&lately, &(struct lately_promised){3e6, 2e6}, 2, &base);
	is_as(base.threads_cpu_ns, 2e6);
	is_as(base.host_cpu_ns, 3e6);
	/* of a promise that nobody uses there is more than was counted */
	base = calibrated;
	lately_set_base(&lately, &(struct lately_promised){30e6, 20e6}, 2, &base);
	is_as(base.threads_cpu_ns, 0.0);
	is_as(base.host_cpu_ns, 1e6);
}

/* A plan has what programs cost the host beside them, and what was counted has it already. */
TEST(what_the_kernel_did_for_programs_is_not_counted_twice)
{
	struct lately lately = {.threads_ns = 6e6, .rest_ns = 6e6};
	struct lately_promised promised = {.all_ns = 2e6, .programs_ns = 100e6};
	struct profile_base base = calibrated;

	base.programs_share = 0.02;
	lately_set_base(&lately, &promised, 2, &base);
	is_as(base.host_cpu_ns, 4e6);
	/* but not less than threads and the profile's rest */
	base = calibrated;
	base.programs_share = 0.2;
	lately_set_base(&lately, &promised, 2, &base);
	is_as(base.host_cpu_ns, 4e6);
}

/* Whatever was counted: the same terms have the same verdict an hour later. */
TEST(the_worst_case_stays_the_profiles)
{
	const struct lately some[] = {
		{.threads_ns = 0, .rest_ns = 0},
		{.threads_ns = 3e6, .rest_ns = 2e6},
		{.threads_ns = 12e6, .rest_ns = 300e6},
	};
	const double promised[] = {0, 1e6, INFINITY};

	for (size_t i = 0; i < 9; i++) {
		struct profile_base base = calibrated;

		lately_set_base(&some[i / 3], &(struct lately_promised){promised[i % 3], 0}, 3,
				&base);
		ok(base.host_cpu_upper_ns == calibrated.host_cpu_upper_ns, "%f",
		   base.host_cpu_upper_ns);
		ok(base.host_cpu_ns <= base.host_cpu_upper_ns, "%f", base.host_cpu_ns);
		ok(base.threads_cpu_ns <= base.host_cpu_ns, "%f", base.threads_cpu_ns);
	}
}

TEST(what_is_beyond_the_worst_case_is_told)
{
	struct lately lately = {.threads_ns = 12e6, .rest_ns = 2e6};
	struct profile_base base = calibrated;
	double beyond;

	beyond = lately_set_base(&lately, &nobody_knows, 2, &base);
	is_as(beyond, 4e6);
	is_as(base.host_cpu_ns, 5e6);
	/* also where a profile's upper quantile is below its mean */
	base = (struct profile_base){.host_cpu_ns = 4e6, .host_cpu_upper_ns = 3e6};
	lately_set_base(&lately, &nobody_knows, 2, &base);
	is_as(base.host_cpu_upper_ns, 4e6);
	is_as(base.host_cpu_ns, 4e6);
}
