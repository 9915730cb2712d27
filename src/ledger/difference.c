// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What happened between two readings.
 *
 * The books of both balance, so what all accounts have more in the later one is the time in between, on each CPU.
 * But a single account can have less than before. An interval that was open at the earlier reading was counted for
 * whom the cursor stood on, and went to another later: to the owner of a packet, of a poll, of a request that was
 * completed in an interrupt (bpf/cursor.h). That is a microsecond or so, unless the CPU is a virtual one that was
 * not run for a while just then.
 *
 * What the first account lost, the other has beyond what it spent between the readings, and on the same CPU. So a
 * loss is taken off all who gained something on that CPU, in proportion, and they add up to the time there was.
 *
 * An account that was removed in between left what it had on all CPUs in the last row of its heir, which is no
 * CPU's. A loss there that is larger than the gains, or one on a CPU where the one who gained has been removed, is
 * taken off all gains of all rows.
 */
#include "ledger/difference.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ledger/cgroups.h"
#include "ledger/parts.h"

/* Words of time in one row of an account. */
#define ROW_WORDS (1 + WIRE_CLASSES)

/*
 * Takes off, modulo 2^64: an account may lose more than it has here until what came from accounts
 * below it is taken off too.
 */
static void take_off(struct ledger_account *later, const struct ledger_account *earlier)
{
	later->own_user_ns -= earlier->own_user_ns;
	later->own_kernel_ns -= earlier->own_kernel_ns;
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		later->behalf_ns[i] -= earlier->behalf_ns[i];
	later->imposed_ns -= earlier->imposed_ns;
	later->kernel_says_ns -= earlier->kernel_says_ns;
	ledger_evidence_take_off(&later->evidence, &earlier->evidence);
}

static int compare_ids(const void *a, const void *b)
{
	const struct ledger_account *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

/* Who has the total of an account that has closed: its nearest ancestor. */
static struct ledger_account *heir_of(const struct ledger_snapshot *s, const char *path)
{
	struct ledger_account *heir = NULL;

	for (size_t i = 0; i < s->n_accounts; i++) {
		struct ledger_account *a = &s->accounts[i];

		if (ledger_cgroup_is_below(path, a->cgroup) &&
		    (!heir || strlen(a->cgroup) > strlen(heir->cgroup)))
			heir = a;
	}
	return heir;
}

/* INDEX is LATER's accounts by id. */
static void take_off_accounts(struct ledger_snapshot *later, const struct ledger_snapshot *earlier,
			      struct ledger_account **index)
{
	for (size_t i = 0; i < earlier->n_accounts; i++) {
		const struct ledger_account *key = &earlier->accounts[i];
		struct ledger_account **found =
			bsearch(&key, index, later->n_accounts, sizeof(*index), compare_ids);
		struct ledger_account *from = found ? *found : heir_of(later, key->cgroup);

		if (!from)
			continue;
		take_off(from, key);
		if (later->n_parts == earlier->n_parts)
			ledger_parts_take_off(from->parts, key->parts, later->n_parts, !found);
	}
}

/* What is nobody's. */
static void take_off_rest(struct ledger_snapshot *later, const struct ledger_snapshot *earlier)
{
	later->idle_ns -= earlier->idle_ns;
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		later->unattributed_ns[i] -= earlier->unattributed_ns[i];
	if (later->n_parts != earlier->n_parts)
		return;
	ledger_parts_take_off(later->unattributed_parts, earlier->unattributed_parts,
			      later->n_parts, false);
	for (size_t i = 0; later->idle_parts_ns && earlier->idle_parts_ns && i < later->n_parts;
	     i++)
		later->idle_parts_ns[i] -= earlier->idle_parts_ns[i];
}

/* ---- losses, row by row ---- */

static bool rows_are_known(const struct ledger_snapshot *s)
{
	if (!s->unattributed_parts || !s->idle_parts_ns)
		return false;
	for (size_t i = 0; i < s->n_accounts; i++) {
		if (!s->accounts[i].parts)
			return false;
	}
	return true;
}

static bool both_know_rows(const struct ledger_snapshot *later,
			   const struct ledger_snapshot *earlier)
{
	return later->n_parts && later->n_parts == earlier->n_parts && rows_are_known(later) &&
	       rows_are_known(earlier);
}

static size_t words_of(const struct ledger_snapshot *s)
{
	return ROW_WORDS * (1 + s->n_accounts);
}

/* A word of a row: whose they are all together is all of the time of that CPU. */
static uint64_t *word_of(struct ledger_snapshot *s, size_t row, size_t i)
{
	struct ledger_part *part;

	if (i == 0)
		return &s->idle_parts_ns[row];
	part = i < ROW_WORDS ? &s->unattributed_parts[row]
			     : &s->accounts[i / ROW_WORDS - 1].parts[row];
	return i % ROW_WORDS ? &part->behalf_ns[i % ROW_WORDS - 1] : &part->own_ns;
}

/* Makes losses of a row nothing, and returns their sum. */
static uint64_t drop_losses(struct ledger_snapshot *s, size_t row)
{
	uint64_t lost_ns = 0;

	for (size_t i = 0; i < words_of(s); i++) {
		uint64_t *word = word_of(s, row, i);

		if ((int64_t)*word < 0) {
			lost_ns -= *word;
			*word = 0;
		}
	}
	return lost_ns;
}

static uint64_t sum_row(struct ledger_snapshot *s, size_t row)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < words_of(s); i++)
		sum_ns += *word_of(s, row, i);
	return sum_ns;
}

