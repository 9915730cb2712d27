// SPDX-License-Identifier: GPL-2.0-or-later
#include "ledger/upgrade.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strings.h"
#include "ledger/old.h"
#include "ledger/pins.h"

#define TOTALS_WORDS (sizeof(struct wire_totals) / sizeof(uint64_t))
#define DEPTH_MAX 32
#define UNKNOWN UINT32_MAX

/* ---- both ends ---- */

static int map_one(int fd, size_t bytes, void *memory, struct error *err)
{
	void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mapped == MAP_FAILED)
		return error_errno(err, errno, "map the new books");
	*(void **)memory = mapped;
	return 0;
}

int ledger_new_map(struct ledger_new *new, struct error *err)
{
	const size_t cpus = new->book->cpus, slots = new->book->slots;

	new->cpus_bytes = cpus * sizeof(*new->cpus);
	new->totals_bytes = slots *(cpus + 1) * sizeof(*new->totals);
	new->slots_bytes = slots * sizeof(*new->slots);
	if (map_one(new->cpus_fd, new->cpus_bytes, &new->cpus, err) < 0 ||
	    map_one(new->totals_fd, new->totals_bytes, &new->totals, err) < 0 ||
	    map_one(new->slots_fd, new->slots_bytes, &new->slots, err) < 0)
		return -err->code;
	return 0;
}

void ledger_new_unmap(struct ledger_new *new)
{
	if (new->cpus)
		munmap(new->cpus, new->cpus_bytes);
	if (new->totals)
		munmap(new->totals, new->totals_bytes);
	if (new->slots)
		munmap(new->slots, new->slots_bytes);
}

static void unmap(const struct ledger_old_map *map)
{
	if (map->memory)
		munmap((void *)map->memory, map->bytes);
}

int ledger_old_open(struct ledger_old **out, struct error *err)
{
	struct ledger_old *old;
	int r;

	*out = NULL;
	if (access(LEDGER_PATH, F_OK) < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "look at '%s'", LEDGER_PATH);
	old = calloc(1, sizeof(*old));
	if (!old)
		return error_oom(err);
	old->book_fd = -EBADF;
	r = ledger_old_map_all(old, LEDGER_PATH, err);
	if (r < 0)
		ledger_old_free(old);
	else
		*out = old;
	return r;
}

void ledger_old_free(struct ledger_old *old)
{
	if (!old)
		return;
	unmap(&old->book);
	unmap(&old->cpus);
	unmap(&old->totals);
	unmap(&old->slots);
	if (old->book_fd >= 0)
		close(old->book_fd);
	ledger_layout_free(old->layout);
	free(old);
}

void cleanup_ledger_old(struct ledger_old **old)
{
	ledger_old_free(*old);
}

uint32_t ledger_old_version(const struct ledger_old *old)
{
	return old->version;
}

uint32_t ledger_old_left_out(const struct ledger_old *old)
{
	return (uint32_t)ledger_member_get(old->in_book.left_out, old->book.memory, 0);
}

/* ---- accounts ---- */

/* Takes a row of the table as the programs do (bpf/account.h); UNKNOWN when it is full. */
static uint32_t take_slot(const struct ledger_new *new)
{
	uint32_t slot;

	if (bpf_map_lookup_and_delete_elem(new->free_slots, NULL, &slot) == 0)
		return slot;
	slot = __atomic_fetch_add(&new->book->next_slot, 1, __ATOMIC_SEQ_CST);
	if (slot < new->book->slots)
		return slot;
	__atomic_fetch_sub(&new->book->next_slot, 1, __ATOMIC_SEQ_CST);
	return UNKNOWN;
}

static uint32_t find_account(const struct ledger_new *new, uint64_t id)
{
	uint32_t slot;

	if (id == 0)
		return WIRE_SLOT_HOST;
	return bpf_map_lookup_elem(new->accounts, &id, &slot) == 0 ? slot : UNKNOWN;
}

/* Whether the old ledger still has an open account of ID in SLOT, looked at now. */
static bool is_open_still(const struct ledger_old *old, size_t slot, uint64_t id)
{
	const volatile char *info = old->slots.memory + slot * old->slots.value_bytes;

	return ledger_member_get(old->in_slot.id, (const char *)info, 0) == id &&
	       ledger_member_get(old->in_slot.state, (const char *)info, 0) == WIRE_OPEN;
}

/*
 * The cgroup was removed between the look at the old table and its entry here: no new hook may have found
 * what to close. Whoever takes it out of the table closes it; a hook that is at it has had its time.
 */
