// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <string.h>

#include "base/cleanup.h"
#include "view/metrics.h"
#include "view_example.h"

#define _cleanup_snapshot_ _cleanup_(cleanup_ledger_snapshot)

static char *page_of(const struct ledger_snapshot *snapshot, size_t max, const char *previous)
{
	struct view_metrics_choice choice = {.max_accounts = max, .previous = previous};
	struct error err = {0};
	char *page = NULL;

	ok(view_metrics(snapshot, &choice, &page, &err) == 0, "%s", err.text);
	return page;
}

/* The lines of both formats differ in the names of families and in the end only. */
TEST(openmetrics_names_families_and_ends)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	struct view_metrics_choice choice = {.openmetrics = true, .max_accounts = 10};
	_cleanup_free_ char *page = NULL, *text = page_of(snapshot, 10, NULL);

	must(view_metrics(snapshot, &choice, &page, NULL) == 0);
	has_str(page, "# TYPE behalf_own_seconds counter\n# UNIT behalf_own_seconds seconds\n");
	has_str(page, "\nbehalf_own_seconds_total{account=\"web\"} 4.100000000\n");
	is_str(page + strlen(page) - 6, "# EOF\n");
	has_str(text, "# TYPE behalf_own_seconds_total counter\n");
	has_str(text, "\nbehalf_own_seconds_total{account=\"web\"} 4.100000000\n");
	ok(!strstr(text, "EOF") && !strstr(text, "UNIT"));
}

TEST(labels_are_bounded_and_the_rest_is_other)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_many(1000);
	_cleanup_free_ char *page = page_of(snapshot, 10, NULL);
	size_t n = 0;

	for (const char *c = page; (c = strstr(c, "behalf_charge_seconds_total{")); c++)
		n++;
	is_uint(n, 11);
	has_str(page, "behalf_charge_seconds_total{account=\"other\"}");
	has_str(page, "account=\"c-00009\"");
	ok(!strstr(page, "account=\"c-00010\""));
}

TEST(names_are_cleaned_and_kept_apart)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_free_ char *page = NULL;
	char name[400];

	example_add(snapshot, "a\"b\\c\nd\377\303\244", "/x\"");
	example_add(snapshot, "web", "/other/web");
	example_add(snapshot, "other", "/other");
	example_add(snapshot, "web#102", "/web#102");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	example_add(snapshot, name, "/long");
	page = page_of(snapshot, 100, NULL);
	has_str(page, "own_seconds_total{account=\"a\\\"b\\\\c?d?\303\244\"} ");
	has_str(page, "own_seconds_total{account=\"web#102\"} ");
	has_str(page, "own_seconds_total{account=\"web#107\"} ");
	has_str(page, "own_seconds_total{account=\"other#108\"} ");
	has_str(page, "own_seconds_total{account=\"web#102#109\"} ");
	ok(!strstr(page, name));
}

/* Whoever takes a fall for a new beginning counts all of it again. */
TEST(counters_do_not_fall_by_a_little)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_free_ char *first = page_of(snapshot, 10, NULL), *second = NULL, *third = NULL,
			    *fourth = NULL;

	snapshot->wall_ns += 1;
	snapshot->accounts[1].own_kernel_ns -= MS;
	second = page_of(snapshot, 10, first);
	has_str(second, "behalf_own_seconds_total{account=\"web\"} 4.100000000\n");
	/* another container of that name */
	snapshot->accounts[1].own_kernel_ns = 0;
	snapshot->accounts[1].own_user_ns = MS;
	third = page_of(snapshot, 10, second);
	has_str(third, "behalf_own_seconds_total{account=\"web\"} 0.001000000\n");
	/* and one that has nearly as much */
	snapshot->accounts[1].id += 1000;
	snapshot->accounts[1].own_user_ns = MS / 2;
	fourth = page_of(snapshot, 10, third);
	has_str(fourth, "behalf_own_seconds_total{account=\"web\"} 0.000500000\n");
}

TEST(another_ledger_begins_anew)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_free_ char *first = page_of(snapshot, 10, NULL), *second = NULL;

	snapshot->wall_ns /= 2;
	snapshot->accounts[1].own_kernel_ns -= MS;
	second = page_of(snapshot, 10, first);
	has_str(second, "behalf_own_seconds_total{account=\"web\"} 4.099000000\n");
}

