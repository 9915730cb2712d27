/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/* What a counter of enum wire_counter is called, and what it counts. */
struct ledger_counter_text {
	const char *name;
	const char *meaning;
};

extern const struct ledger_counter_text ledger_counter_texts[];

/* What the counter of that name counts; "" for a name that this version does not know. */
const char *ledger_counter_meaning(const char *name);
