// SPDX-License-Identifier: GPL-2.0-or-later
/* Reserves and shares against threads of others. See control.c. */
#include "keeper/control_past.h"

#include <math.h>

#define TRIM_MIN (1.0 / 64)
#define WEIGHT_EVERY 10 /* rounds */

/* What is W's when all that wait have what they are promised and their shares of the rest of its CPUs. */
static double entitled(const struct control *c, const struct control_workspace *w)
{
	double mine = control_share_weight(&w->terms), shares = mine;
	double rest = cpus_count(&w->cpus) - control_promised(w);

	for (size_t i = 0; i < c->n; i++) {
		const struct control_workspace *o = &c->workspaces[i];

		if (o == w || o->gone || o->past->rates.waited < 0.05)
			continue;
		if (cpus_first_missing(&o->cpus, &w->cpus) >= 0 &&
		    cpus_first_missing(&w->cpus, &o->cpus) >= 0)
			continue;
		shares += control_share_weight(&o->terms);
		rest -= fmin(control_promised(o), o->past->rates.charge);
	}
	return control_promised(w) + fmax(rest, 0) * mine / shares;
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

/*
 * By which a weight has to change for W to have PART of its CPUs instead of what it has: what two weights get
 * of a CPU is as the weights are, so the odds are, part / (1 - part), whatever the others' weights.
 */
static double weight_factor(const struct control_workspace *w, double part)
{
	double cpus = cpus_count(&w->cpus), has = w->past->rates.charge / cpus;

	part = control_between(0.01, part / cpus, 0.99);
	has = control_between(0.01, has, 0.99);
	return part / (1 - part) * (1 - has) / has;
}

static void weigh(const struct control *c, struct control_workspace *w)
{
	struct control_past *p = w->past;
	double part;

	if (!w->terms.reserve_mcores || p->rounds % WEIGHT_EVERY)
		return;
	part = entitled(c, w);
	if (p->lost <= CONTROL_RESERVE_REST * control_cores(w->terms.reserve_mcores) &&
	    others_wait(c, w) && p->rates.charge > 1.05 * part)
		p->trim = fmax(TRIM_MIN, p->trim * weight_factor(w, part));
	else if (p->trim > 1 && p->lost == 0)
		p->trim = fmax(1, p->trim * 0.9);
}

static double wish(const struct control_workspace *w)
{
	double weight = control_static(w).weight, share = control_share_weight(&w->terms);

	if (!w->terms.reserve_mcores)
		return weight;
	return fmax(share, weight * w->past->trim);
}

void control_set_weights(struct control *c)
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
