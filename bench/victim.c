// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is disturbed in bench/isolation.
 *
 *	victim spin SECONDS		units of computing per second
 *	victim periodic SECONDS		wakes every 5 ms, computes for about 2 ms; 99th percentile in us
 *					of how long after its time it was ready
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PERIOD_NS 5000000u
#define WORK_UNITS 50
#define ROUNDS_MAX 100000

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void compute(void)
{
	static volatile uint64_t x = 1;

	for (int i = 0; i < 20000; i++)
		x = x * 6364136223846793005u + 1;
}

static void spin(uint64_t end_ns)
{
	uint64_t start_ns = now_ns(), units = 0;

	while (now_ns() < end_ns) {
		compute();
		units++;
	}
	printf("%.0f\n", (double)units * 1e9 / (double)(now_ns() - start_ns));
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void periodic(uint64_t end_ns)
{
	static uint64_t late[ROUNDS_MAX];
	uint64_t due_ns = now_ns();
	size_t n = 0;

	while (due_ns < end_ns && n < ROUNDS_MAX) {
		struct timespec at;

		due_ns += PERIOD_NS;
		at.tv_sec = (time_t)(due_ns / 1000000000u);
		at.tv_nsec = (long)(due_ns % 1000000000u);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		for (int i = 0; i < WORK_UNITS; i++)
			compute();
		late[n++] = now_ns() - due_ns;
		/* what was missed is not made up for */
		while (due_ns + PERIOD_NS < now_ns())
			due_ns += PERIOD_NS;
	}
	qsort(late, n, sizeof(late[0]), compare);
	printf("%.0f\n", n ? (double)late[n * 99 / 100] / 1e3 : 0.0);
}

int main(int argc, char **argv)
{
	uint64_t end_ns;

	if (argc != 3) {
		fprintf(stderr, "victim spin|periodic SECONDS\n");
		return EXIT_FAILURE;
	}
	end_ns = now_ns() + (uint64_t)(atof(argv[2]) * 1e9);
	if (strcmp(argv[1], "periodic") == 0)
		periodic(end_ns);
	else
		spin(end_ns);
	return EXIT_SUCCESS;
}
