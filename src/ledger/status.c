// SPDX-License-Identifier: GPL-2.0-or-later
/* Since when the ledger is on, and which hooks it has. */
#include "ledger/status.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "ledger/hooks.h"
#include "ledger/pinned.h"
#include "ledger/pins.h"

static bool link_is_pinned(size_t hook)
{
	_cleanup_free_ char *path =
		string_format(LEDGER_PATH "/links/%s", ledger_hooks[hook].program);

	return path && access(path, F_OK) == 0;
}

int ledger_status_read(struct ledger_status *status, struct error *err)
{
	_cleanup_pinned_ struct ledger_pinned pinned = LEDGER_PINNED_CLOSED;
	struct ledger_status s = {0};
	const struct wire_book *book;
	int r = ledger_pinned_open(&pinned, err);

	if (r < 0 && r != -ENOENT)
		return r;
	s.unified = r == 0 && pinned.book->hierarchy == 0;
	for (size_t i = 0; r == 0 && i < ledger_hooks_count; i++) {
		if (link_is_pinned(i))
			s.hooks_attached |= 1ull << i;
	}
	for (size_t i = 0; i < ledger_hooks_count; i++) {
		const bool attached = s.hooks_attached & 1ull << i;

		s.n_attached += attached;
		s.n_wanted += attached || ledger_hook_is_missed(i, s.hooks_attached, s.unified);
	}
	if (r == 0) {
		book = pinned.book;
		s.on = true;
		s.since_realtime_ns = book->started_realtime_ns;
		s.since_ns = book->started_ns;
		s.cpus = book->cpus;
		s.accounts_max = book->slots;
		s.irq_time = book->irq_time;
		s.left_out = book->left_out;
		s.layout = book->version;
		s.upgrades = book->upgrades;
		s.approximated_ns = book->approximated_ns;
		for (__u32 slot = WIRE_SLOT_FIRST; slot < book->next_slot && slot < book->slots;
		     slot++)
			s.accounts += pinned.slots[slot].state == WIRE_OPEN;
		s.recursion_misses = ledger_recursion_misses(&pinned);
	}
	*status = s;
	return 0;
}
