// SPDX-License-Identifier: GPL-2.0-or-later
/* Reserves against kernel work for others: whose it is, and who is squeezed for it. See control.c. */
#include "keeper/control_past.h"

#include <math.h>

#define RESERVE_ACT 0.006  /* of the reserve that is missing: squeeze */
#define BLAME_CAUSE 0.6	   /* of what is missing: with less, work is not what is in the way */
#define BLAME_PART 0.1	   /* of the work in the way: less is not worth throttling for, */
#define BLAME_LEAST 0.005  /* nor is less than that, in cores */
#define SQUEEZE_LEAST 0.25 /* one step at most */
#define SQUEEZE_MOST 0.95
#define SQUEEZE_GROW 1.15
#define SQUEEZE_EVERY 3	 /* rounds: the window has to see what the last step did */
#define GATE_LEAST 0.002 /* cores, the same for one in the way of a reserve */
#define DISTURBED 0.01	 /* cores of others' work on a CPU that are worth doing elsewhere */
#define PROMISE_LESS 0.9 /* of a promise: who is squeezed and has less wants no more */
#define OWN_SMALL 0.3	 /* of the charge: less than that are threads not worth throttling */

static bool runs_on(const struct control_workspace *w, unsigned int cpu)
{
	return cpus_has(&w->cpus, cpu);
}

/* Recent on-behalf-of time of W on CPU, in cores. */
static double work_of(const struct control_workspace *w, unsigned int cpu)
{
	struct control_past *p = w->past;
	uint64_t now_ns = past_before(p, 0)->at_ns, then_ns = past_before(p, PAST_RECENT)->at_ns;

	if (now_ns <= then_ns)
		return 0;
	return past_grown_s(past_cpus_before(p, 0)[cpu], past_cpus_before(p, PAST_RECENT)[cpu]) /
	       past_grown_s(now_ns, then_ns);
}

/* The same of the host and of nobody, of the last round only: no more is kept. */
static double others_work(const struct control *c, const struct control_workspace *victim,
			  unsigned int cpu)
{
	if (!c->other_cpu_ns || victim->past->round_s <= 0)
		return 0;
	return past_grown_s(c->other_cpu_ns[cpu], c->others_past[cpu]) / victim->past->round_s;
}

/* On all the CPUs of VICTIM. */
static double work_on(const struct control_workspace *victim, const struct control_workspace *w)
{
	double sum = 0;

	for (unsigned int cpu = 0; cpu < w->past->n_cpus && w != victim; cpu++) {
		if (runs_on(victim, cpu))
			sum += work_of(w, cpu);
	}
	return sum;
}

static double others_work_on(const struct control *c, const struct control_workspace *victim)
{
	double sum = 0;

	for (unsigned int cpu = 0; cpu < c->n_cpus; cpu++) {
		if (runs_on(victim, cpu))
			sum += others_work(c, victim, cpu);
	}
	return sum;
}

/* Once in a round, and only in those in which somebody asks. */
static void add_up_work(struct control *c)
{
	if (c->work_is_known)
		return;
	c->work_is_known = true;
	for (unsigned int cpu = 0; cpu < c->n_cpus; cpu++) {
		c->work[cpu] = 0;
		for (size_t i = 0; i < c->n; i++)
			c->work[cpu] += c->workspaces[i].gone ? 0 : work_of(&c->workspaces[i], cpu);
	}
}

/*
 * Whoever wants more than it has is disturbed by work for others, also while its reserve is kept. One that may
 * run everywhere is not helped by work being elsewhere.
 */
static void find_disturbed(struct control *c, struct control_workspace *victim)
{
	const struct past_rates *r = &victim->past->recent;

	if (r->imposed + victim->past->lost < DISTURBED || cpus_count(&victim->cpus) >= c->n_cpus)
		return;
	add_up_work(c);
	for (unsigned int cpu = 0; cpu < c->n_cpus; cpu++) {
		if (!runs_on(victim, cpu) ||
		    c->work[cpu] - work_of(victim, cpu) + others_work(c, victim, cpu) <= DISTURBED)
			continue;
		cpus_add(&victim->disturbed, cpu);
		for (size_t i = 0; i < c->n; i++) {
			struct control_workspace *w = &c->workspaces[i];

			if (w != victim && !w->gone && work_of(w, cpu) > BLAME_LEAST)
				w->in_way = true;
		}
	}
}

