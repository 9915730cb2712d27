// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <string.h>

#include "base/cleanup.h"
#include "view/who.h"
#include "view_example.h"

/* As example_snapshot(), with all receiving of web on CPU 1 of 2, and load interrupted there. */
static struct ledger_snapshot *example_parts(void)
{
	struct ledger_snapshot *s = example_snapshot();

	s->n_parts = 3;
	s->unattributed_parts = calloc(3, sizeof(*s->unattributed_parts));
	for (size_t i = 0; i < s->n_accounts; i++) {
		struct ledger_account *a = &s->accounts[i];

		a->parts = calloc(3, sizeof(*a->parts));
		a->parts[1].own_ns = ledger_account_own_ns(a);
		memcpy(a->parts[1].behalf_ns, a->behalf_ns, sizeof(a->behalf_ns));
		a->parts[1].imposed_ns = a->imposed_ns;
		/* not WORK and WRITEBACK: kworkers */
		a->parts[1].interrupt_ns = ledger_account_behalf_ns(a) - a->behalf_ns[WIRE_WORK] -
					   a->behalf_ns[WIRE_WRITEBACK];
	}
	s->unattributed_parts[1].interrupt_ns = 12 * MS;
	return s;
}

static char *sentences(const struct ledger_snapshot *snapshot, const struct ledger_account *only)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	ok(view_who(file, snapshot, only, NULL) == 0);
	fclose(file);
	return text;
}

TEST(a_sentence_for_each_heavy_payer)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *s = example_parts();
	_cleanup_free_ char *text = sentences(s, NULL);

	is_str(text,
	       "web spends 0.41 CPU in its threads and 0.22 CPU of kernel work elsewhere, 0.20 of "
	       "it receiving packets on CPU 1, at least 0.20 in time billed to load.\n"
	       "load spends 0.49 CPU in its threads and 0.040 CPU of kernel work elsewhere, 0.040 "
	       "of it receiving packets on CPU 1, at least 0.012 in time billed to web.\n"
	       "host spends 0.055 CPU in its threads and 0.006 CPU of kernel work elsewhere, 0.004 "
	       "of it timers on CPU 1, at least 0.002 in time billed to load.\n"
	       "2 other accounts spend 0.000 CPU. 0.001 CPU of kernel work has no known owner, "
	       "0.78 of 2 CPUs are idle.\n");
}

TEST(one_account_is_told_however_light)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *s = example_parts();
	_cleanup_free_ char *text = sentences(s, &s->accounts[4]);

	is_str(text, "getty.service spends 0.00 CPU in its threads and 0.00 CPU of kernel work "
		     "elsewhere.\n");
}

TEST(without_figures_of_each_cpu_no_cpu_is_told)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *s = example_snapshot();
	_cleanup_free_ char *text = sentences(s, &s->accounts[1]);

	has_str(text, "0.20 of it receiving packets.\n");
}

TEST(interrupts_that_are_billed_to_nobody)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *s = example_parts();
	_cleanup_free_ char *text = NULL;

	s->irq_time = true;
	text = sentences(s, &s->accounts[1]);
	has_str(text, ", at least 0.20 while load was interrupted.\n");
}

/* For any who-upon-whom, what is told is at most what was. */
TEST(the_bound_holds)
{
	srandom(1);
	for (int round = 0; round < 2000; round++) {
		_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *s = example_parts();
		uint64_t upon[5][5] = {0};

		for (size_t i = 0; i < 5; i++) {
			s->accounts[i].parts[1] = (struct ledger_part){0};
			for (size_t v = 0; v < 5; v++)
				upon[i][v] = (uint64_t)random() >> (random() % 31);
		}
		for (size_t i = 0; i < 5; i++) {
			for (size_t v = 0; v < 5; v++) {
				s->accounts[i].parts[1].interrupt_ns += upon[i][v];
				/* upon the host: upon nobody */
				if (i != v && v != 0)
					s->accounts[v].parts[1].imposed_ns += upon[i][v];
			}
		}
		for (size_t i = 0; i < 5; i++) {
			for (size_t v = 1; v < 5; v++)
				must(i == v ||
				     view_who_imposed_ns(s, &s->accounts[i], &s->accounts[v], -1) <=
					     upon[i][v]);
		}
	}
}