/* Takes LOST_NS off the SUM_NS that these rows have, from FIRST up to END. Returns what was too much. */
static uint64_t spread_loss(struct ledger_snapshot *s, size_t first, size_t end, uint64_t sum_ns,
			    uint64_t lost_ns)
{
	uint64_t taken_ns = lost_ns < sum_ns ? lost_ns : sum_ns;
	double left = sum_ns ? (double)(sum_ns - taken_ns) / (double)sum_ns : 0;

	if (!taken_ns)
		return lost_ns;
	for (size_t row = first; row < end; row++) {
		for (size_t i = 0; i < words_of(s); i++) {
			uint64_t *word = word_of(s, row, i);

			*word = (uint64_t)((double)*word * left);
		}
	}
	return lost_ns - taken_ns;
}

/* Whether there were losses. */
static bool settle_rows(struct ledger_snapshot *s)
{
	uint64_t missing_ns = 0, sum_ns = 0;
	bool any = false;

	for (size_t row = 0; row < s->n_parts; row++) {
		uint64_t lost_ns = drop_losses(s, row);

		any = any || lost_ns;
		if (lost_ns)
			missing_ns += spread_loss(s, row, row + 1, sum_row(s, row), lost_ns);
	}
	if (!missing_ns)
		return any;
	for (size_t row = 0; row < s->n_parts; row++)
		sum_ns += sum_row(s, row);
	spread_loss(s, 0, s->n_parts, sum_ns, missing_ns);
	return true;
}

/* The figures of all CPUs together, from those of each. */
static void sum_rows(struct ledger_snapshot *s)
{
	s->idle_ns = 0;
	memset(s->unattributed_ns, 0, sizeof(s->unattributed_ns));
	for (size_t i = 0; i < s->n_accounts; i++) {
		struct ledger_account *a = &s->accounts[i];

		a->own_kernel_ns = -a->own_user_ns;
		memset(a->behalf_ns, 0, sizeof(a->behalf_ns));
	}
	for (size_t row = 0; row < s->n_parts; row++) {
		s->idle_ns += s->idle_parts_ns[row];
		for (size_t class = 0; class < WIRE_CLASSES; class ++)
			s->unattributed_ns[class] += s->unattributed_parts[row].behalf_ns[class];
		for (size_t i = 0; i < s->n_accounts; i++) {
			struct ledger_account *a = &s->accounts[i];

			a->own_kernel_ns += a->parts[row].own_ns;
			for (size_t class = 0; class < WIRE_CLASSES; class ++)
				a->behalf_ns[class] += a->parts[row].behalf_ns[class];
		}
	}
}

/* ---- what is left to be told ---- */

static void at_least_zero(uint64_t *ns)
{
	if ((int64_t)*ns < 0)
		*ns = 0;
}

static void settle_account(struct ledger_account *account)
{
	uint64_t own_ns = ledger_account_own_ns(account);

	/* the split of the newest time may have been corrected; the sum is right */
	at_least_zero(&own_ns);
	at_least_zero(&account->own_user_ns);
	if (account->own_user_ns > own_ns)
		account->own_user_ns = own_ns;
	account->own_kernel_ns = own_ns - account->own_user_ns;
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		at_least_zero(&account->behalf_ns[i]);
	at_least_zero(&account->imposed_ns);
	at_least_zero(&account->kernel_says_ns);
	at_least_zero(&account->evidence.rx_packets);
	at_least_zero(&account->evidence.tx_packets);
	at_least_zero(&account->evidence.requests);
	at_least_zero(&account->evidence.items);
}

static void settle(struct ledger_snapshot *s)
{
	for (size_t i = 0; i < s->n_accounts; i++) {
		settle_account(&s->accounts[i]);
		ledger_parts_settle(s->accounts[i].parts, s->n_parts);
	}
	ledger_parts_settle(s->unattributed_parts, s->n_parts);
	for (size_t i = 0; s->idle_parts_ns && i < s->n_parts; i++)
		at_least_zero(&s->idle_parts_ns[i]);
	at_least_zero(&s->idle_ns);
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		at_least_zero(&s->unattributed_ns[i]);
}

/* What is promised is promised for any time. */
static void scale_reserves(struct ledger_snapshot *s, uint64_t earlier_ns)
{
	double share = s->wall_ns > earlier_ns
			       ? (double)(s->wall_ns - earlier_ns) / (double)s->wall_ns
			       : 0;

	for (size_t i = 0; i < s->n_accounts; i++)
		s->accounts[i].reserved_ns = (uint64_t)((double)s->accounts[i].reserved_ns * share);
}

static void subtract(uint64_t *later, uint64_t earlier)
{
	*later = *later > earlier ? *later - earlier : 0;
}

void ledger_snapshot_subtract(struct ledger_snapshot *later, const struct ledger_snapshot *earlier)
{
	_cleanup_free_ struct ledger_account **index =
		calloc(later->n_accounts + 1, sizeof(*index));

	if (!index)
		return;
	for (size_t i = 0; i < later->n_accounts; i++)
		index[i] = &later->accounts[i];
	qsort(index, later->n_accounts, sizeof(*index), compare_ids);
	take_off_accounts(later, earlier, index);
	take_off_rest(later, earlier);
	if (both_know_rows(later, earlier) && settle_rows(later))
		sum_rows(later);
	settle(later);
	scale_reserves(later, earlier->wall_ns);
	subtract(&later->wall_ns, earlier->wall_ns);
	subtract(&later->sum_ns, earlier->sum_ns);
	for (size_t i = 0; i < later->n_counters && i < earlier->n_counters; i++)
		subtract(&later->counters[i].count, earlier->counters[i].count);
}
