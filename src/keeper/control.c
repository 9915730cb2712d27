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
 * throttles the threads from which the work comes. It grows again while nothing is missing. One that is
 * within its own reserve is not squeezed below it. Before that the caller has one go at moving the
 * work elsewhere: it sees `blamed` and answers `steered`.
 *
 * Reserves, against threads of others: the weight is raised; and lowered again while the workspace has more
 * than its reserve and its share of the rest, and others wait. Shares are the weights' plain part.
 *
 * What is set stays within bounds whatever comes in: a quota is at least CONTROL_FLOOR_CORES and at
 * most QUOTA_MAX limits, weights add up to no more than leaves the host's threads their turn. So a keeper
 * that dies leaves limits that are valid.
 */
#include "keeper/control.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9
#define ROUND_MIN_NS 1000000ull
#define ROUND_MAX_NS 5000000000ull
#define SHORT 3 /* rounds that tell a rate that is not yet smooth */

#define COLLECT_S 1.5	  /* within which a debt is to be collected */
#define DEBT_MAX_S 3.0	  /* of the limit: what is above is forgiven */
#define CREDIT_MAX_S 0.25 /* of the limit: what was not used */
#define QUOTA_MAX 3.0	  /* of the limit, for one that has much imposed on it */
#define TARGET_MIN 0.05	  /* of the limit */
#define GAIN_WEIGHT 0.3	  /* of a new measurement */
#define GAIN_FORGET 0.02  /* a round within the limit */
#define LIMIT_BROKEN 1.05 /* charge / limit over CONTROL_LONG_ROUNDS */

#define RESERVE_ACT 0.02    /* of the reserve that is missing: squeeze */
#define RESERVE_REST 0.01   /* as little missing is nothing */
#define RESERVE_BROKEN 0.95 /* got / wanted over the window, and */
#define RESERVE_KEPT 0.97   /* from where it is kept again */
#define SQUEEZE_LEAST 0.25  /* one step at most */
#define SQUEEZE_MOST 0.95
#define SQUEEZE_GROW 1.15
#define SQUEEZE_EVERY 3 /* rounds: the window has to see what the last step did */
#define STEER_ROUNDS 5

#define GATE_SHUT_S 0.5	 /* of the limit: a debt from which what arrives is dropped, */
#define GATE_OPEN_S 0.1	 /* and from which on it is not */
#define GATE_MIN 0.02	 /* of the limit, that may be spent on receiving whatever the debt */
#define GATE_LEAST 0.002 /* cores, the same for one in the way of a reserve */
#define OWN_SMALL 0.3	 /* of the charge: less than that are threads not worth throttling */

#define WEIGHT_OF_CORE (64 * CONTROL_HOST_WEIGHT)
#define TRIM_MIN (1.0 / 64)
#define TRIM_MAX 4.0
#define WEIGHT_EVERY 10 /* rounds */

struct moment {
	uint64_t at_ns;
	struct control_seen seen;
};

/* Sums since admission, for what has to hold over ten seconds. */
struct sums {
	double wall_s, charge_s;
};

/* In cores. */
struct rates {
	double charge, own, billed, waited, imposed;
};

struct control_past {
	struct moment ring[CONTROL_WINDOW + 1];
	uint64_t *cpu_ring;	      /* behalf by CPU, CONTROL_WINDOW + 1 rows */
	unsigned int n_cpus, n, head; /* moments there are, and the newest */
	struct sums sums, sums_ring[CONTROL_LONG_ROUNDS / CONTROL_WINDOW + 1];
	unsigned int n_sums, sums_head, rounds;
	double debt_s, gain;
	double squeeze; /* cores billed, INFINITY: not squeezed */
	double gate;	/* cores of receiving, because of a reserve; INFINITY: open */
	bool shut;	/* because of its debt */
	double trim;
	unsigned int squeeze_rest, steer_rest, blamed_rounds, since_quota;
	bool held; /* its work is near to being in the way: do not grow */
	/* computed once a round */
	double window_s, round_s;
	struct rates rates, recent; /* of the window, and of its last SHORT rounds */
	double lost;		    /* of the reserve, recently; cores */
};

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
	w->setting = control_static(&w->terms);
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

static double cores(uint32_t mcores)
{
	return mcores / 1000.0;
}

