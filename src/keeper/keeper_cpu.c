// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The part of a round that is about CPU: what workspaces are charged, and what is written for that. With the ledger off
 * nothing is known of charges: the static limits are set, and the ledger is looked for once a second.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/keeper_internal.h"

#define LEDGER_NS 1000000000ull /* how often a ledger that is off is looked for */
#define QUOTA_ROUNDS 20
#define SLOW_ROUNDS 10	 /* between readings of what hardly matters, */
#define SLOWER_ROUNDS 50 /* and where they are dear */

/* ---- charges ---- */

int keeper_watch_charges(struct keeper *k, struct error *err)
{
	const size_t n = k->roster.control.n;
	_cleanup_free_ const char **paths = calloc(n + 1, sizeof(*paths));

	if (!paths)
		return error_oom(err);
	for (size_t i = 0; i < n; i++)
		paths[i] = k->roster.items[i].path;
	return k->charges ? ledger_charges_watch(k->charges, paths, n, err) : 0;
}

void keeper_open_ledger(struct keeper *k)
{
	struct error err = {0};

	if (k->charges || k->now_ns < k->ledger_due_ns)
		return;
	k->ledger_due_ns = k->now_ns + LEDGER_NS;
	if (ledger_charges_open(&k->charges, &err) < 0)
		return;
	/* a ledger of fewer CPUs is not this host's: it would be read beyond its end */
	if (ledger_charges_cpus(k->charges) < k->roster.n_cpus ||
	    keeper_watch_charges(k, &err) < 0) {
		ledger_charges_close(k->charges);
		k->charges = NULL;
	}
}

/* A group that is gone takes its promise with it, which the register's stamp does not tell. */
static void note_gone(struct keeper *k, size_t i)
{
	k->roster.control.workspaces[i].gone = true;
	k->read_register = true;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENODEV;
}

static bool wants_billed(const struct roster_entry *e, const struct control_workspace *w)
{
	double limit = w->terms.limit_mcores / 1000.0;

	/* the window has to have it at both ends: keep on once it is needed */
	return limit > 0 ? w->limit.got > 0.5 * limit || e->applied.quota_cores != limit
			 : e->applied.quota_cores > 0 || w->blamed;
}

/*
 * What a thread waited is needed at once of those who have less than their reserve, and now and then of all.
 * What is read after a pause counts for one round only.
 */
static void read_waited(struct keeper *k, size_t i)
{
	struct roster_entry *e = &k->roster.items[i];
	struct control_workspace *w = &k->roster.control.workspaces[i];
	double reserve = w->terms.reserve_mcores / 1000.0;
	bool urgent = reserve > 0 && w->reserve.got < reserve && w->reserve.got > 0.01;
	uint64_t waited_ns, most_ns;
	int r;

	/* what others waited tells whether somebody's reserve is in their way */
	if (reserve == 0 && !k->roster.reserves)
		return;
	/* asking each thread costs a hundred times as much as pressure does */
	if (!urgent && (k->rounds + i) % (e->gauge.pressure >= 0 ? SLOW_ROUNDS : SLOWER_ROUNDS))
		return;
	r = gauge_waited_ns(&e->gauge, &waited_ns);
	if (is_gone(r))
		note_gone(k, i);
	if (r < 0)
		return;
	most_ns = k->options->period_ns * (reserve > 0 ? 1 : SLOW_ROUNDS);
	if (waited_ns > e->waited_base_ns)
		e->waited_ns += waited_ns - e->waited_base_ns < most_ns
					? waited_ns - e->waited_base_ns
					: most_ns;
	e->waited_base_ns = waited_ns;
}

static void see(struct keeper *k, size_t i)
{
	struct roster_entry *e = &k->roster.items[i];
	struct control_workspace *w = &k->roster.control.workspaces[i];
	const struct ledger_charge *charge = ledger_charges_of(k->charges, i);

	w->gone = false;
	w->others_quota = e->others_quota;
	w->seen = (struct control_seen){.own_ns = charge->own_ns,
					.behalf_ns = charge->behalf_ns,
					.imposed_ns = charge->imposed_ns};
	w->behalf_cpu_ns = charge->behalf_cpu_ns;
	read_waited(k, i);
	w->seen.waited_ns = e->waited_ns;
	/* of a group that is in no hierarchy which tells it, what its threads took stands for it */
	if (wants_billed(e, w) && is_gone(gauge_billed_ns(&e->gauge, &w->seen.billed_ns)))
		note_gone(k, i);
}

