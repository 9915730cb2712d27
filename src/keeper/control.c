// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Three loops, slowest last, over the charges of the last second.
 *
 * Limits. The kernel holds a quota against what it bills; what counts is the charge. Their quotient, the
 * gain, is measured: a flooding sender is charged twice of what it is billed, a victim less. The quota
 * is (limit - debt / COLLECT_S) / gain, where the debt is all that was charged above the limit so far. So work
 * that could not be refused is collected later, and what is gained by rewriting a quota (which fills the
 * running period again, tg_set_cfs_bandwidth() in kernel/sched/core.c) is collected with it. Within its limit
 * a workspace has its static quota, and nothing is written.
 *
 * Reserves, against work of others. A workspace wanted as much of its reserve as it had, waited for, and had
 * imposed on it. When it had less, the on-behalf-of time on its CPUs is in the way, whether in interrupts
 * or in kernel threads: those whose it is are squeezed, in proportion to what is missing, by a quota that
 * throttles the threads from which the work comes. It grows again while nothing is missing. Nobody is squeezed below
 * what it is promised itself, its I/O included, nor at all before it has more than that. What a workspace misses
 * because of its own quota is nobody's doing: else those who were squeezed would be found to miss something, and hold
 * each other down for ever. Before anything is missing the caller has a go at moving the work elsewhere, which costs
 * nobody anything: it sees `disturbed` and answers `steered`.
 *
 * Reserves, against threads of others: the weight is raised; and lowered again while the workspace has more
 * than its reserve and its share of the rest, and others wait. Shares are the weights' plain part.
 *
 * The host's own part, against all together: control_host.c.
 *
 * What is set stays within bounds whatever comes in: a quota is at least CONTROL_FLOOR_CORES and at
 * most CONTROL_QUOTA_MAX limits, weights add up to no more than leaves the host's threads their turn. So a keeper
 * that dies leaves limits that are valid.
 */
#include "keeper/control.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "keeper/control_past.h"

#define ROUND_MIN_NS 1000000ull
#define ROUND_MAX_NS 5000000000ull

#define LIMIT_BROKEN 1.05 /* charge / limit over CONTROL_LONG_ROUNDS */

#define RESERVE_BROKEN 0.95 /* got / wanted over the window, and */
#define RESERVE_KEPT 0.97   /* from where it is kept again */

#define WEIGHT_OF_CORE (64 * CONTROL_HOST_WEIGHT)

/* ---- a past ---- */

int control_admit(struct control_workspace *w, unsigned int n_cpus)
{
	struct control_past *past = calloc(1, sizeof(*past));

	if (!past)
		return -ENOMEM;
	past->cpu_ring = calloc((size_t)(CONTROL_WINDOW + 1) * n_cpus, sizeof(uint64_t));
	if (!past->cpu_ring) {
		free(past);
		return -ENOMEM;
	}
	past->n_cpus = n_cpus;
	past->gain = 1;
	past->squeeze = past->gate = INFINITY;
	past->trim = 1;
	past->since_quota = CONTROL_WINDOW;
	w->past = past;
	w->setting = control_static(w);
	w->reserve = w->limit =
		(struct control_truth){.state = CONTROL_NO_TERM, .by = CONTROL_BY_NOBODY};
	return 0;
}

void control_forget(struct control_workspace *w)
{
	if (w->past)
		free(w->past->cpu_ring);
	free(w->past);
	w->past = NULL;
}

struct control_setting control_static(const struct control_workspace *w)
{
	struct control_setting s = {.quota_cores = control_cores(w->terms.limit_mcores)};

	/* a reserve alone weighs what terms.h says, as whoever made the group has set it */
	if (w->terms.share)
		s.weight = control_share_weight(&w->terms);
	s.weight += control_cores(w->terms.reserve_mcores + w->io_own_mcores) *
		    (w->weight_of_core > 0 ? w->weight_of_core : WEIGHT_OF_CORE);
	if (s.quota_cores > 0 && s.quota_cores < CONTROL_FLOOR_CORES)
		s.quota_cores = CONTROL_FLOOR_CORES;
	return s;
}

struct control_carried control_carry(const struct control_workspace *w)
{
	const struct control_past *p = w->past;

	return (struct control_carried){.debt_s = p->debt_s,
					.gain = p->gain,
					.squeeze = isinf(p->squeeze) ? 0 : p->squeeze};
}

void control_resume(struct control_workspace *w, struct control_carried carried)
{
	struct control_past *p = w->past;
	double limit = control_cores(w->terms.limit_mcores);

	p->debt_s = control_between(0, carried.debt_s, CONTROL_DEBT_MAX_S * limit);
	p->gain = control_between(0.1, carried.gain, 100);
	if (carried.squeeze < CONTROL_FLOOR_CORES)
		return;
	p->squeeze = carried.squeeze;
	if (!limit || p->squeeze < w->setting.quota_cores)
		w->setting.quota_cores = p->squeeze;
}

/* ---- truth ---- */

static void judge(struct control_truth *t, bool broken, uint64_t now_ns, uint64_t round_ns)
{
	enum control_state state = broken ? CONTROL_BROKEN : CONTROL_KEPT;

	if (t->state != state)
		t->since_ns = now_ns;
	t->state = state;
	if (broken)
		t->violation_ns += round_ns;
}

