// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/steer_round.h"

#include "base/log.h"
#include "keeper/means_steer.h"

#define AGAIN_NS 5000000000ull
#define SELDOM_NS 30000000000ull /* when there was nothing to move */

/* Where those who have a reserve are disturbed. */
static struct cpus disturbed_cpus(const struct roster *roster)
{
	struct cpus all = {0};

	for (size_t i = 0; i < roster->control.n; i++) {
		const struct control_workspace *w = &roster->control.workspaces[i];

		for (unsigned int cpu = 0; cpu < roster->n_cpus && !w->gone; cpu++) {
			if (cpus_has(&w->disturbed, cpu))
				cpus_add(&all, cpu);
		}
	}
	return all;
}

/* Each for itself, the sooner the shorter it has been in the way. */
static void steer_inside(struct writer *writer, struct roster *roster, const struct cpus *avoid,
			 uint64_t now_ns)
{
	for (size_t i = 0; i < roster->control.n; i++) {
		struct roster_entry *e = &roster->items[i];
		struct error err = {0};
		bool changed = false;

		if (!roster->control.workspaces[i].in_way || now_ns < e->steer_due_ns)
			continue;
		if (means_steer_inside(writer, e->called, e->directory, avoid, &changed, &err) < 0)
			log_warning("work of '%s' cannot be moved off reserved CPUs: %s", e->called,
				    err.text);
		e->steer_due_ns = now_ns + (changed ? AGAIN_NS : SELDOM_NS);
		roster->control.steered |= changed;
	}
}

void steer_round(struct steer_round *round, struct writer *writer, struct roster *roster,
		 uint64_t now_ns)
{
	const struct cpus avoid = disturbed_cpus(roster);
	struct control *control = &roster->control;
	struct error err = {0};

	if (cpus_count(&avoid) == 0 || cpus_count(&avoid) >= roster->n_cpus)
		return;
	if (now_ns >= round->due_ns || cpus_first_missing(&avoid, &round->steered) >= 0) {
		if (means_steer(writer, &avoid, &control->steered, &err) < 0)
			log_warning("work cannot be moved off reserved CPUs: %s", err.text);
		round->steered = avoid;
		round->due_ns = now_ns + (control->steered ? AGAIN_NS : SELDOM_NS);
	}
	steer_inside(writer, roster, &avoid, now_ns);
}