static double share_weight(const struct terms_cpu *terms)
{
	return CONTROL_HOST_WEIGHT * (terms->share ? terms->share : TERMS_SHARE) / TERMS_SHARE;
}

struct control_setting control_static(const struct terms_cpu *terms)
{
	struct control_setting s = {.quota_cores = cores(terms->limit_mcores)};

	if (terms->reserve_mcores || terms->share)
		s.weight = share_weight(terms) + cores(terms->reserve_mcores) * WEIGHT_OF_CORE;
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

static double between(double low, double value, double high)
{
	return !(value >= low) ? low : value > high ? high : value;
}

void control_resume(struct control_workspace *w, struct control_carried carried)
{
	struct control_past *p = w->past;
	double limit = cores(w->terms.limit_mcores);

	p->debt_s = between(0, carried.debt_s, DEBT_MAX_S * limit);
	p->gain = between(0.1, carried.gain, 100);
	if (carried.squeeze < CONTROL_FLOOR_CORES)
		return;
	p->squeeze = carried.squeeze;
	if (!limit || p->squeeze < w->setting.quota_cores)
		w->setting.quota_cores = p->squeeze;
}

static struct moment *moment_before(struct control_past *p, unsigned int rounds)
{
	if (rounds >= p->n)
		rounds = p->n - 1;
	return &p->ring[(p->head + CONTROL_WINDOW + 1 - rounds) % (CONTROL_WINDOW + 1)];
}

static uint64_t *cpus_before(struct control_past *p, unsigned int rounds)
{
	return &p->cpu_ring[(size_t)(moment_before(p, rounds) - p->ring) * p->n_cpus];
}

static void note(struct control_workspace *w, uint64_t now_ns)
{
	struct control_past *p = w->past;

	p->head = p->n ? (p->head + 1) % (CONTROL_WINDOW + 1) : 0;
	if (p->n < CONTROL_WINDOW + 1)
		p->n++;
	p->ring[p->head] = (struct moment){now_ns, w->seen};
	if (w->behalf_cpu_ns)
		memcpy(&p->cpu_ring[(size_t)p->head * p->n_cpus], w->behalf_cpu_ns,
		       p->n_cpus * sizeof(uint64_t));
}

/* Figures may go back by a little: an open interval was settled on somebody else. */
static double grown_s(uint64_t now, uint64_t then)
{
	return now > then ? (double)(now - then) / NS_PER_S : 0;
}

static double charge_s(const struct moment *now, const struct moment *then)
{
	return grown_s(now->seen.own_ns + now->seen.behalf_ns,
		       then->seen.own_ns + then->seen.behalf_ns);
}

/* What the kernel has billed; where that was not read, what it bills at least. */
static double billed_s(const struct moment *now, const struct moment *then)
{
	if (now->seen.billed_ns && then->seen.billed_ns)
		return grown_s(now->seen.billed_ns, then->seen.billed_ns);
	return grown_s(now->seen.own_ns, then->seen.own_ns);
}

/* Over the last ROUNDS; returns how long that was, 0 when nothing is known yet. */
static double measure(struct control_past *p, unsigned int rounds, struct rates *rates)
{
	const struct moment *now = moment_before(p, 0), *then = moment_before(p, rounds);
	double seconds = grown_s(now->at_ns, then->at_ns);

	*rates = (struct rates){0};
	if (seconds <= 0)
		return 0;
	rates->charge = charge_s(now, then) / seconds;
	rates->own = grown_s(now->seen.own_ns, then->seen.own_ns) / seconds;
	rates->billed = billed_s(now, then) / seconds;
	rates->waited = grown_s(now->seen.waited_ns, then->seen.waited_ns) / seconds;
	rates->imposed = grown_s(now->seen.imposed_ns, then->seen.imposed_ns) / seconds;
	return seconds;
}

/* As much of the reserve as was asked for; RATES may be sums over SECONDS. */
static double wanted(const struct control_workspace *w, const struct rates *rates, double seconds)
{
	double reserve = cores(w->terms.reserve_mcores) * seconds;
	double asked = rates->charge + rates->waited + rates->imposed;

	return asked < reserve ? asked : reserve;
}

/* One round into the sums of ten seconds; a row of them is kept each second. */
static void add_up(struct control_workspace *w)
{
	struct control_past *p = w->past;
	const struct moment *now = moment_before(p, 0), *then = moment_before(p, 1);

	p->sums.wall_s += grown_s(now->at_ns, then->at_ns);
	p->sums.charge_s += charge_s(now, then);
	if (p->rounds++ % CONTROL_WINDOW)
		return;
	p->sums_head =
		(p->sums_head + 1) % (unsigned int)(sizeof(p->sums_ring) / sizeof(p->sums_ring[0]));
	if (p->n_sums < sizeof(p->sums_ring) / sizeof(p->sums_ring[0]))
		p->n_sums++;
	p->sums_ring[p->sums_head] = p->sums;
}

static const struct sums *sums_before(const struct control_past *p)
{
	const unsigned int rows = sizeof(p->sums_ring) / sizeof(p->sums_ring[0]);

	return p->n_sums < rows ? NULL : &p->sums_ring[(p->sums_head + 1) % rows];
}

/* ---- limits ---- */

static void collect(struct control_workspace *w)
{
	struct control_past *p = w->past;
	const struct moment *now = moment_before(p, 0), *then = moment_before(p, 1);
	double limit = cores(w->terms.limit_mcores);

	p->debt_s += charge_s(now, then) - limit * grown_s(now->at_ns, then->at_ns);
	p->debt_s = between(-CREDIT_MAX_S * limit, p->debt_s, DEBT_MAX_S * limit);
}

static void measure_gain(struct control_past *p, double limit)
{
	if (p->recent.billed > 0.02 * limit && p->recent.billed > CONTROL_FLOOR_CORES / 4)
		p->gain += GAIN_WEIGHT * (p->recent.charge / p->recent.billed - p->gain);
	p->gain = between(0.1, p->gain, 100);
}

static double limit_quota(struct control_workspace *w)
{
	struct control_past *p = w->past;
	double limit = cores(w->terms.limit_mcores), target;

	collect(w);
	/* billed or charged: one that is held back by what is imposed on it is not within its limit */
	if (p->recent.charge < 0.9 * limit && p->recent.billed < 0.9 * limit &&
	    p->debt_s <= 0.02 * limit) {
		p->gain += GAIN_FORGET * (1 - p->gain);
		return limit;
	}
	measure_gain(p, limit);
	target = limit - p->debt_s / COLLECT_S;
	if (target < TARGET_MIN * limit)
		target = TARGET_MIN * limit;
	return between(0, target / p->gain, QUOTA_MAX * limit);
}

/* A change is worth a write when it is a large one, or when the last is long ago. */
static bool worth_setting(double now, double next, unsigned int rounds)
{
	double change;

	if ((now == 0) != (next == 0))
		return true;
	if (now == 0)
		return false;
	change = fabs(next - now) / now;
	return (change > 0.05 && rounds >= 5) || (change > 0.25 && rounds >= 2);
}

static void set_quota(struct control_workspace *w, unsigned int n_cpus)
{
	struct control_past *p = w->past;
	double quota = w->terms.limit_mcores ? limit_quota(w) : INFINITY;

	quota = fmin(quota, p->squeeze);
	if (isinf(quota))
		quota = 0;
	else
		quota = between(CONTROL_FLOOR_CORES, quota, n_cpus * QUOTA_MAX);
	p->since_quota++;
	/* back to the static quota in the end, exactly */
	if (quota == cores(w->terms.limit_mcores) && p->since_quota >= CONTROL_WINDOW)
		w->setting.quota_cores = quota;
	if (!worth_setting(w->setting.quota_cores, quota, p->since_quota))
		return;
	w->setting.quota_cores = quota;
	p->since_quota = 0;
}

/* ---- the gate ---- */

static double debt_gate(struct control_workspace *w)
{
	struct control_past *p = w->past;
	double limit = cores(w->terms.limit_mcores);

	if (limit <= 0 || p->debt_s < GATE_OPEN_S * limit)
		p->shut = false;
	else if (p->debt_s > GATE_SHUT_S * limit)
		p->shut = true;
	if (!p->shut)
		return INFINITY;
	return fmax(GATE_MIN * limit, limit - p->recent.own - p->debt_s / COLLECT_S);
}

static void set_gate(struct control_workspace *w)
{
	double gate = fmin(debt_gate(w), w->past->gate);

	w->setting.gate_cores = isinf(gate) ? 0 : gate;
}

/* ---- reserves, against work of others ---- */

static bool runs_on(const struct control_workspace *w, unsigned int cpu)
{
	return cpus_has(&w->cpus, cpu);
}

/* Recent on-behalf-of time of W on the CPUs of VICTIM, in cores. */
static double work_on(const struct control_workspace *victim, const struct control_workspace *w)
{
	struct control_past *p = w->past;
	const uint64_t *now = cpus_before(p, 0), *then = cpus_before(p, SHORT);
	double sum = 0,
	       seconds = grown_s(moment_before(p, 0)->at_ns, moment_before(p, SHORT)->at_ns);

	if (w == victim || seconds <= 0)
		return 0;
	for (unsigned int cpu = 0; cpu < p->n_cpus; cpu++) {
		if (runs_on(victim, cpu))
			sum += grown_s(now[cpu], then[cpu]);
	}
	return sum / seconds;
}

static double others_work_on(struct control *c, const struct control_workspace *victim)
{
	double sum = 0;

	if (!c->other_cpu_ns || !c->others_past)
		return 0;
	for (unsigned int cpu = 0; cpu < c->n_cpus; cpu++) {
		if (runs_on(victim, cpu))
			sum += grown_s(c->other_cpu_ns[cpu], c->others_past[cpu]);
	}
	/* of the last round only: no more is kept */
	return victim->past->round_s > 0 ? sum / victim->past->round_s : 0;
}

static void squeeze(struct control_workspace *w, double factor)
{
	struct control_past *p = w->past;
	double had = p->recent.billed, least = CONTROL_FLOOR_CORES;
	double reserve = cores(w->terms.reserve_mcores);

	/* the caller's turn comes first */
	if (p->squeeze_rest || p->steer_rest || p->blamed_rounds < 2)
		return;
	p->squeeze_rest = SQUEEZE_EVERY;
	if (p->recent.own < OWN_SMALL * p->recent.charge &&
	    p->recent.charge - p->recent.own > GATE_LEAST)
		p->gate =
			fmax(GATE_LEAST, fmin(p->gate, p->recent.charge - p->recent.own) * factor);
	if (had <= 0)
		return;
	if (reserve > 0 && p->rates.charge > 0)
		least = fmax(least, reserve * p->rates.billed / p->rates.charge);
	p->squeeze = fmax(least, fmin(p->squeeze, had) * factor);
	p->since_quota = CONTROL_WINDOW;
}

/* Each of those in the way of VICTIM pays by the same factor. */
static void collect_blame(struct control *c, const struct control_workspace *victim, double sum,
			  bool act)
{
	double factor = between(SQUEEZE_LEAST, 1 - 1.1 * victim->past->lost / sum, SQUEEZE_MOST);

	for (size_t i = 0; i < c->n; i++) {
		struct control_workspace *w = &c->workspaces[i];

		if (w->gone || work_on(victim, w) < sum / 50)
			continue;
		w->past->held = true;
		if (!act)
			continue;
		for (unsigned int cpu = 0; cpu < c->n_cpus; cpu++) {
			if (runs_on(victim, cpu))
				cpus_add(&w->blamed, cpu);
		}
		squeeze(w, factor);
	}
}

/* The work that is in the way of VICTIM, in cores; its truth says whose most of it is. */
static double find_blame(struct control *c, struct control_workspace *victim)
{
	double sum = others_work_on(c, victim), most = sum;

	victim->reserve.by = sum > 0 ? CONTROL_BY_HOST : CONTROL_BY_NOBODY;
	for (size_t i = 0; i < c->n; i++) {
		double work = c->workspaces[i].gone ? 0 : work_on(victim, &c->workspaces[i]);

		sum += work;
		if (work <= most)
			continue;
		most = work;
		victim->reserve.by = (int)i;
	}
	return sum;
}

static void protect(struct control *c, struct control_workspace *victim)
{
	struct control_past *p = victim->past;
	double reserve = cores(victim->terms.reserve_mcores), work;
	bool act;

	if (reserve <= 0 || p->window_s <= 0)
		return;
	p->lost = fmax(0, wanted(victim, &p->recent, 1) - p->recent.charge);
	if (p->lost <= RESERVE_REST * reserve)
		return;
	act = p->lost > RESERVE_ACT * reserve;
	work = find_blame(c, victim);
	if (work >= p->lost / 4)
		collect_blame(c, victim, work, act);
	else
		victim->reserve.by = CONTROL_BY_THREADS;
	if (work < p->lost / 2 && act && p->rounds % SQUEEZE_EVERY == 0)
		p->trim = fmin(TRIM_MAX, p->trim * 2);
}

static void relax_gate(struct control_past *p)
{
	p->gate *= SQUEEZE_GROW;
	if (p->gate > 1)
		p->gate = INFINITY;
}

static void relax(struct control_workspace *w)
{
	struct control_past *p = w->past;

	p->squeeze_rest -= p->squeeze_rest > 0;
	p->steer_rest -= p->steer_rest > 0;
	p->blamed_rounds = cpus_count(&w->blamed) ? p->blamed_rounds + 1 : 0;
	if (p->held || p->rounds % SQUEEZE_EVERY)
		return;
	relax_gate(p);
	if (isinf(p->squeeze))
		return;
	/* one that does not use what it has needs no more */
	if (p->recent.billed >= 0.5 * p->squeeze)
		p->squeeze = p->squeeze * SQUEEZE_GROW;
	else
		p->squeeze = p->squeeze * SQUEEZE_GROW + CONTROL_FLOOR_CORES;
	if (p->squeeze > fmax(cores(w->terms.limit_mcores) * QUOTA_MAX, 1.0) &&
	    p->squeeze > 2 * p->rates.billed)
		p->squeeze = INFINITY;
}

/* ---- reserves and shares, against threads of others ---- */

/* What is W's when all that wait have their reserves and their shares of the rest of its CPUs. */
static double entitled(const struct control *c, const struct control_workspace *w)
{
	double mine = share_weight(&w->terms), shares = mine;
	double rest = cpus_count(&w->cpus) - cores(w->terms.reserve_mcores);

	for (size_t i = 0; i < c->n; i++) {
		const struct control_workspace *o = &c->workspaces[i];

		if (o == w || o->gone || o->past->rates.waited < 0.05)
			continue;
		if (cpus_first_missing(&o->cpus, &w->cpus) >= 0 &&
		    cpus_first_missing(&w->cpus, &o->cpus) >= 0)
			continue;
		shares += share_weight(&o->terms);
		rest -= fmin(cores(o->terms.reserve_mcores), o->past->rates.charge);
	}
	return cores(w->terms.reserve_mcores) + fmax(rest, 0) * mine / shares;
}

static bool others_wait(const struct control *c, const struct control_workspace *w)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct control_workspace *o = &c->workspaces[i];

