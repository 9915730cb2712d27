/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "ledger/pinned.h"
#include "ledger/snapshot.h"

/*
 * Fills in netns and links of the accounts: the network namespace each owns, and the names of the
 * host's ends of the veth pairs that lead there.
 */
int ledger_links_fill(const struct ledger_pinned *pinned, struct ledger_snapshot *snapshot,
		      struct error *err);
