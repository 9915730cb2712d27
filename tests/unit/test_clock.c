// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static void is_as_the_library_has_it(time_t seconds, long ns)
{
	struct timespec time = {.tv_sec = seconds, .tv_nsec = ns};
	char date[64], expected[96];
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(expected, sizeof(expected), "%s.%09ldZ", date, ns);
	is_str(clock_format_utc(time).text, expected);
}

TEST(days_at_which_calendars_turn)
{
	is_str(clock_format_utc((struct timespec){0}).text, "1970-01-01T00:00:00.000000000Z");
	is_str(clock_format_utc((struct timespec){951782400, 1}).text,
	       "2000-02-29T00:00:00.000000001Z");
	is_str(clock_format_utc((struct timespec){951868799, 999999999}).text,
	       "2000-02-29T23:59:59.999999999Z");
	is_str(clock_format_utc((struct timespec){4107542400, 0}).text,
	       "2100-03-01T00:00:00.000000000Z");
}

TEST(every_day_is_the_librarys)
{
	/* to 2135, at another time of the day each */
	for (long day = 0; day < 60300; day++)
		is_as_the_library_has_it(day * 86400 + day * 7919 % 86400,
					 day * 104729 % 1000000000);
}