		if (o != w && !o->gone && o->past->rates.waited > 0.2)
			return true;
	}
	return false;
}

static void weigh(const struct control *c, struct control_workspace *w)
{
	struct control_past *p = w->past;

	if (!w->terms.reserve_mcores || p->rounds % WEIGHT_EVERY)
		return;
	if (p->lost <= RESERVE_REST * cores(w->terms.reserve_mcores) && others_wait(c, w) &&
	    p->rates.charge > 1.05 * entitled(c, w))
		p->trim = fmax(TRIM_MIN, p->trim * 0.7);
	else if (p->trim > 1 && p->lost == 0)
		p->trim = fmax(1, p->trim * 0.9);
}

static double wish(const struct control_workspace *w)
{
	double weight = control_static(&w->terms).weight;

	if (!w->terms.reserve_mcores)
		return weight;
	return share_weight(&w->terms) + (weight - share_weight(&w->terms)) * w->past->trim;
}

static void set_weights(struct control *c)
{
	double sum = 0, scale = 1, most = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct control_workspace *w = &c->workspaces[i];

		if (w->gone)
			continue;
		weigh(c, w);
		sum += wish(w);
		most = fmax(most, wish(w));
	}
	/* proportions are kept: that of two reserves matters more than how far they are above the rest */
	if (c->weight_max > 0 && most > c->weight_max)
		scale = c->weight_max / most;
	if (sum * scale > CONTROL_WEIGHTS_MAX * c->n_cpus)
		scale = CONTROL_WEIGHTS_MAX * c->n_cpus / sum;
	for (size_t i = 0; i < c->n; i++) {
		struct control_workspace *w = &c->workspaces[i];
		double weight;

		if (w->gone)
			continue;
		weight = wish(w) * scale;
		if (fabs(weight - w->setting.weight) > 0.1 * w->setting.weight)
			w->setting.weight = weight;
	}
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

	t->promised = cores(w->terms.reserve_mcores);
	if (t->promised <= 0) {
		*t = (struct control_truth){.state = CONTROL_NO_TERM, .by = CONTROL_BY_NOBODY};
		return;
	}
	if (p->n <= CONTROL_WINDOW / 2)
		return;
	t->got = p->rates.charge;
	t->wanted = wanted(w, &p->rates, 1);
	t->ratio = t->wanted > 0 ? fmin(1, t->got / t->wanted) : 1;
	/* less than a hundredth of a core is within the error of the figures */
	judge(t, t->ratio < bound && t->wanted - t->got > 0.01, now_ns, round_ns);
	if (t->state == CONTROL_KEPT)
		t->by = CONTROL_BY_NOBODY;
}

