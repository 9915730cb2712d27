// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/host_round.h"

#include <stddef.h>

#define LOOK_NS 1000000000ull
#define BUSY 0.4 /* of all CPUs: with less charged nobody is in their way */

static bool is_busy(const struct control *control)
{
	double charge = 0;

	for (size_t i = 0; i < control->n; i++)
		charge += control->workspaces[i].gone ? 0 : control_recent(&control->workspaces[i]);
	return charge > BUSY * control->n_cpus;
}

void host_round_look(struct host_round *round, struct control *control, uint64_t now_ns)
{
	control->host_lost = NULL;
	if (control->host_reserve <= 0 || now_ns < round->due_ns)
		return;
	round->due_ns = now_ns + LOOK_NS;
	if (!is_busy(control)) {
		host_threads_forget(&round->threads);
		control->host_got = 0;
		return;
	}
	if (!host_threads_look(&round->threads, control->n_cpus, now_ns))
		return;
	control->host_got = round->threads.got;
	control->host_lost = round->threads.lost;
}

void host_round_forget(struct host_round *round, struct control *control)
{
	host_threads_forget(&round->threads);
	control->host_lost = NULL;
	control->host_got = 0;
	control->host_rest = 0;
}
