// SPDX-License-Identifier: GPL-2.0-or-later
/* Which network namespace an account owns. */
#include "ledger/links.h"

#include <bpf/bpf.h>
#include <stdint.h>

static struct ledger_account *account_by_id(struct ledger_snapshot *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_accounts; i++) {
		if (s->accounts[i].id == id)
			return &s->accounts[i];
	}
	return NULL;
}

int ledger_links_fill(const struct ledger_pinned *pinned, struct ledger_snapshot *snapshot,
		      struct error *err)
{
	uint64_t cookie, *previous = NULL;
	struct wire_netns held;

	while (bpf_map_get_next_key(pinned->netns, previous, &cookie) == 0) {
		struct ledger_account *account;

		previous = &cookie;
		if (bpf_map_lookup_elem(pinned->netns, &cookie, &held) < 0)
			continue;
		account = account_by_id(snapshot, held.owner_id);
		/* the first it made, if it has several */
		if (account && !account->netns)
			account->netns = held.inum;
	}
	return 0;
}
