// SPDX-License-Identifier: GPL-2.0-or-later
/* From slots to accounts that people can read. */
#include "ledger/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strings.h"
#include "ledger/baseline.h"
#include "ledger/books.h"
#include "ledger/cgroups.h"
#include "ledger/counters.h"
#include "ledger/hierarchy.h"
#include "ledger/links.h"
#include "ledger/engines.h"
#include "ledger/names.h"
#include "ledger/parts.h"
#include "ledger/pinned.h"

/* What is at hand while a snapshot is made. */
struct making {
	struct ledger_pinned pinned;
	struct ledger_books books;
	struct ledger_hierarchy hierarchy;
	int cgroups; /* where the hierarchy is mounted */
	int root;    /* of all files */
	struct ledger_engines *engines;
	struct ledger_snapshot *snapshot;
	uint64_t user_ns, kernel_ns; /* of all that is split */
};

static void cleanup_making(struct making *m)
{
	ledger_pinned_close(&m->pinned);
	ledger_books_free(&m->books);
	ledger_hierarchy_free(&m->hierarchy);
	if (m->cgroups >= 0)
		close(m->cgroups);
	ledger_engines_free(m->engines);
	if (m->root >= 0)
		close(m->root);
	ledger_snapshot_free(m->snapshot);
}

static void sum_classes(const struct wire_totals *totals, uint64_t *behalf_ns)
{
	for (size_t class = 0; class < WIRE_CLASSES; class ++) {
		for (size_t level = 0; level < WIRE_LEVELS; level++)
			behalf_ns[class] += totals->behalf_ns[level * WIRE_CLASSES + class];
	}
}

/*
 * Own time since an account's last tick has not been found in a mode yet: it is split as what was, or,
 * in an account without a tick so far, as everybody's.
 */
static void split_own(const struct making *m, const struct wire_totals *totals,
		      struct ledger_account *account)
{
	uint64_t user_ns = totals->own_user_ns, kernel_ns = totals->own_kernel_ns;
	uint64_t split_ns = user_ns + kernel_ns;
	uint64_t rest_ns = totals->own_ns > split_ns ? totals->own_ns - split_ns : 0;
	double share;

	if (split_ns == 0) {
		user_ns = m->user_ns;
		split_ns = m->user_ns + m->kernel_ns;
	}
	share = split_ns ? (double)user_ns / (double)split_ns : 1.0;
	account->own_user_ns = totals->own_user_ns + (uint64_t)((double)rest_ns * share);
	if (account->own_user_ns > totals->own_ns)
		account->own_user_ns = totals->own_ns;
	account->own_kernel_ns = totals->own_ns - account->own_user_ns;
}

static int fill_account(const struct making *m, uint32_t slot, struct ledger_account *account,
			struct error *err)
{
	const struct wire_totals *totals = &m->books.totals[slot];

	account->id = slot == WIRE_SLOT_HOST ? 0 : m->books.slots[slot].id;
	split_own(m, totals, account);
	sum_classes(totals, account->behalf_ns);
	account->imposed_ns = totals->imposed_soft_ns + totals->imposed_hard_ns;
	account->parts = ledger_parts_new(&m->books, slot);
	if (!account->parts)
		return error_oom(err);
	for (uint32_t row = 0; row < m->books.n_rows; row++)
		ledger_evidence_add(&account->evidence, &account->parts[row].evidence);
	if (slot == WIRE_SLOT_HOST) {
		account->cgroup = strdup("/");
		if (m->cgroups >= 0)
			account->id = ledger_cgroup_root_id(m->cgroups);
	} else {
		account->cgroup = ledger_slot_path(m->cgroups, m->hierarchy.mount, m->books.slots,
						   m->books.n_slots, slot);
	}
	if (!account->cgroup)
		return error_oom(err);
	account->name = ledger_engines_call(m->engines, account->cgroup);
	return account->name ? 0 : error_oom(err);
}

static int fill_accounts(struct making *m, struct error *err)
{
	struct ledger_snapshot *s = m->snapshot;

	s->accounts = calloc(m->books.n_slots, sizeof(*s->accounts));
	if (!s->accounts)
		return error_oom(err);
	for (uint32_t slot = WIRE_SLOT_HOST; slot < m->books.n_slots; slot++) {
		m->user_ns += m->books.totals[slot].own_user_ns;
		m->kernel_ns += m->books.totals[slot].own_kernel_ns;
	}
	for (uint32_t slot = WIRE_SLOT_HOST; slot < m->books.n_slots; slot++) {
		if (slot != WIRE_SLOT_HOST && m->books.slots[slot].state != WIRE_OPEN)
			continue;
		if (fill_account(m, slot, &s->accounts[s->n_accounts++], err) < 0)
			return -err->code;
	}
	return 0;
}

