/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum ledger_what {
	LEDGER_UNCHANGED,
	LEDGER_SWITCHED,
	LEDGER_TAKEN_OVER, /* the books of one that was on go on */
};

struct ledger_change {
	enum ledger_what what;
	uint32_t from_version;	  /* of the layout that was on */
	uint64_t approximated_ns; /* CPU time that went to who ran then */
};

/*
 * Switches the ledger on: loads the programs, attaches them, opens the books of all CPUs and pins it
 * all. One that an older version of behalf has switched on is taken over: all it has counted goes on. -ENOENT
 * without BTF, -EPERM without privileges, -EEXIST when one of a newer version is on, -EPROTO when books are
 * on that cannot be read; what the kernel says otherwise.
 */
int ledger_on(struct ledger_change *change, struct error *err);

/*
 * The same without some PARTS of it (bits, see ledger/hooks.h), or with all of them: when a ledger of this version
 * is on that has others, it is replaced, and its books are taken over. ledger_on and ledger_upgrade leave parts
 * out that are left out of what is on.
 */
int ledger_on_without(uint32_t parts, struct ledger_change *change, struct error *err);

/* As ledger_on, but takes over whatever is on, also this version's and a newer one's. */
int ledger_upgrade(struct ledger_change *change, struct error *err);

/* Switches the ledger off and removes all of it; *CHANGED is false when it was off already. */
int ledger_off(bool *changed, struct error *err);

/*
 * What the ledger needs and this host lacks, as one sentence in ERR; 0 when it could be switched on
 * as far as that can be told without doing it.
 */
int ledger_check(struct error *err);

/* Whether the kernel lets programs hang on functions, on some that the ledger wants at least. */
struct btf;
bool ledger_can_hook_functions(const struct btf *btf);

/*
 * Which hooks this kernel has a place for, as bits by index in ledger_hooks, and whether accounts would be
 * cgroups of v2; without switching anything on. Needs what ledger_check needs.
 */
int ledger_hooks_probe(uint64_t *there, bool *unified, struct error *err);
