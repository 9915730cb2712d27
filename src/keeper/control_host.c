// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's own part: a cap on the sum. Weights leave a thread of the host's a sixty-fifth of a CPU at least, which is
 * enough for most of what the kernel's workers do, and not for all. When one of them is ready to run and hardly
 * does, everybody on its CPUs who has more than it is promised is held to less of what is above, until the workers
 * have what is kept for them, or wait no more. Nobody is held for more than that, nor when none waits.
 * See control.c.
 */
#include "keeper/control_past.h"

#include <math.h>

#define HOST_ACT 0.005	/* cores: less is not worth throttling for */
#define HOST_REST 20	/* rounds for which nobody grows after that: two looks at the workers */
#define HOST_LEAST 0.5	/* one step at most, */
#define HOST_MOST 0.98	/* and at least */
#define HOST_PART 0.3	/* of what the concerned have on average: less is not in the way */
#define HOST_WORTH 0.02 /* cores above its promise from which one is held */

static bool is_concerned(const struct control *c, const struct control_workspace *w)
{
	for (unsigned int cpu = 0; cpu < c->n_cpus && !w->gone; cpu++) {
		if (c->host_lost[cpu] > 0 && cpus_has(&w->cpus, cpu))
			return true;
	}
	return false;
}

/*
 * What its threads have beyond what they are promised: what a worker does on its behalf is not in the worker's way. One
 * that has little beside the others is not either.
 */
static double above_promise(const struct control_workspace *w)
{
	double promised = control_cores(w->terms.reserve_mcores + w->io_own_mcores);
	double above = w->past->recent.own - promised;

	return above > HOST_WORTH && w->past->recent.billed > 0 ? above : 0;
}

static void hold(struct control_workspace *w, double factor)
{
	struct control_past *p = w->past;

	p->squeeze = fmax(control_promise_quota(w), fmin(p->squeeze, p->recent.billed) * factor);
	p->since_quota = CONTROL_WINDOW;
}

static double lost_of(const struct control *c)
{
	double lost = 0;

	for (unsigned int cpu = 0; cpu < c->n_cpus; cpu++)
		lost += c->host_lost[cpu];
	/* what is kept for it is all that it can ask for */
	return fmin(lost, c->host_reserve - c->host_got);
}

/* All by the same part of what they have: LOST is to come from what is above promises. */
static void cap_sum(struct control *c, double lost)
{
	double above = 0, own = 0;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct control_workspace *w = &c->workspaces[i];

		if (!is_concerned(c, w) || above_promise(w) <= 0)
			continue;
		above += above_promise(w);
		own += w->past->recent.own;
		n++;
	}
	for (size_t i = 0; i < c->n && n > 0; i++) {
		struct control_workspace *w = &c->workspaces[i];

		if (is_concerned(c, w) && above_promise(w) > HOST_PART * above / (double)n)
			hold(w, control_between(HOST_LEAST, 1 - 1.1 * lost / own, HOST_MOST));
	}
	if (n > 0)
		c->host_rest = HOST_REST;
}

void control_keep_host(struct control *c)
{
	double lost = c->host_lost && c->host_reserve > 0 ? lost_of(c) : 0;

	if (lost > HOST_ACT)
		cap_sum(c, lost);
	c->host_lost = NULL;
	if (!c->host_rest)
		return;
	c->host_rest--;
	for (size_t i = 0; i < c->n; i++) {
		struct control_past *p = c->workspaces[i].past;

		if (!c->workspaces[i].gone && !isinf(p->squeeze))
			p->held = true;
	}
}
