// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/network_round.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define LINKS_NS 500000000ull

/* Of a round, for what is to be set, in percent, and at most; the rest is for those who are kept already, and who ask. */
#define SLICE_PERCENT 40
#define SLICE_MAX_NS 40000000ull

static size_t list_concerned(const struct roster *roster, struct network_workspace *list)
{
	size_t n = 0;

	for (size_t i = 0; i < roster->control.n; i++) {
		const struct roster_entry *e = &roster->items[i];

		if (!roster->control.workspaces[i].gone && network_concerns(&e->terms))
			list[n++] = (struct network_workspace){.name = e->called,
							       .directory = e->directory,
							       .places = e->places,
							       .promise = e->promise,
							       .terms = &e->terms};
	}
	return n;
}

static uint64_t slice_ns(const struct network_round *round)
{
	uint64_t ns = round->period_ns * SLICE_PERCENT / 100;

	return ns < SLICE_MAX_NS ? ns : SLICE_MAX_NS;
}

/*
 * What a killed keeper has left where nobody has anything any more, and what was left to those whose promises could not be
 * read: again when these are others.
 */
static int take_left_back(struct network_round *round, struct writer *writer,
			  const struct roster *roster, uint64_t until_ns)
{
	if (round->settled && round->generation == roster->generation)
		return 0;
	round->settled = !network_take_back(writer, roster->unreadable, until_ns);
	round->generation = roster->generation;
	return !round->settled;
}

/* 1: there is more to be done. */
static int update(struct network_round *round, struct writer *writer, const struct roster *roster,
		  struct error *err)
{
	_cleanup_free_ struct network_workspace *list =
		calloc(roster->control.n + 1, sizeof(*list));
	uint64_t until_ns = round->whole ? 0 : clock_monotonic_ns() + slice_ns(round);
	size_t n;
	int r = 0;

	if (!list)
		return error_oom(err);
	n = list_concerned(roster, list);
	if (n && !round->network)
		r = network_open(&round->network, writer, round->uplink, err);
	if (r == 0 && round->network) {
		network_work_until(round->network, until_ns);
		network_spare(round->network, roster->unreadable);
		r = network_update(round->network, list, n, err);
	}
	return r == 0 ? take_left_back(round, writer, roster, until_ns) : r;
}

void network_round(struct network_round *round, struct writer *writer, const struct roster *roster,
		   uint64_t now_ns)
{
	struct error err = {0};

	if (round->network && network_watch(round->network, now_ns, &err) < 0)
		log_warning("reserves at the uplink are not kept: %s", err.text);
	if (now_ns >= round->due_ns) {
		int r = update(round, writer, roster, &err);

		if (r < 0 && !round->failed)
			log_warning("network terms are not kept: %s", err.text);
		round->failed = r < 0;
		round->due_ns = r > 0 ? now_ns : now_ns + LINKS_NS;
	}
	if (round->network && now_ns >= round->look_due_ns) {
		network_look(round->network, now_ns);
		round->look_due_ns = now_ns + LINKS_NS;
	}
	for (size_t i = 0; round->network && i < roster->control.n; i++) {
		const struct control_workspace *w = &roster->control.workspaces[i];

		if (roster->items[i].terms.gate == TERMS_GATE_DROP && !w->gone)
			network_gate(round->network, roster->items[i].directory,
				     w->setting.gate_cores, w->seen.behalf_ns);
	}
}

void network_round_leave(struct network_round *round)
{
	struct error err = {0};

	if (round->network && network_leave(round->network, &err) < 0)
		log_warning("reserves at the uplink are not kept: %s", err.text);
}