static void close_missed(const struct ledger_new *new, uint32_t slot, uint64_t id)
{
	uint32_t parent = find_account(new, new->slots[slot].parent_id);

	usleep(1000);
	if (bpf_map_delete_elem(new->accounts, &id) < 0)
		return;
	new->slots[slot].parent_slot = parent == UNKNOWN ? (uint32_t)WIRE_SLOT_HOST : parent;
	new->slots[slot].closed_ns = clock_monotonic_ns();
	new->slots[slot].state = WIRE_CLOSED;
	bpf_map_update_elem(new->closed_slots, NULL, &slot, BPF_ANY);
}

/* The new account of the one in OLD_SLOT, opened if need be. */
static uint32_t open_account(const struct ledger_old *old, const struct ledger_new *new,
			     const struct ledger_conversion *slots, size_t old_slot,
			     const char *info)
{
	uint64_t id = ledger_member_get(old->in_slot.id, info, 0);
	uint32_t slot = find_account(new, id);

	if (slot != UNKNOWN)
		return slot;
	slot = take_slot(new);
	if (slot == UNKNOWN)
		return UNKNOWN;
	ledger_convert(slots, info, &new->slots[slot]);
	new->slots[slot].parent_slot = WIRE_SLOT_HOST;
	new->slots[slot].closed_ns = 0;
	if (bpf_map_update_elem(new->accounts, &id, &slot, BPF_NOEXIST) == 0) {
		if (!is_open_still(old, old_slot, id))
			close_missed(new, slot, id);
		return slot;
	}
	/* a hook was first */
	new->slots[slot].id = 0;
	new->slots[slot].state = WIRE_FREE;
	bpf_map_update_elem(new->free_slots, NULL, &slot, BPF_ANY);
	return find_account(new, id);
}

/* Where the total of an old account goes. */
struct target {
	uint32_t slot;
	bool inherited; /* as what a closed account left, not CPU by CPU */
};

static struct target target_of(const struct ledger_old *old, const struct ledger_old_copy *copy,
			       const struct ledger_new *new, const struct ledger_conversion *slots,
			       size_t slot)
{
	struct target target = {.slot = (uint32_t)slot};

	for (int depth = 0; depth < DEPTH_MAX && slot < copy->n_slots; depth++) {
		const char *info = ledger_old_copy_slot(old, copy, slot);
		uint64_t state = ledger_member_get(old->in_slot.state, info, 0);

		if (slot < WIRE_SLOT_FIRST)
			return (struct target){.slot = (uint32_t)slot,
					       .inherited = target.inherited};
		if (state == WIRE_OPEN) {
			target.slot = open_account(old, new, slots, slot, info);
			if (target.slot != UNKNOWN)
				return target;
			/* no room: the parent's, or the host's */
			target.slot = find_account(new, ledger_member_get(old->in_slot.parent_id,
									  info, 0));
			target.inherited = true;
			if (target.slot != UNKNOWN)
				return target;
			break;
		}
		if (state != WIRE_CLOSED)
			break;
		target.inherited = true;
		slot = ledger_member_get(old->in_slot.parent_slot, info, 0);
	}
	return (struct target){.slot = WIRE_SLOT_HOST, .inherited = true};
}

/* ---- maps of what is known ---- */

static int open_old(const char *name)
{
	_cleanup_free_ char *path = string_format(LEDGER_PATH "/%s", name);

	return path ? bpf_obj_get(path) : -ENOMEM;
}

/* Copies a map from u64 to u64. */
static void carry_words(const char *name, int to)
{
	_cleanup_close_ int from = open_old(name);
	uint64_t key, value, *previous = NULL;

	while (from >= 0 && bpf_map_get_next_key(from, previous, &key) == 0) {
		if (bpf_map_lookup_elem(from, &key, &value) == 0)
			bpf_map_update_elem(to, &key, &value, BPF_NOEXIST);
		previous = &key;
	}
}

/* A struct that has an owner: his id, and his slot, which is another one now. */
struct owned {
	const char *map, *type, *id;
	int to;
	size_t id_offset, slot_offset, bytes; /* in the new struct */
	void (*revise)(const struct ledger_old *old, void *value);
};

/*
 * Before version 5 a claim was ranked by the namespaces of who made it alone, so that an engine's monitor, which had
 * made a container's, held it. It stays until a task that is there claims it by the rules of today, which comes
 * next (claim_all).
 */
#define RANKED_BY_RUNNING 5

static void revise_claim(const struct ledger_old *old, void *value)
{
	struct wire_netns *claim = value;

	if (old->version < RANKED_BY_RUNNING)
		claim->rank = 0;
}