static void judge_limit(struct control_workspace *w, uint64_t now_ns, uint64_t round_ns)
{
	struct control_past *p = w->past;
	struct control_truth *t = &w->limit;
	const struct sums *then = sums_before(p);
	double seconds;

	t->promised = cores(w->terms.limit_mcores);
	if (t->promised <= 0) {
		*t = (struct control_truth){.state = CONTROL_NO_TERM, .by = CONTROL_BY_NOBODY};
		return;
	}
	t->got = p->rates.charge;
	t->by = CONTROL_BY_NOBODY;
	seconds = then ? p->sums.wall_s - then->wall_s : 0;
	if (seconds > 0)
		t->ratio = (p->sums.charge_s - then->charge_s) / seconds / t->promised;
	judge(t, seconds > 0 && t->ratio > LIMIT_BROKEN, now_ns, round_ns);
}

/* ---- a round ---- */

static void look(struct control_workspace *w, uint64_t now_ns, bool whole)
{
	struct control_past *p = w->past;

	if (w->gone)
		return;
	if (!whole)
		p->n = 0;
	note(w, now_ns);
	p->window_s = measure(p, CONTROL_WINDOW, &p->rates);
	measure(p, SHORT, &p->recent);
	p->round_s = grown_s(moment_before(p, 0)->at_ns, moment_before(p, 1)->at_ns);
	add_up(w);
	p->held = false;
	p->lost = 0;
	if (w->steered)
		p->steer_rest = STEER_ROUNDS;
	w->steered = false;
	w->blamed = (struct cpus){0};
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

static int keep_others(struct control *c)
{
	if (!c->other_cpu_ns)
		return 0;
	if (!c->others_past)
		c->others_past = calloc(c->n_cpus, sizeof(uint64_t));
	if (!c->others_past)
		return -ENOMEM;
	memcpy(c->others_past, c->other_cpu_ns, c->n_cpus * sizeof(uint64_t));
	return 0;
}

int control_round(struct control *c, uint64_t now_ns)
{
	uint64_t round_ns = last_round_ns(c, now_ns);

	if (round_ns && round_ns < ROUND_MIN_NS)
		return 0;
	for (size_t i = 0; i < c->n; i++)
		look(&c->workspaces[i], now_ns, round_ns <= ROUND_MAX_NS);
	for (size_t i = 0; i < c->n; i++) {
		if (!c->workspaces[i].gone)
			protect(c, &c->workspaces[i]);
	}
	for (size_t i = 0; i < c->n; i++) {
		struct control_workspace *w = &c->workspaces[i];

		if (w->gone || w->past->window_s <= 0)
			continue;
		relax(w);
		set_quota(w, c->n_cpus);
		set_gate(w);
		judge_reserve(w, now_ns, round_ns);
		judge_limit(w, now_ns, round_ns);
	}
	set_weights(c);
	return keep_others(c);
}

void control_end(struct control *c)
{
	for (size_t i = 0; i < c->n; i++)
		control_forget(&c->workspaces[i]);
	free(c->others_past);
	c->others_past = NULL;
}
