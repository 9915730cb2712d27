/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where the members of the types of bpf/wire.h are in books that this or another version has pinned. The
 * kernel keeps the types (BTF) of the programs with their maps, so books describe themselves: a member is
 * found by its name, and so are the classes of work and the counters.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ledger_layout;

/* The layout of the books that the map behind MAP_FD is of. VERSION is what their book says. */
int ledger_layout_read(int map_fd, uint32_t version, struct ledger_layout **layout,
		       struct error *err);
void ledger_layout_free(struct ledger_layout *layout);
void cleanup_ledger_layout(struct ledger_layout **layout);

/* A member, or an array of them: N of BYTES each (1, 2, 4 or 8), at OFFSET; N is 0 if there is none. */
struct ledger_member {
	size_t offset;
	size_t bytes;
	size_t n;
};

/* Bytes of a struct, 0 when there is none of that name. */
size_t ledger_layout_size(const struct ledger_layout *layout, const char *type);

/* MEMBER of the struct TYPE. An array of structs has their size as BYTES. */
struct ledger_member ledger_layout_member(const struct ledger_layout *layout, const char *type,
					  const char *member);

/* The same, which must be there: -EPROTO with a sentence if it is not. */
int ledger_layout_need(const struct ledger_layout *layout, const char *type, const char *member,
		       struct ledger_member *found, struct error *err);

/* The I-th of a member's numbers in the struct at OBJECT; 0 when there is none. */
uint64_t ledger_member_get(struct ledger_member member, const void *object, size_t i);
void ledger_member_set(struct ledger_member member, void *object, size_t i, uint64_t value);

/* What of a struct is in two layouts: members that are numbers, or arrays of them. */
struct ledger_conversion {
	size_t n;
	struct {
		struct ledger_member from, to;
	} members[32];
};

/* Those of TYPE, but for the one named EXCEPT (may be NULL). */
void ledger_conversion_make(const struct ledger_layout *from, const struct ledger_layout *to,
			    const char *type, const char *except,
			    struct ledger_conversion *conversion);

/* Copies them; what only TO has stays as it is. */
void ledger_convert(const struct ledger_conversion *conversion, const void *from, void *to);

/* The name of VALUE in an enum, the value of NAME; NULL and -1 when there is none. */
const char *ledger_layout_name(const struct ledger_layout *layout, const char *type, int value);
int ledger_layout_value(const struct ledger_layout *layout, const char *type, const char *name);
