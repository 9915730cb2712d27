// SPDX-License-Identifier: GPL-2.0-or-later
#include "ledger/layout.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct ledger_layout {
	struct btf *btf;
	uint32_t version;
};

/* Version 2 did not name its classes in its types; counters of it are begun anew. */
#define VERSION_WITHOUT_NAMES 2
static const char *const classes_of_2[] = {
	"WIRE_NET_RX", "WIRE_NET_TX", "WIRE_BLOCK",	"WIRE_TIMER", "WIRE_TASKLET", "WIRE_SCHED",
	"WIRE_RCU",    "WIRE_WORK",   "WIRE_WRITEBACK", "WIRE_IRQ",   "WIRE_OWN",     "WIRE_IDLE",
};

int ledger_layout_read(int map_fd, uint32_t version, struct ledger_layout **layout,
		       struct error *err)
{
	struct bpf_map_info info = {0};
	__u32 info_bytes = sizeof(info);
	struct ledger_layout *l;

	if (bpf_obj_get_info_by_fd(map_fd, &info, &info_bytes) < 0)
		return error_errno(err, errno, "look at a pinned map");
	if (!info.btf_id)
		return error_set(err, EPROTO,
				 "the books of the ledger that is on do not say how they are laid "
				 "out");
	l = calloc(1, sizeof(*l));
	if (!l)
		return error_oom(err);
	l->version = version;
	l->btf = btf__load_from_kernel_by_id(info.btf_id);
	if (!l->btf) {
		free(l);
		return error_errno(err, errno, "read the types of the pinned books");
	}
	*layout = l;
	return 0;
}

void ledger_layout_free(struct ledger_layout *layout)
{
	if (!layout)
		return;
	btf__free(layout->btf);
	free(layout);
}

void cleanup_ledger_layout(struct ledger_layout **layout)
{
	ledger_layout_free(*layout);
}

static const struct btf_type *struct_of(const struct ledger_layout *l, const char *name)
{
	int id = btf__find_by_name_kind(l->btf, name, BTF_KIND_STRUCT);

	return id > 0 ? btf__type_by_id(l->btf, (__u32)id) : NULL;
}

size_t ledger_layout_size(const struct ledger_layout *layout, const char *type)
{
	const struct btf_type *t = struct_of(layout, type);

	return t ? t->size : 0;
}

/* Past typedefs, const and volatile. */
static __u32 plain_type(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t))) {
		id = t->type;
		t = btf__type_by_id(btf, id);
	}
	return id;
}

static struct ledger_member describe(const struct btf *btf, const struct btf_member *m)
{
	struct ledger_member found = {.offset = m->offset / 8, .n = 1};
	__u32 id = plain_type(btf, m->type);
	const struct btf_type *t = btf__type_by_id(btf, id);
	__s64 bytes;

	while (t && btf_is_array(t)) {
		found.n *= btf_array(t)->nelems;
		id = plain_type(btf, btf_array(t)->type);
		t = btf__type_by_id(btf, id);
	}
	bytes = btf__resolve_size(btf, id);
	if (bytes <= 0)
		return (struct ledger_member){0};
	found.bytes = (size_t)bytes;
	return found;
}

struct ledger_member ledger_layout_member(const struct ledger_layout *layout, const char *type,
					  const char *member)
{
	const struct btf_type *t = struct_of(layout, type);

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (strcmp(btf__name_by_offset(layout->btf, m->name_off), member) == 0)
			return describe(layout->btf, m);
	}
	return (struct ledger_member){0};
}

int ledger_layout_need(const struct ledger_layout *layout, const char *type, const char *member,
		       struct ledger_member *found, struct error *err)
{
	*found = ledger_layout_member(layout, type, member);
	if (found->n)
		return 0;
	return error_set(
		err, EPROTO,
		"the ledger that is on is of another version of behalf, whose books this "
		"one cannot read: layout %u has no '%s' in '%s'; 'behalf ledger off' gives "
		"them up",
		layout->version, member, type);
}

static bool is_number(struct ledger_member m)
{
	return m.n && (m.bytes == 1 || m.bytes == 2 || m.bytes == 4 || m.bytes == 8);
}

uint64_t ledger_member_get(struct ledger_member member, const void *object, size_t i)
{
	const char *at = (const char *)object + member.offset + i * member.bytes;
	uint64_t value = 0;

	/* the low bytes are first: BPF has the byte order of the machine, and so has this */
	if (i < member.n && is_number(member)) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		memcpy((char *)&value + sizeof(value) - member.bytes, at, member.bytes);
#else
		memcpy(&value, at, member.bytes);
#endif
	}
	return value;
}

void ledger_member_set(struct ledger_member member, void *object, size_t i, uint64_t value)
{
	char *at = (char *)object + member.offset + i * member.bytes;

	if (i < member.n && is_number(member)) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		memcpy(at, (char *)&value + sizeof(value) - member.bytes, member.bytes);
#else
		memcpy(at, &value, member.bytes);
#endif
	}
}

void ledger_conversion_make(const struct ledger_layout *from, const struct ledger_layout *to,
			    const char *type, const char *except,
			    struct ledger_conversion *conversion)
{
	const struct btf_type *t = struct_of(to, type);

	conversion->n = 0;
	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *name = btf__name_by_offset(to->btf, m->name_off);
		struct ledger_member old, new;

		if ((except && strcmp(name, except) == 0) ||
		    conversion->n == ARRAY_SIZE(conversion->members))
			continue;
		old = ledger_layout_member(from, type, name);
		new = describe(to->btf, m);
		if (!is_number(old) || !is_number(new))
			continue;
		conversion->members[conversion->n].from = old;
		conversion->members[conversion->n++].to = new;
	}
}

void ledger_convert(const struct ledger_conversion *conversion, const void *from, void *to)
{
	for (size_t i = 0; i < conversion->n; i++) {
		struct ledger_member old = conversion->members[i].from;
		struct ledger_member new = conversion->members[i].to;

		for (size_t n = 0; n < new.n &&n < old.n; n++)
			ledger_member_set(new, to, n, ledger_member_get(old, from, n));
	}
}

const char *ledger_layout_name(const struct ledger_layout *layout, const char *type, int value)
{
	int id = btf__find_by_name_kind(layout->btf, type, BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(layout->btf, (__u32)id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(layout->btf, btf_enum(t)[i].name_off);
		bool is_count = strcmp(name, "WIRE_CLASSES") == 0 ||
				strcmp(name, "WIRE_COUNTERS") == 0;

		if (btf_enum(t)[i].val == value && !is_count)
			return name;
	}
	if (!t && layout->version == VERSION_WITHOUT_NAMES && strcmp(type, "wire_class") == 0 &&
	    value >= 0 && (size_t)value < ARRAY_SIZE(classes_of_2))
		return classes_of_2[value];
	return NULL;
}

int ledger_layout_value(const struct ledger_layout *layout, const char *type, const char *name)
{
	int id = btf__find_by_name_kind(layout->btf, type, BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(layout->btf, (__u32)id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		if (strcmp(btf__name_by_offset(layout->btf, btf_enum(t)[i].name_off), name) == 0)
			return btf_enum(t)[i].val;
	}
	return -1;
}
