// SPDX-License-Identifier: GPL-2.0-or-later
/* What was seen in the last rounds, and rates over them. */
#include "keeper/control_past.h"

#include <math.h>
#include <string.h>

struct past_moment *past_before(struct control_past *p, unsigned int rounds)
{
	if (rounds >= p->n)
		rounds = p->n - 1;
	return &p->ring[(p->head + CONTROL_WINDOW + 1 - rounds) % (CONTROL_WINDOW + 1)];
}

uint64_t *past_cpus_before(struct control_past *p, unsigned int rounds)
{
	return &p->cpu_ring[(size_t)(past_before(p, rounds) - p->ring) * p->n_cpus];
}

void past_note(struct control_workspace *w, uint64_t now_ns)
{
	struct control_past *p = w->past;

	p->head = p->n ? (p->head + 1) % (CONTROL_WINDOW + 1) : 0;
	if (p->n < CONTROL_WINDOW + 1)
		p->n++;
	p->ring[p->head] = (struct past_moment){now_ns, w->seen};
	if (w->behalf_cpu_ns)
		memcpy(&p->cpu_ring[(size_t)p->head * p->n_cpus], w->behalf_cpu_ns,
		       p->n_cpus * sizeof(uint64_t));
}

double past_charge_s(const struct past_moment *now, const struct past_moment *then)
{
	return past_grown_s(now->seen.own_ns + now->seen.behalf_ns,
			    then->seen.own_ns + then->seen.behalf_ns);
}

/* What the kernel has billed; where that was not read, what it bills at least. */
static double billed_s(const struct past_moment *now, const struct past_moment *then)
{
	if (now->seen.billed_ns && then->seen.billed_ns)
		return past_grown_s(now->seen.billed_ns, then->seen.billed_ns);
	return past_grown_s(now->seen.own_ns, then->seen.own_ns);
}

/* Over the last ROUNDS; returns how long that was, 0 when nothing is known yet. */
double past_measure(struct control_past *p, unsigned int rounds, struct past_rates *rates)
{
	const struct past_moment *now = past_before(p, 0), *then = past_before(p, rounds);
	double seconds = past_grown_s(now->at_ns, then->at_ns);

	*rates = (struct past_rates){0};
	if (seconds <= 0)
		return 0;
	rates->charge = past_charge_s(now, then) / seconds;
	rates->own = past_grown_s(now->seen.own_ns, then->seen.own_ns) / seconds;
	rates->billed = billed_s(now, then) / seconds;
	rates->waited = past_grown_s(now->seen.waited_ns, then->seen.waited_ns) / seconds;
	rates->imposed = past_grown_s(now->seen.imposed_ns, then->seen.imposed_ns) / seconds;
	return seconds;
}

double past_wanted(const struct control_workspace *w, const struct past_rates *rates)
{
	return fmin(rates->charge + rates->waited + rates->imposed,
		    control_cores(w->terms.reserve_mcores));
}

double past_allowed(const struct control_workspace *w, const struct past_rates *rates)
{
	double allowed = INFINITY;

	if (rates->billed <= 0)
		return allowed;
	if (w->setting.quota_cores > 0)
		allowed = w->setting.quota_cores * rates->charge / rates->billed;
	if (w->others_quota > 0)
		allowed = fmin(allowed,
			       w->others_quota * (rates->charge + rates->imposed) / rates->billed);
	return allowed;
}

double control_promise_quota(const struct control_workspace *w)
{
	const struct past_rates *r = &w->past->rates;
	double promise = control_promised(w);

	if (promise > 0 && r->charge > 0)
		promise *= r->billed / r->charge;
	return fmax(CONTROL_FLOOR_CORES, promise);
}

/* One round into the sums of ten seconds; a row of them is kept each second. */
void past_add_up(struct control_workspace *w)
{
	struct control_past *p = w->past;
	const struct past_moment *now = past_before(p, 0), *then = past_before(p, 1);

	p->sums.wall_s += past_grown_s(now->at_ns, then->at_ns);
	p->sums.charge_s += past_charge_s(now, then);
	if (p->rounds++ % CONTROL_WINDOW)
		return;
	p->sums_head =
		(p->sums_head + 1) % (unsigned int)(sizeof(p->sums_ring) / sizeof(p->sums_ring[0]));
	if (p->n_sums < sizeof(p->sums_ring) / sizeof(p->sums_ring[0]))
		p->n_sums++;
	p->sums_ring[p->sums_head] = p->sums;
}

const struct past_sums *past_sums_before(const struct control_past *p)
{
	const unsigned int rows = sizeof(p->sums_ring) / sizeof(p->sums_ring[0]);

	return p->n_sums < rows ? NULL : &p->sums_ring[(p->sums_head + 1) % rows];
}
