// SPDX-License-Identifier: GPL-2.0-or-later
/* What a reader has of a CPU that stands still in the middle of a boundary, as a virtual one can. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "ledger/reading.h"
#include "tap.h"

#define SLOTS 4
#define SLOT 2
#define POSTED_NS 70000000u

static struct wire_book book = {.cpus = 1, .slots = SLOTS};
static struct wire_cpu cpu;
static struct wire_totals all_totals[2 * SLOTS], copied[SLOTS];
static const struct ledger_pinned pinned = {.book = &book, .cpus = &cpu, .totals = all_totals};
static struct reading reading;

/* The cursor has posted up to now, and the totals do not have it yet. */
static void begin(void)
{
	uint64_t now_ns = clock_monotonic_ns();

	memset(&cpu, 0, sizeof(cpu));
	memset(all_totals, 0, sizeof(all_totals));
	cpu.started_ns = now_ns - POSTED_NS;
	cpu.begun = 10;
	cpu.frame[WIRE_TASK] =
		(struct wire_frame){.since = now_ns, .slot = SLOT, .kind = WIRE_OWN, .active = 1};
	cpu.moving[WIRE_TASK] = 1;
	reading = (struct reading){
		.totals = copied, .n_slots = SLOTS, .attempts = 4, .patience_ns = 5000000000u};
}

/* It goes on. */
static void end(int signal)
{
	(void)signal;
	all_totals[SLOT * 2].own_ns += POSTED_NS;
	cpu.ended = cpu.begun;
	cpu.moving[WIRE_TASK] = 0;
}

static void end_later(void)
{
	const struct itimerval soon = {.it_value.tv_usec = 20000};

	signal(SIGALRM, end);
	setitimer(ITIMER_REAL, &soon, NULL);
}

static int64_t missing_ns(void)
{
	return (int64_t)(reading.now_ns - cpu.started_ns - copied[SLOT].own_ns);
}

TEST(cpu_that_stands_in_a_boundary_is_waited_for)
{
	begin();
	end_later();
	read_cpu(&pinned, 0, &reading);
	is_int(missing_ns(), 0);
}

TEST(interrupt_in_a_boundary_does_not_end_it)
{
	begin();
	cpu.ended = cpu.begun;
	end_later();
	read_cpu(&pinned, 0, &reading);
	is_int(missing_ns(), 0);
}

TEST(cpu_that_never_goes_on_is_not_waited_for_for_ever)
{
	begin();
	reading.patience_ns = 3000000;
	read_cpu(&pinned, 0, &reading);
	is_int(missing_ns(), POSTED_NS);
	ok(reading.waited_ns >= 3000000);
	/* nor is the next one */
	reading.waited_ns = 3000001;
	read_cpu(&pinned, 0, &reading);
	is_uint(reading.waited_ns, 3000001);
}

static void end_fold(int signal)
{
	(void)signal;
	book.fold_ended = book.fold_begun;
}

TEST(fold_that_stands_still_is_waited_for)
{
	const struct itimerval soon = {.it_value.tv_usec = 20000};

	begin();
	book.fold_begun = 8;
	book.fold_ended = 7;
	signal(SIGALRM, end_fold);
	setitimer(ITIMER_REAL, &soon, NULL);
	is_uint(reading_folds(&book, &reading), 8);
}