static void carry_owned(const struct ledger_old *old, const struct ledger_layout *layout,
			const struct ledger_new *new, const struct owned *what)
{
	_cleanup_close_ int from = open_old(what->map);
	struct ledger_conversion conversion;
	union {
		char bytes[512];
		uint64_t align;
	} old_value, new_value;
	uint64_t key, *previous = NULL, id;
	uint32_t slot;

	ledger_conversion_make(old->layout, layout, what->type, NULL, &conversion);
	if (from < 0 || conversion.n == 0 || what->bytes > sizeof(new_value) ||
	    ledger_layout_size(old->layout, what->type) > sizeof(old_value))
		return;
	for (; bpf_map_get_next_key(from, previous, &key) == 0; previous = &key) {
		if (bpf_map_lookup_elem(from, &key, &old_value) < 0)
			continue;
		memset(&new_value, 0, sizeof(new_value));
		ledger_convert(&conversion, &old_value, &new_value);
		memcpy(&id, new_value.bytes + what->id_offset, sizeof(id));
		slot = find_account(new, id);
		if (slot == UNKNOWN)
			continue;
		memcpy(new_value.bytes + what->slot_offset, &slot, sizeof(slot));
		if (what->revise)
			what->revise(old, &new_value);
		bpf_map_update_elem(what->to, &key, &new_value, BPF_NOEXIST);
	}
}