static int fill_counters(struct making *m, struct error *err)
{
	struct ledger_snapshot *s = m->snapshot;

	s->counters = calloc(WIRE_COUNTERS + 1, sizeof(*s->counters));
	if (!s->counters)
		return error_oom(err);
	for (size_t i = 0; i < WIRE_COUNTERS; i++) {
		s->counters[i].name = ledger_counter_texts[i].name;
		s->counters[i].meaning = ledger_counter_texts[i].meaning;
		s->counters[i].count = m->books.counters[i];
	}
	s->counters[WIRE_COUNTERS] = (struct ledger_counter){
		.name = "recursion_misses",
		.meaning = "events that came while the same program ran, and were not seen",
		.count = ledger_recursion_misses(&m->pinned),
	};
	s->n_counters = WIRE_COUNTERS + 1;
	return 0;
}

static int fill_parts(struct making *m, struct error *err)
{
	struct ledger_snapshot *s = m->snapshot;

	s->irq_time = m->pinned.book->irq_time;
	s->n_parts = m->books.n_rows;
	s->unattributed_parts = ledger_parts_new(&m->books, WIRE_SLOT_UNATTRIBUTED);
	s->idle_parts_ns = m->books.idle_rows_ns;
	m->books.idle_rows_ns = NULL;
	return s->unattributed_parts ? 0 : error_oom(err);
}

static void fill_sums(const struct making *m)
{
	struct ledger_snapshot *s = m->snapshot;

	s->cpus = m->books.cpus;
	s->wall_ns = m->books.cpus ? m->books.expected_ns / m->books.cpus : 0;
	s->idle_ns = m->books.idle_ns;
	sum_classes(&m->books.totals[WIRE_SLOT_UNATTRIBUTED], s->unattributed_ns);
	s->sum_ns = s->idle_ns;
	for (size_t i = 0; i < WIRE_CLASSES; i++)
		s->sum_ns += s->unattributed_ns[i];
	for (size_t i = 0; i < s->n_accounts; i++)
		s->sum_ns += ledger_account_charge_ns(&s->accounts[i]);
}

static int compare_paths(const void *a, const void *b)
{
	const struct ledger_account *x = a, *y = b;

	return strcmp(x->cgroup, y->cgroup);
}

/*
 * The kernel's figure counts a cgroup with all below it and from its beginning; here each account is
 * itself, since the ledger was switched on: what accounts below have is taken off.
 */
static void fill_usage(const struct making *m)
{
	struct ledger_snapshot *s = m->snapshot;

	qsort(s->accounts, s->n_accounts, sizeof(*s->accounts), compare_paths);
	for (size_t i = 0; i < s->n_accounts; i++) {
		struct ledger_account *a = &s->accounts[i];
		uint64_t usage_ns;

		if (ledger_usage_read(&m->hierarchy, a->cgroup, &usage_ns) == 0)
			a->kernel_says_ns =
				usage_ns - ledger_baseline_of(m->pinned.baseline, a->id);
	}
	/*
	 * Sorted by path, the last ancestor before an account is its nearest. From the front, so that
	 * what is taken off still has in it what is below.
	 */
	for (size_t i = 0; i < s->n_accounts; i++) {
		for (size_t j = i; j-- > 0;) {
			struct ledger_account *above = &s->accounts[j];

			if (!ledger_cgroup_is_below(s->accounts[i].cgroup, above->cgroup))
				continue;
			above->kernel_says_ns -= above->kernel_says_ns <
								 s->accounts[i].kernel_says_ns
							 ? above->kernel_says_ns
							 : s->accounts[i].kernel_says_ns;
			break;
		}
	}
}

