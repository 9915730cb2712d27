// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests that do not pass, each in its own way; tests/tree/harness.sh reads what the harness says. */
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TEST(passes)
{
	printf("not shown\n");
	ok(true);
}

TEST(differs)
{
	is_int(1, 2);
	is_str("a", "b");
	printf("goes on\n");
}

static void clean(int *value)
{
	printf("cleaned %d\n", *value);
}

TEST(must_leaves)
{
	__attribute__((cleanup(clean))) int value = 5;

	must(value == 6, "value is %d", value);
	printf("not reached\n");
}

TEST(skips)
{
	skip("no %s here", "moon");
}

TEST(exits_77)
{
	exit(77);
}

TEST(exits_3)
{
	exit(3);
}

TEST(crashes)
{
	raise(SIGSEGV);
}

TEST_TIMEOUT(hangs, 1)
{
	if (fork() == 0)
		pause();
	pause();
}

TEST(leaves_a_child_with_the_pipe)
{
	if (fork() == 0)
		pause();
}
