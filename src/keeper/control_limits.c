// SPDX-License-Identifier: GPL-2.0-or-later
/* Charges against limits: the quota, and the gate. See control.c. */
#include "keeper/control_past.h"

#include <math.h>

#define COLLECT_S 1.5	  /* within which a debt is to be collected */
#define CREDIT_MAX_S 0.25 /* of the limit: what was not used */
#define TARGET_MIN 0.05	  /* of the limit */
#define GAIN_WEIGHT 0.3	  /* of a new measurement */
#define GAIN_FORGET 0.02  /* a round within the limit */

#define GATE_SHUT_S 0.5 /* of the limit: a debt from which what arrives is dropped, */
#define GATE_OPEN_S 0.1 /* and from which on it is not */
#define GATE_MIN 0.02	/* of the limit, that may be spent on receiving whatever the debt */

static void collect(struct control_workspace *w)
{
	struct control_past *p = w->past;
	const struct past_moment *now = past_before(p, 0), *then = past_before(p, 1);
	double limit = control_cores(w->terms.limit_mcores);

	p->debt_s += past_charge_s(now, then) - limit * past_grown_s(now->at_ns, then->at_ns);
	p->debt_s = control_between(-CREDIT_MAX_S * limit, p->debt_s, CONTROL_DEBT_MAX_S * limit);
}

static void measure_gain(struct control_past *p, double limit)
{
	if (p->recent.billed > 0.02 * limit && p->recent.billed > CONTROL_FLOOR_CORES / 4)
		p->gain += GAIN_WEIGHT * (p->recent.charge / p->recent.billed - p->gain);
	p->gain = control_between(0.1, p->gain, 100);
}

static double limit_quota(struct control_workspace *w)
{
	struct control_past *p = w->past;
	double limit = control_cores(w->terms.limit_mcores), target;

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
	return control_between(0, target / p->gain, CONTROL_QUOTA_MAX * limit);
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

void control_set_quota(struct control_workspace *w, unsigned int n_cpus)
{
	struct control_past *p = w->past;
	double quota = w->terms.limit_mcores ? limit_quota(w) : INFINITY;

	quota = fmin(quota, p->squeeze);
	if (isinf(quota))
		quota = 0;
	else
		quota = control_between(CONTROL_FLOOR_CORES, quota, n_cpus * CONTROL_QUOTA_MAX);
	p->since_quota++;
	/* back to the static quota in the end, exactly */
	if (quota == control_cores(w->terms.limit_mcores) && p->since_quota >= CONTROL_WINDOW)
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
	double limit = control_cores(w->terms.limit_mcores);

	if (limit <= 0 || p->debt_s < GATE_OPEN_S * limit)
		p->shut = false;
	else if (p->debt_s > GATE_SHUT_S * limit)
		p->shut = true;
	if (!p->shut)
		return INFINITY;
	return fmax(GATE_MIN * limit, limit - p->recent.own - p->debt_s / COLLECT_S);
}

void control_set_gate(struct control_workspace *w)
{
	double gate = fmin(debt_gate(w), w->past->gate);

	w->setting.gate_cores = isinf(gate) ? 0 : gate;
}