static void squeeze(struct control_workspace *w, double factor)
{
	struct control_past *p = w->past;
	double had = p->recent.billed, behalf = p->recent.charge - p->recent.own;
	double promised = control_cores(w->io_mcores) - control_cores(w->io_own_mcores);

	/* the caller's turn comes first */
	if (p->squeeze_rest || p->steer_rest || p->blamed_rounds < 2)
		return;
	p->squeeze_rest = SQUEEZE_EVERY;
	if (p->recent.own < OWN_SMALL * p->recent.charge && behalf > GATE_LEAST)
		p->gate = fmax(fmax(GATE_LEAST, promised), fmin(p->gate, behalf) * factor);
	if (had <= 0)
		return;
	p->squeeze = fmax(control_promise_quota(w), fmin(p->squeeze, had) * factor);
	p->since_quota = CONTROL_WINDOW;
}

/*
 * A quota is for a tenth of a second, and what is promised for longer: who needs much for a moment is throttled by one that
 * would do on average. One who has no more than was promised gets none; one who has a quota by now, and may well want more
 * than that leaves, keeps it.
 */
static bool keeps_to_promise(const struct control_workspace *w)
{
	double least = isinf(w->past->squeeze) ? 1 : PROMISE_LESS;

	return w->past->rates.charge <= least * control_promised(w);
}

/* Of SUM, the work that is in the way of VICTIM, what is not of those who keep to their promises. */
static double work_to_squeeze(const struct control *c, const struct control_workspace *victim,
			      double sum)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct control_workspace *w = &c->workspaces[i];

		if (!w->gone && keeps_to_promise(w))
			sum -= work_on(victim, w);
	}
	return sum;
}

/*
 * Each of those in the way of VICTIM pays by the same factor. Who keeps to a promise does not, so the others go on paying
 * while anything is missing: a reserve comes before what nobody was promised.
 */
static void collect_blame(struct control *c, const struct control_workspace *victim, double sum,
			  bool act)
{
	double factor =
		control_between(SQUEEZE_LEAST, 1 - 1.1 * victim->past->lost / sum, SQUEEZE_MOST);
	double least = fmax(BLAME_LEAST, BLAME_PART * work_to_squeeze(c, victim, sum));

	for (size_t i = 0; i < c->n; i++) {
		struct control_workspace *w = &c->workspaces[i];

		if (w->gone || keeps_to_promise(w) || work_on(victim, w) < least)
			continue;
		w->past->held = true;
		if (!act)
			continue;
		w->blamed = true;
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

/*
 * What is missing of its reserve; p->lost is what of that others may be to blame for: a thread that is throttled
 * waits, too, and nobody else is for what its own quota does not leave it.
 */
static double find_missing(struct control_workspace *victim)
{
	struct control_past *p = victim->past;
	double missing = fmax(0, past_wanted(victim, &p->recent) - p->recent.charge);

	p->lost = fmax(0, fmin(missing, past_allowed(victim, &p->recent) - p->recent.charge));
	return missing;
}

static void defend(struct control *c, struct control_workspace *victim, bool act)
{
	struct control_past *p = victim->past;
	double work = find_blame(c, victim);

	if (work >= BLAME_CAUSE * p->lost)
		collect_blame(c, victim, work, act);
	else
		victim->reserve.by = CONTROL_BY_THREADS;
	if (work < p->lost && act && p->rounds % SQUEEZE_EVERY == 0)
		p->trim = fmin(CONTROL_TRIM_MAX, p->trim * 2);
}

void control_protect(struct control *c, struct control_workspace *victim)
{
	struct control_past *p = victim->past;
	double reserve = control_cores(victim->terms.reserve_mcores), missing;

	if (reserve <= 0 || p->window_s <= 0)
		return;
	missing = find_missing(victim);
	find_disturbed(c, victim);
	if (p->lost > CONTROL_RESERVE_REST * reserve)
		defend(c, victim, p->lost > RESERVE_ACT * reserve);
	if (missing - p->lost > p->lost && missing > RESERVE_ACT * reserve)
		victim->reserve.by = CONTROL_BY_QUOTA;
}

static void relax_gate(struct control_past *p)
{
	p->gate *= SQUEEZE_GROW;
	if (p->gate > 1)
		p->gate = INFINITY;
}

void control_relax(struct control_workspace *w)
{
	struct control_past *p = w->past;

	p->squeeze_rest -= p->squeeze_rest > 0;
	p->steer_rest -= p->steer_rest > 0;
	p->blamed_rounds = w->blamed ? p->blamed_rounds + 1 : 0;
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
	if (p->squeeze > fmax(control_cores(w->terms.limit_mcores) * CONTROL_QUOTA_MAX, 1.0) &&
	    p->squeeze > 2 * p->rates.billed)
		p->squeeze = INFINITY;
}
