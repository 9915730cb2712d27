// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/network_round.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"

#define LINKS_NS 500000000ull

static size_t list_concerned(const struct roster *roster, struct network_workspace *list)
{
	size_t n = 0;

	for (size_t i = 0; i < roster->control.n; i++) {
		const struct roster_entry *e = &roster->items[i];

		if (!roster->control.workspaces[i].gone && network_concerns(&e->terms))
			list[n++] = (struct network_workspace){.name = e->called,
							       .directory = e->directory,
							       .places = e->places,
							       .terms = &e->terms};
	}
	return n;
}

static int update(struct network_round *round, struct writer *writer, const struct roster *roster,
		  struct error *err)
{
	_cleanup_free_ struct network_workspace *list =
		calloc(roster->control.n + 1, sizeof(*list));
	size_t n;
	int r = 0;

	if (!list)
		return error_oom(err);
	n = list_concerned(roster, list);
	if (!n && !round->network)
		network_take_back(writer);
	else if (!round->network)
		r = network_open(&round->network, writer, round->uplink, err);
	return r == 0 && round->network ? network_update(round->network, list, n, err) : r;
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
		if (r == 0 && round->network)
			network_look(round->network, now_ns);
		round->failed = r < 0;
		round->due_ns = now_ns + LINKS_NS;
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