TEST(who_is_shown_stays_and_other_does_not_fall)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_free_ char *first = page_of(snapshot, 2, NULL), *second = NULL;

	has_str(first, "charge_seconds_total{account=\"load\"} 5.300000000\n");
	has_str(first, "charge_seconds_total{account=\"other\"} 0.617000000\n");
	snapshot->accounts[0].own_user_ns += 10 * S;
	second = page_of(snapshot, 2, first);
	has_str(second, "charge_seconds_total{account=\"load\"} 5.300000000\n");
	has_str(second, "charge_seconds_total{account=\"other\"} 10.617000000\n");
	ok(!strstr(second, "\"host\""));
}

TEST(what_was_inherited_is_apart)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	struct ledger_part *parts = calloc(3, sizeof(*parts));
	_cleanup_free_ char *page = NULL;

	snapshot->n_parts = 3;
	snapshot->accounts[1].parts = parts;
	parts[0].own_ns = S;
	parts[1].own_ns = 2 * S;
	parts[2].own_ns = 1100 * MS;
	parts[2].behalf_ns[WIRE_NET_RX] = 2 * S;
	page = page_of(snapshot, 10, NULL);
	has_str(page, "behalf_own_seconds_total{account=\"web\"} 3.000000000\n");
	has_str(page, "behalf_removed_seconds_total{class=\"own\"} 1.100000000\n");
	has_str(page, "behalf_removed_seconds_total{class=\"net_rx\"} 2.000000000\n");
}

TEST(evidence_is_counted_by_account_and_event)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_free_ char *page = page_of(snapshot, 10, NULL), *again = NULL, *anew = NULL;

	has_str(page, "# TYPE behalf_evidence_total counter\n");
	has_str(page, "\nbehalf_evidence_total{account=\"web\",event=\"rx_packets\"} 2000000\n");
	has_str(page, "\nbehalf_evidence_total{account=\"web\",event=\"requests\"} 4096\n");
	has_str(page, "\nbehalf_evidence_total{account=\"web\",event=\"items\"} 1200\n");
	has_str(page, "\nbehalf_evidence_total{account=\"host\",event=\"requests\"} 0\n");
	has_str(page, "\nbehalf_removed_evidence_total{event=\"tx_packets\"} 0\n");
	/* a packet that turned out to be somebody else's, and another container of that name */
	snapshot->accounts[1].evidence.rx_packets -= 9;
	again = page_of(snapshot, 10, page);
	has_str(again, "{account=\"web\",event=\"rx_packets\"} 2000000\n");
	snapshot->accounts[1].evidence.rx_packets = 7;
	anew = page_of(snapshot, 10, again);
	has_str(anew, "{account=\"web\",event=\"rx_packets\"} 7\n");
}

TEST(evidence_of_others_is_added_up_and_does_not_fall)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	_cleanup_free_ char *first = page_of(snapshot, 1, NULL), *second = NULL;

	has_str(first, "{account=\"other\",event=\"rx_packets\"} 500000\n");
	snapshot->accounts[2].evidence.rx_packets = 1;
	second = page_of(snapshot, 1, first);
	has_str(second, "{account=\"other\",event=\"rx_packets\"} 500000\n");
}

TEST(inherited_evidence_is_apart)
{
	_cleanup_snapshot_ struct ledger_snapshot *snapshot = example_snapshot();
	struct ledger_part *parts = calloc(3, sizeof(*parts));
	_cleanup_free_ char *page = NULL;

	snapshot->n_parts = 3;
	snapshot->accounts[1].parts = parts;
	parts[0].evidence.requests = 4;
	parts[1].evidence.requests = 1;
	parts[2].evidence.requests = 90;
	page = page_of(snapshot, 10, NULL);
	has_str(page, "behalf_evidence_total{account=\"web\",event=\"requests\"} 5\n");
	has_str(page, "behalf_removed_evidence_total{event=\"requests\"} 90\n");
}

TEST(a_ledger_that_is_off_is_told)
{
	_cleanup_free_ char *page = page_of(NULL, 10, NULL);

	has_str(page, "\nbehalf_ledger_on 0\n");
}
