// SPDX-License-Identifier: GPL-2.0-or-later
/* Which network namespace an account owns, and by which links the host reaches it. */
#include "ledger/links.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/strings.h"

static struct ledger_account *account_by_id(struct ledger_snapshot *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_accounts; i++) {
		if (s->accounts[i].id == id)
			return &s->accounts[i];
	}
	return NULL;
}

/* Interfaces are named in the host's namespace; a reader in another one cannot know them. */
static bool in_host_namespace(const struct ledger_pinned *pinned)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) == 0 && st.st_ino == pinned->book->host_netns;
}

static int add_links(struct ledger_account *account, const struct wire_netns *held,
		     struct error *err)
{
	char name[IF_NAMESIZE];

	for (size_t i = 0; i < WIRE_LINKS && held->links[i]; i++) {
		/* a link that is gone has no name any more */
		if (if_indextoname(held->links[i], name) && strv_append(&account->links, name) < 0)
			return error_oom(err);
	}
	return 0;
}

int ledger_links_fill(const struct ledger_pinned *pinned, struct ledger_snapshot *snapshot,
		      struct error *err)
{
	bool in_host = in_host_namespace(pinned);
	uint64_t cookie, *previous = NULL;
	struct wire_netns held;

	while (bpf_map_get_next_key(pinned->netns, previous, &cookie) == 0) {
		struct ledger_account *account;

		previous = &cookie;
		if (bpf_map_lookup_elem(pinned->netns, &cookie, &held) < 0)
			continue;
		account = account_by_id(snapshot, held.owner_id);
		if (!account)
			continue;
		/* the first it made, if it has several */
		if (!account->netns)
			account->netns = held.inum;
		if (in_host && add_links(account, &held, err) < 0)
			return -err->code;
	}
	return 0;
}
