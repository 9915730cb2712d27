// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include "base/cleanup.h"
#include "view/reconcile.h"
#include "view_example.h"

#define _cleanup_snapshot_ _cleanup_(cleanup_ledger_snapshot)

TEST(what_was_imposed_is_taken_off_and_what_was_elsewhere_added)
{
	_cleanup_snapshot_ struct ledger_snapshot *s = example_snapshot();
	struct view_reconciliation r;

	must(view_reconcile(s, &s->accounts[2], &r));
	is_uint(r.says_ns, 7 * S);
	is_uint(r.imposed_ns, 2100 * MS);
	is_uint(r.elsewhere_ns, 400 * MS);
	is_uint(r.in_time_ns, 0);
	is_uint(r.cost_ns, 5300 * MS);
	is_int(r.apart_ns, 0);
}

TEST(what_was_done_for_it_in_its_own_time_is_billed_already)
{
	_cleanup_snapshot_ struct ledger_snapshot *s = example_snapshot();
	struct view_reconciliation r;

	s->accounts[2].kernel_says_ns += 300 * MS;
	must(view_reconcile(s, &s->accounts[2], &r));
	is_uint(r.in_time_ns, 300 * MS);
	is_uint(r.elsewhere_ns, 100 * MS);
	is_int(r.apart_ns, 0);
	/* more than there was */
	s->accounts[2].kernel_says_ns += 300 * MS;
	must(view_reconcile(s, &s->accounts[2], &r));
	is_uint(r.elsewhere_ns, 0);
	is_int(r.apart_ns, (int64_t)(200 * MS));
}

TEST(a_kernel_that_keeps_interrupts_apart_has_own_time_only)
{
	_cleanup_snapshot_ struct ledger_snapshot *s = example_snapshot();
	struct view_reconciliation r;

	s->irq_time = true;
	s->accounts[2].kernel_says_ns = 4900 * MS;
	must(view_reconcile(s, &s->accounts[2], &r));
	is_uint(r.imposed_ns, 0);
	is_uint(r.elsewhere_ns, 400 * MS);
	is_int(r.apart_ns, 0);
}

TEST(the_host_and_what_has_no_figure_are_not_reconciled)
{
	_cleanup_snapshot_ struct ledger_snapshot *s = example_snapshot();
	struct view_reconciliation r;

	ok(!view_reconcile(s, &s->accounts[0], &r));
	ok(!view_reconcile(s, &s->accounts[4], &r));
}