static int read_charges(struct keeper *k, struct error *err)
{
	int r = ledger_charges_read(k->charges, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < k->roster.control.n; i++)
		see(k, i);
	k->roster.control.other_cpu_ns =
		ledger_charges_of(k->charges, k->roster.control.n)->behalf_cpu_ns;
	return 0;
}

int keeper_count_requests(struct keeper *k, struct error *err)
{
	size_t n = k->roster.control.n;
	_cleanup_free_ uint32_t *requests = NULL;

	if (!disks_are_due(&k->disks, k->now_ns))
		return 0;
	requests = calloc(n + 1, sizeof(*requests));
	if (!requests)
		return error_oom(err);
	if (k->charges)
		ledger_charges_requests(k->charges, requests);
	for (size_t i = 0; i < n; i++)
		k->roster.items[i].requests = requests[i];
	return 0;
}

/* ---- writes ---- */

static void apply(struct keeper *k, size_t i, const struct control_setting *setting)
{
	struct roster_entry *e = &k->roster.items[i];
	struct control_setting wanted = *setting;
	struct error err = {0};
	int r;

	if (!e->weighed)
		wanted.weight = 0;
	if (e->others_quota > 0 &&
	    (wanted.quota_cores == 0 || wanted.quota_cores > e->others_quota))
		wanted.quota_cores = e->others_quota;
	k->writer.promise = e->promise;
	r = e->means->set(&k->writer, e->called, e->directory, &wanted, &e->applied, &err);
	k->writer.promise = NULL;
	/* or its controller is switched off, and may be on again the next time */
	if (is_gone(r) && !roster_is_there(e))
		note_gone(k, i);
	else if (r < 0 && !e->fails)
		log_warning("the terms of '%s' cannot be kept: %s", e->called, err.text);
	e->fails = r < 0;
}

static void look_at_quota(struct keeper *k, size_t i)
{
	struct roster_entry *e = &k->roster.items[i];
	struct error err = {0};
	int r = roster_look_at_quota(&k->roster, i, &k->writer, &err);

	if (is_gone(r))
		note_gone(k, i);
	else if (r < 0 && !e->quota_told)
		log_warning("the quota that somebody else has set for '%s' is not kept: %s",
			    e->called, err.text);
	e->quota_told = r < 0;
}

void keeper_look_at_quotas(struct keeper *k)
{
	if (!k->book || k->writer.dry)
		return;
	for (size_t i = k->rounds % QUOTA_ROUNDS; i < k->roster.control.n; i += QUOTA_ROUNDS)
		if (!k->roster.control.workspaces[i].gone)
			look_at_quota(k, i);
}

static void set_static(struct keeper *k)
{
	host_round_forget(&k->host, &k->roster.control);
	for (size_t i = 0; i < k->roster.control.n; i++) {
		struct control_workspace *w = &k->roster.control.workspaces[i];

		w->setting = control_static(w);
		apply(k, i, &w->setting);
	}
}

int keeper_keep_cpu(struct keeper *k, struct error *err)
{
	int r = k->charges ? read_charges(k, err) : -ESTALE;

	if (r == -ESTALE) {
		*err = (struct error){0};
		ledger_charges_close(k->charges);
		k->charges = NULL;
		set_static(k);
		return 0;
	}
	if (r == 0)
		host_round_look(&k->host, &k->roster.control, k->now_ns);
	if (r == 0 && control_round(&k->roster.control, k->now_ns) < 0)
		r = error_oom(err);
	if (r < 0)
		return r;
	steer_round(&k->steering, &k->writer, &k->roster, k->now_ns);
	for (size_t i = 0; i < k->roster.control.n; i++) {
		if (k->roster.control.workspaces[i].gone)
			continue;
		apply(k, i, &k->roster.control.workspaces[i].setting);
	}
	return 0;
}