static int make(struct making *m, struct error *err)
{
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	r = ledger_pinned_open(&m->pinned, err);
	if (r < 0)
		return r;
	r = ledger_hierarchy_find(proc, &m->hierarchy, err);
	if (r < 0)
		return r;
	if (m->hierarchy.mount)
		m->cgroups = open(m->hierarchy.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	m->engines = ledger_engines_open(m->root, m->cgroups);
	m->snapshot = calloc(1, sizeof(*m->snapshot));
	if (!m->snapshot || !m->engines)
		return error_oom(err);
	m->snapshot->at_ns = clock_monotonic_ns();
	r = ledger_books_read(&m->pinned, &m->books, err);
	if (r < 0)
		return r;
	if (fill_accounts(m, err) < 0 || fill_counters(m, err) < 0 || fill_parts(m, err) < 0)
		return -err->code;
	fill_sums(m);
	fill_usage(m);
	return ledger_links_fill(&m->pinned, m->snapshot, err);
}

int ledger_snapshot_read(struct ledger_snapshot **snapshot, struct error *err)
{
	_cleanup_(cleanup_making) struct making m = {
		.pinned = LEDGER_PINNED_CLOSED, .cgroups = -EBADF, .root = -EBADF};
	int r = make(&m, err);

	if (r < 0)
		return r;
	*snapshot = take_ptr(m.snapshot);
	return 0;
}

/* ---- copies ---- */

static int copy_list(char ***to, char *const *from)
{
	for (size_t i = 0; from && from[i]; i++) {
		if (strv_append(to, from[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int copy_account(const struct ledger_snapshot *s, const struct ledger_account *from,
			struct ledger_account *to)
{
	*to = *from;
	to->links = NULL;
	to->promises = NULL;
	to->terms = NULL;
	to->parts = NULL;
	to->cgroup = strdup(from->cgroup ? from->cgroup : "");
	to->name = strdup(from->name ? from->name : "");
	if (copy_list(&to->links, from->links) < 0 || copy_list(&to->promises, from->promises) < 0)
		return -ENOMEM;
	if (from->terms) {
		to->terms = strdup(from->terms);
		if (!to->terms)
			return -ENOMEM;
	}
	if (from->parts)
		to->parts = ledger_parts_copy(from->parts, s->n_parts);
	return to->cgroup && to->name && (to->parts || !from->parts) ? 0 : -ENOMEM;
}

struct ledger_snapshot *ledger_snapshot_copy(const struct ledger_snapshot *from)
{
	_cleanup_(cleanup_ledger_snapshot) struct ledger_snapshot *to = malloc(sizeof(*to));
	const size_t idle_bytes = from->n_parts * sizeof(*from->idle_parts_ns);

	if (!to)
		return NULL;
	*to = *from;
	to->n_accounts = 0;
	to->accounts = calloc(from->n_accounts + 1, sizeof(*to->accounts));
	to->counters = calloc(from->n_counters + 1, sizeof(*to->counters));
	to->unattributed_parts = NULL;
	to->idle_parts_ns = from->idle_parts_ns ? malloc(idle_bytes) : NULL;
	if (from->unattributed_parts)
		to->unattributed_parts = ledger_parts_copy(from->unattributed_parts, from->n_parts);
	if (!to->accounts || !to->counters ||
	    !to->unattributed_parts != !from->unattributed_parts ||
	    !to->idle_parts_ns != !from->idle_parts_ns)
		return NULL;
	if (from->n_counters)
		memcpy(to->counters, from->counters, from->n_counters * sizeof(*to->counters));
	if (to->idle_parts_ns)
		memcpy(to->idle_parts_ns, from->idle_parts_ns, idle_bytes);
	for (size_t i = 0; i < from->n_accounts; i++) {
		if (copy_account(from, &from->accounts[i], &to->accounts[to->n_accounts++]) < 0)
			return NULL;
	}
	return take_ptr(to);
}

/* ---- values ---- */

uint64_t ledger_account_own_ns(const struct ledger_account *account)
{
	return account->own_user_ns + account->own_kernel_ns;
}

uint64_t ledger_account_behalf_ns(const struct ledger_account *account)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < WIRE_CLASSES; i++)
		sum_ns += account->behalf_ns[i];
	return sum_ns;
}

uint64_t ledger_account_charge_ns(const struct ledger_account *account)
{
	return ledger_account_own_ns(account) + ledger_account_behalf_ns(account);
}

void ledger_snapshot_free(struct ledger_snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->n_accounts; i++) {
		free(snapshot->accounts[i].name);
		free(snapshot->accounts[i].cgroup);
		free(snapshot->accounts[i].terms);
		strv_free(snapshot->accounts[i].links);
		strv_free(snapshot->accounts[i].promises);
		free(snapshot->accounts[i].parts);
	}
	free(snapshot->unattributed_parts);
	free(snapshot->idle_parts_ns);
	free(snapshot->accounts);
	free(snapshot->counters);
	free(snapshot);
}

void cleanup_ledger_snapshot(struct ledger_snapshot **snapshot)
{
	ledger_snapshot_free(*snapshot);
}