static void carry_known(const struct ledger_old *old, const struct ledger_layout *layout,
			const struct ledger_new *new)
{
	const struct owned owned[] = {
		{"netns", "wire_netns", "owner_id", new->netns,
		 offsetof(struct wire_netns, owner_id), offsetof(struct wire_netns, slot),
		 sizeof(struct wire_netns), revise_claim},
		{"netns_heirs", "owner_note", "id", new->netns_heirs,
		 offsetof(struct owner_note, id), offsetof(struct owner_note, slot),
		 sizeof(struct owner_note), NULL},
		{"socks", "owner_note", "id", new->socks, offsetof(struct owner_note, id),
		 offsetof(struct owner_note, slot), sizeof(struct owner_note), NULL},
		{"inodes", "owner_note", "id", new->inodes, offsetof(struct owner_note, id),
		 offsetof(struct owner_note, slot), sizeof(struct owner_note), NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		carry_owned(old, layout, new, &owned[i]);
	carry_words("listeners", new->listeners);
	carry_words("baseline", new->baseline);
	__atomic_fetch_add(&new->book->epoch, 1, __ATOMIC_SEQ_CST);
}

/* ---- the steps ---- */

int ledger_old_carry_accounts(const struct ledger_old *old, const struct ledger_new *new,
			      struct error *err)
{
	_cleanup_(cleanup_ledger_layout) struct ledger_layout *layout = NULL;
	struct ledger_conversion slots;
	const size_t n = ledger_member_get(old->in_book.next_slot, old->book.memory, 0);

	if (ledger_member_get(old->in_book.hierarchy, old->book.memory, 0) != new->book->hierarchy)
		return error_set(err, EPROTO,
				 "the ledger that is on accounts the cgroups of another hierarchy; "
				 "switch it off first (behalf ledger off)");
	if (ledger_layout_read(new->cpus_fd, WIRE_VERSION, &layout, err) < 0)
		return -err->code;
	ledger_conversion_make(old->layout, layout, "wire_slot_info", NULL, &slots);
	for (size_t slot = WIRE_SLOT_FIRST; slot < n && slot < old->slots.n; slot++) {
		char info[256];

		if (old->slots.value_bytes > sizeof(info))
			break;
		memcpy(info, old->slots.memory + slot * old->slots.value_bytes,
		       old->slots.value_bytes);
		if (ledger_member_get(old->in_slot.state, info, 0) == WIRE_OPEN)
			open_account(old, new, &slots, slot, info);
	}
	carry_known(old, layout, new);
	return 0;
}

/* What the entry of the totals needs. */
struct entry {
	const struct ledger_old *old;
	const struct ledger_old_copy *copy;
	const struct ledger_new *new;
	struct ledger_conversion totals, slots;
	int class_of[64]; /* of the old one's classes, ours */
	size_t n_classes; /* of the old one */
	uint64_t sum_ns;  /* of what was entered */
};

static void number_classes(struct entry *e, const struct ledger_layout *layout)
{
	e->n_classes = e->old->in_totals.behalf_ns.n / WIRE_LEVELS;
	for (size_t i = 0; i < ARRAY_SIZE(e->class_of); i++) {
		const char *name = ledger_layout_name(e->old->layout, "wire_class", (int)i);
		int value = name ? ledger_layout_value(layout, "wire_class", name) : -1;

		/* a class that is not known here stays time of the kernel's */
		e->class_of[i] = value < 0 || value >= WIRE_CLASSES ? WIRE_IRQ : value;
	}
}

static void convert_totals(struct entry *e, const char *row, struct wire_totals *totals)
{
	memset(totals, 0, sizeof(*totals));
	ledger_convert(&e->totals, row, totals);
	e->sum_ns += ledger_member_get(e->old->in_totals.own_ns, row, 0);
	for (size_t i = 0; i < e->old->in_totals.behalf_ns.n; i++) {
		uint64_t ns = ledger_member_get(e->old->in_totals.behalf_ns, row, i);
		size_t level = i / e->n_classes, class = i % e->n_classes;

		if (level >= WIRE_LEVELS || class >= ARRAY_SIZE(e->class_of))
			continue;
		totals->behalf_ns[level * WIRE_CLASSES + (size_t)e->class_of[class]] += ns;
		e->sum_ns += ns;
	}
}

static void enter_slot(struct entry *e, size_t slot)
{
	const size_t n_rows = e->copy->n_rows;
	const struct target target = target_of(e->old, e->copy, e->new, &e->slots, slot);

	for (size_t row = 0; row < n_rows; row++) {
		size_t to = target.inherited || row >= e->new->book->cpus ? e->new->book->cpus
									  : row;
		uint64_t *words =
			(uint64_t *)&e->new->totals[target.slot * (e->new->book->cpus + 1) + to];
		struct wire_totals totals;

		convert_totals(e, ledger_old_copy_row(e->old, e->copy, slot, row), &totals);
		/* no cursor posts yet; but what is no CPU's row is added to when accounts close */
		for (size_t i = 0; i < TOTALS_WORDS; i++)
			__atomic_fetch_add(&words[i], ((uint64_t *)&totals)[i], __ATOMIC_RELAXED);
	}
}

/*
 * What the old cursor has open goes to what its task was at, the little that is a softirq's too; so the new
 * cursor begins at the moment of the reading.
 */
static void enter_open(struct entry *e, const struct ledger_layout *layout, const char *cpu,
		       size_t number, uint64_t open_ns)
{
	const char *frame = cpu + e->old->in_cpu.frame.offset; /* of the task */
	size_t slot = ledger_member_get(e->old->in_frame.slot, frame, 0);
	const char *name =
		ledger_layout_name(e->old->layout, "wire_class",
				   (int)ledger_member_get(e->old->in_frame.kind, frame, 0));
	int kind = name ? ledger_layout_value(layout, "wire_class", name) : -1;
	struct wire_totals *row;

	e->sum_ns += open_ns;
	if (kind == WIRE_IDLE) {
		e->new->cpus[number].idle_ns += open_ns;
		return;
	}
	if (slot < e->copy->n_slots)
		slot = target_of(e->old, e->copy, e->new, &e->slots, slot).slot;
	else
		slot = WIRE_SLOT_HOST;
	row = &e->new->totals[slot * (e->new->book->cpus + 1) + number];
	if (kind >= 0 && kind < WIRE_CLASSES)
		row->behalf_ns[WIRE_TASK * WIRE_CLASSES + kind] += open_ns;
	else
		row->own_ns += open_ns;
}

static void enter_counters(const struct entry *e, const struct ledger_layout *layout,
			   const char *cpu, struct wire_cpu *to)
{
	const struct ledger_member old = e->old->in_cpu.counters;

	for (size_t i = 0; i < old.n; i++) {
		const char *name = ledger_layout_name(e->old->layout, "wire_counter", (int)i);
		int value = name ? ledger_layout_value(layout, "wire_counter", name) : -1;

		if (value >= 0 && value < WIRE_COUNTERS)
			to->counters[value] += ledger_member_get(old, cpu, i);
	}
}

static void enter_cpu(struct entry *e, const struct ledger_layout *layout, size_t number,
		      uint64_t *begin_ns)
{
	const char *cpu = e->copy->cpus + number * e->old->cpus.value_bytes;
	const uint64_t now_ns = e->copy->now_ns[number];
	struct wire_cpu *to = &e->new->cpus[number];

	begin_ns[number] = 0;
	if (!ledger_member_get(e->old->in_cpu.started_ns, cpu, 0))
		return;
	begin_ns[number] = now_ns;
	to->idle_ns = ledger_member_get(e->old->in_cpu.idle_ns, cpu, 0);
	e->sum_ns += to->idle_ns;
	enter_open(e, layout, cpu, number, now_ns - ledger_old_posted_until(e->old, cpu));
	enter_counters(e, layout, cpu, to);
}

/*
 * The cursors say up to when they have posted, the totals how much: the same, but for what was posted between
 * two reads that no attempt got together. The totals are what is entered, so a cursor begins by that much
 * earlier or later.
 */
static void reconcile(const struct entry *e, uint64_t *begin_ns)
{
	uint64_t due_ns = 0;
	size_t some = e->old->n_cpus;

	for (size_t i = 0; i < e->old->n_cpus; i++) {
		const char *cpu = e->copy->cpus + i * e->old->cpus.value_bytes;

		if (!begin_ns[i])
			continue;
		due_ns += begin_ns[i] - ledger_member_get(e->old->in_cpu.started_ns, cpu, 0);
		some = i;
	}
	if (some < e->old->n_cpus)
		begin_ns[some] += e->sum_ns - due_ns;
}

int ledger_old_carry_books(const struct ledger_old *old, const struct ledger_new *new,
			   uint64_t *begin_ns, struct error *err)
{
	_cleanup_(cleanup_ledger_layout) struct ledger_layout *layout = NULL;
	_cleanup_(ledger_old_copy_free) struct ledger_old_copy copy = {0};
	struct entry e = {.old = old, .copy = &copy, .new = new};

	if (old->n_cpus != new->book->cpus)
		return error_set(err, EPROTO,
				 "the ledger that is on has %zu CPUs, this host has %u",
				 old->n_cpus, new->book->cpus);
	if (ledger_layout_read(new->cpus_fd, WIRE_VERSION, &layout, err) < 0)
		return -err->code;
	ledger_conversion_make(old->layout, layout, "wire_slot_info", NULL, &e.slots);
	ledger_conversion_make(old->layout, layout, "wire_totals", "behalf_ns", &e.totals);
	number_classes(&e, layout);
	if (ledger_old_copy(old, &copy, err) < 0)
		return -err->code;
	for (size_t slot = 0; slot < copy.n_slots; slot++)
		enter_slot(&e, slot);
	for (size_t number = 0; number < old->n_cpus; number++)
		enter_cpu(&e, layout, number, begin_ns);
	reconcile(&e, begin_ns);
	return 0;
}

/* The cursor of a CPU that is offline, where no program can begin it: it idles. */
static void start_idle(struct wire_cpu *cpu, uint32_t number, uint64_t begin_ns)
{
	struct wire_frame *frame = &cpu->frame[WIRE_TASK];

	frame->since = frame->entered = begin_ns;
	frame->slot = WIRE_SLOT_HOST;
	frame->kind = WIRE_IDLE;
	frame->active = 1;
	cpu->imposed_slot = WIRE_SLOT_HOST;
	cpu->number = number;
}

uint64_t ledger_old_finish(const struct ledger_old *old, const struct ledger_new *new,
			   const uint64_t *begin_ns)
{
	struct wire_book *book = new->book;
	const char *from = old->book.memory;
	const uint64_t now_ns = clock_monotonic_ns();
	uint64_t approximated_ns = 0;

	for (uint32_t number = 0; number < book->cpus; number++) {
		const char *cpu = old->cpus.memory + number * old->cpus.value_bytes;
		struct wire_cpu *to = &new->cpus[number];

		if (!begin_ns[number])
			continue;
		if (!to->started_ns)
			start_idle(to, number, begin_ns[number]);
		else if (to->frame[WIRE_TASK].kind != WIRE_IDLE)
			approximated_ns += now_ns - begin_ns[number];
		/* from here on it has the time of both */
		__atomic_store_n((uint64_t *)&to->started_ns,
				 ledger_member_get(old->in_cpu.started_ns, cpu, 0),
				 __ATOMIC_RELEASE);
	}
	book->approximated_ns =
		approximated_ns + ledger_member_get(old->in_book.approximated_ns, from, 0);
	book->upgrades = (uint32_t)ledger_member_get(old->in_book.upgrades, from, 0) + 1;
	book->misses =
		ledger_member_get(old->in_book.misses, from, 0) + ledger_pins_misses(LEDGER_PATH);
	book->from_version = old->version;
	book->started_realtime_ns = ledger_member_get(old->in_book.started_realtime_ns, from, 0);
	book->started_ns = ledger_member_get(old->in_book.started_ns, from, 0);
	return approximated_ns;
}
