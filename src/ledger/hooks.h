/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * What the ledger can be told to do without, as each of these has hooks that come often. The order is that of
 * bits in the books.
 */
enum hook_part {
	HOOK_NEEDED, /* comes seldom, or the books lean on it: always there */
	HOOK_POLLS,
	HOOK_SOCKETS,
	HOOK_TIMERS,
	HOOK_WORK,
	HOOK_BLOCK,
	HOOK_PARTS,
};

/* One program of bpf/ledger.bpf.c and what it hangs on. */
struct ledger_hook {
	const char *program; /* its name in the object and of its pinned link */
	const char *target;  /* tracepoint or function of the kernel */
	enum { HOOK_TRACEPOINT, HOOK_FUNCTION } type;
	/*
	 * What the accounts lose without it; NULL: there are no books without it. An empty string:
	 * nothing is lost on this architecture.
	 */
	const char *without;
	enum { HOOK_ON_V1 = 1, HOOK_ON_V2 } only; /* 0: wherever accounts are */
	/* the target of a hook that this one stands in for on kernels that lack it; NULL: none */
	const char *instead_of;
	enum hook_part part;
};

/* Names of the parts, NULL for what is always there. */
extern const char *const hook_parts[HOOK_PARTS];

/* Bits of parts by their names, with commas between; "none" is no part. -EINVAL with a sentence for another name. */
int hook_parts_parse(const char *text, uint32_t *parts, struct error *err);

/* Those names again, with commas between; for the caller to free. NULL without memory. */
char *hook_parts_text(uint32_t parts);

/* In the order of the bits of wire_book.hooks_attached. */
extern const struct ledger_hook ledger_hooks[];
extern const size_t ledger_hooks_count;

/* Whether a hook is of use where accounts are cgroups of v2, or of v1. */
bool ledger_hook_is_of_use(const struct ledger_hook *hook, bool unified);

/* Whether something is lost without a hook: it is of use, and on this architecture. */
bool ledger_hook_matters(const struct ledger_hook *hook, bool unified);

/* The hook with that target, by its place; ledger_hooks_count if there is none. */
size_t ledger_hook_of_target(const char *target);

/* Of the hooks that are THERE, by their bits, one that stands in for HOOK; ledger_hooks_count: none. */
size_t ledger_hook_stand_in(size_t hook, uint64_t there);

/*
 * Whether HOOK is missed where those of THERE are: something is lost by it, and none stands in for it. What
 * stands in for another is missed if others do so too, each for a part.
 */
bool ledger_hook_is_missed(size_t hook, uint64_t there, bool unified);