static void judge_reserve(struct control_workspace *w, uint64_t now_ns, uint64_t round_ns)
{
	struct control_past *p = w->past;
	struct control_truth *t = &w->reserve;
	double bound = t->state == CONTROL_BROKEN ? RESERVE_KEPT : RESERVE_BROKEN;

	t->promised = control_cores(w->terms.reserve_mcores);
	if (t->promised <= 0) {
		*t = (struct control_truth){.state = CONTROL_NO_TERM, .by = CONTROL_BY_NOBODY};
		return;
	}
	if (p->n <= CONTROL_WINDOW / 2)
		return;
	t->got = p->rates.charge;
	t->wanted = past_wanted(w, &p->rates);
	t->ratio = t->wanted > 0 ? fmin(1, t->got / t->wanted) : 1;
	/* less than a hundredth of a core is within the error of the figures */
	judge(t, t->ratio < bound && t->wanted - t->got > 0.01, now_ns, round_ns);
	if (t->state == CONTROL_KEPT)
		t->by = CONTROL_BY_NOBODY;
	else if (t->by == CONTROL_BY_NOBODY)
		/* the last rounds were better than the second: nobody was looked for in them */
		t->by = CONTROL_BY_THREADS;
}

static void judge_limit(struct control_workspace *w, uint64_t now_ns, uint64_t round_ns)
{
	struct control_past *p = w->past;
	struct control_truth *t = &w->limit;
	const struct past_sums *then = past_sums_before(p);
	double seconds;

	t->promised = control_cores(w->terms.limit_mcores);
	if (t->promised <= 0) {
		*t = (struct control_truth){.state = CONTROL_NO_TERM, .by = CONTROL_BY_NOBODY};
		return;
	}
	t->got = p->rates.charge;
	t->by = CONTROL_BY_NOBODY;
	seconds = then ? p->sums.wall_s - then->wall_s : 0;
	if (seconds > 0)
		t->ratio = (p->sums.charge_s - then->charge_s) / seconds / t->promised;
	else
		/* nothing is judged by less than all of the time */
		t->ratio = t->got / t->promised;
	judge(t, seconds > 0 && t->ratio > LIMIT_BROKEN, now_ns, round_ns);
}

double control_recent(const struct control_workspace *w)
{
	return w->past->recent.charge;
}

/* ---- a round ---- */

static void look(struct control_workspace *w, uint64_t now_ns, bool whole, bool steered)
{
	struct control_past *p = w->past;

	if (w->gone)
		return;
	if (!whole)
		p->n = 0;
	past_note(w, now_ns);
	p->window_s = past_measure(p, CONTROL_WINDOW, &p->rates);
	past_measure(p, PAST_RECENT, &p->recent);
	p->round_s = past_grown_s(past_before(p, 0)->at_ns, past_before(p, 1)->at_ns);
	past_add_up(w);
	p->held = false;
	p->lost = 0;
	if (steered)
		p->steer_rest = CONTROL_STEER_ROUNDS;
	w->blamed = false;
	w->in_way = false;
	w->disturbed = (struct cpus){0};
}

static uint64_t last_round_ns(const struct control *c, uint64_t now_ns)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct control_past *p = c->workspaces[i].past;

		if (!c->workspaces[i].gone && p->n)
			return now_ns - p->ring[p->head].at_ns;
	}
	return 0;
}

static int prepare(struct control *c)
{
	if (!c->others_past)
		c->others_past = calloc(c->n_cpus, sizeof(*c->others_past));
	if (!c->work)
		c->work = calloc(c->n_cpus, sizeof(*c->work));
	c->work_is_known = false;
	return c->others_past && c->work ? 0 : -ENOMEM;
}

int control_round(struct control *c, uint64_t now_ns)
{
	uint64_t round_ns = last_round_ns(c, now_ns);

	if (round_ns && round_ns < ROUND_MIN_NS)
		return 0;
	if (prepare(c) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		look(&c->workspaces[i], now_ns, round_ns <= ROUND_MAX_NS, c->steered);
	c->steered = false;
	for (size_t i = 0; i < c->n; i++) {
		if (!c->workspaces[i].gone)
			control_protect(c, &c->workspaces[i]);
	}
	control_keep_host(c);
	for (size_t i = 0; i < c->n; i++) {
		struct control_workspace *w = &c->workspaces[i];

		if (w->gone || w->past->window_s <= 0)
			continue;
		control_relax(w);
		control_set_quota(w, c->n_cpus);
		control_set_gate(w);
		judge_reserve(w, now_ns, round_ns);
		judge_limit(w, now_ns, round_ns);
	}
	control_set_weights(c);
	if (c->other_cpu_ns)
		memcpy(c->others_past, c->other_cpu_ns, c->n_cpus * sizeof(*c->others_past));
	return 0;
}

void control_end(struct control *c)
{
	for (size_t i = 0; i < c->n; i++)
		control_forget(&c->workspaces[i]);
	free(c->others_past);
	free(c->work);
	c->others_past = NULL;
	c->work = NULL;
}
