// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

/* The checks that hold. What happens when they do not: tests/harness/fixture.c. */
TEST(equal_values_pass)
{
	ok(1 == 1);
	is_int(-3, -3);
	is_uint(7u, 7u);
	is_str("a", "a");
	is_str(NULL, NULL);
	is_mem("abc", "abc", 3);
	is_near(1.0, 1.004, 0.005);
	has_str("open 'x': no", "'x'");
}

static int left_behind;

TEST(a_test_leaves_a_trace)
{
	left_behind++;
	is_int(left_behind, 1);
}

TEST(the_next_does_not_see_it)
{
	is_int(left_behind, 0);
}
