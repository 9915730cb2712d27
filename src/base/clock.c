// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>

#define SECONDS_OF_DAY 86400

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 1 && is_leap(year));
}

struct clock_text clock_format_utc(struct timespec time)
{
	long day = time.tv_sec / SECONDS_OF_DAY, second = time.tv_sec % SECONDS_OF_DAY;
	struct clock_text formatted;
	int year = 1970, month = 0;

	for (; day >= (is_leap(year) ? 366 : 365); year++)
		day -= is_leap(year) ? 366 : 365;
	for (; day >= days_of(year, month); month++)
		day -= days_of(year, month);
	snprintf(formatted.text, sizeof(formatted.text), "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ",
		 year, month + 1, (int)day + 1, (int)(second / 3600), (int)(second / 60 % 60),
		 (int)(second % 60), time.tv_nsec);
	return formatted;
}
