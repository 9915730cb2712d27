/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Of two numbers, neither of them NaN. Not fmax() and fmin(): who starts containers does without libm. */
static inline double larger(double a, double b)
{
	return a > b ? a : b;
}

static inline double smaller(double a, double b)
{
	return a < b ? a : b;
}
