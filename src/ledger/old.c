// SPDX-License-Identifier: GPL-2.0-or-later
#include "ledger/old.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strings.h"
#include "bpf/wire.h"

#define ATTEMPTS_CURSOR 64
#define ATTEMPTS_CPU 8
#define ATTEMPTS_FOLD 16
#define PAUSES 1000 /* of 100 us, for all CPUs together */
#define SLOTS_SANE (1u << 20)

/* ---- opening ---- */

static int open_map(const char *path, const char *name, struct error *err)
{
	_cleanup_free_ char *full = string_format("%s/%s", path, name);
	int fd = full ? bpf_obj_get(full) : -ENOMEM;

	return fd < 0 ? error_errno(err, -fd, "open the pinned map '%s'", full ? full : name) : fd;
}

static int map_array(int fd, const char *name, struct ledger_old_map *map, struct error *err)
{
	struct bpf_map_info info = {0};
	__u32 info_bytes = sizeof(info);
	void *memory;

	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) < 0)
		return error_errno(err, errno, "look at the pinned map '%s'", name);
	/* elements of a mappable array begin at multiples of 8 (kernel/bpf/arraymap.c) */
	map->value_bytes = (info.value_size + 7u) & ~7u;
	map->n = info.max_entries;
	map->bytes = map->value_bytes * map->n;
	memory = mmap(NULL, map->bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return error_errno(err, errno, "map the pinned map '%s'", name);
	map->memory = memory;
	return 0;
}

static int map_named(const char *path, const char *name, struct ledger_old_map *map,
		     struct error *err)
{
	_cleanup_close_ int fd = open_map(path, name, err);

	return fd < 0 ? fd : map_array(fd, name, map, err);
}

static int find_members(struct ledger_old *old, struct error *err)
{
	const struct {
		const char *type, *member;
		struct ledger_member *found;
	} needed[] = {
		{"wire_book", "started_ns", &old->in_book.started_ns},
		{"wire_book", "started_realtime_ns", &old->in_book.started_realtime_ns},
		{"wire_book", "cpus", &old->in_book.cpus},
		{"wire_book", "slots", &old->in_book.slots},
		{"wire_book", "hierarchy", &old->in_book.hierarchy},
		{"wire_book", "next_slot", &old->in_book.next_slot},
		{"wire_book", "fold_begun", &old->in_book.fold_begun},
		{"wire_book", "fold_ended", &old->in_book.fold_ended},
		{"wire_cpu", "begun", &old->in_cpu.begun},
		{"wire_cpu", "ended", &old->in_cpu.ended},
		{"wire_cpu", "started_ns", &old->in_cpu.started_ns},
		{"wire_cpu", "idle_ns", &old->in_cpu.idle_ns},
		{"wire_cpu", "hard_ns", &old->in_cpu.hard_ns},
		{"wire_cpu", "soft_ns", &old->in_cpu.soft_ns},
		{"wire_cpu", "poll_ns", &old->in_cpu.poll_ns},
		{"wire_cpu", "packet_ns", &old->in_cpu.packet_ns},
		{"wire_cpu", "frame", &old->in_cpu.frame},
		{"wire_cpu", "counters", &old->in_cpu.counters},
		{"wire_frame", "since", &old->in_frame.since},
		{"wire_frame", "entered", &old->in_frame.entered},
		{"wire_frame", "active", &old->in_frame.active},
		{"wire_frame", "slot", &old->in_frame.slot},
		{"wire_frame", "kind", &old->in_frame.kind},
		{"wire_totals", "own_ns", &old->in_totals.own_ns},
		{"wire_totals", "behalf_ns", &old->in_totals.behalf_ns},
		{"wire_slot_info", "id", &old->in_slot.id},
		{"wire_slot_info", "parent_id", &old->in_slot.parent_id},
		{"wire_slot_info", "state", &old->in_slot.state},
		{"wire_slot_info", "parent_slot", &old->in_slot.parent_slot},
	};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (ledger_layout_need(old->layout, needed[i].type, needed[i].member,
				       needed[i].found, err) < 0)
			return -err->code;
	}
	old->in_cpu.moving = ledger_layout_member(old->layout, "wire_cpu", "moving");
	old->in_book.upgrades = ledger_layout_member(old->layout, "wire_book", "upgrades");
	old->in_book.approximated_ns =
		ledger_layout_member(old->layout, "wire_book", "approximated_ns");
	old->in_book.misses = ledger_layout_member(old->layout, "wire_book", "misses");
	old->in_book.left_out = ledger_layout_member(old->layout, "wire_book", "left_out");
	return 0;
}

/* What is mapped is what the layout says: nothing is read beyond the end of it. */
static int check_sizes(const struct ledger_old *old, struct error *err)
{
	const size_t slots = ledger_member_get(old->in_book.slots, old->book.memory, 0);

	if (old->book.value_bytes < ledger_layout_size(old->layout, "wire_book") ||
	    old->cpus.value_bytes != ledger_layout_size(old->layout, "wire_cpu") ||
	    old->totals.value_bytes != ledger_layout_size(old->layout, "wire_totals") ||
	    old->slots.value_bytes != ledger_layout_size(old->layout, "wire_slot_info") ||
	    old->in_cpu.frame.n != WIRE_LEVELS ||
	    old->in_cpu.frame.bytes != ledger_layout_size(old->layout, "wire_frame") ||
	    old->n_cpus == 0 || old->cpus.n < old->n_cpus || slots <= WIRE_SLOT_FIRST ||
	    slots > SLOTS_SANE || old->slots.n < slots || old->totals.n < slots * (old->n_cpus + 1))
		return error_set(err, EPROTO,
				 "the books of the ledger that is on (layout %u) are not as they "
				 "say; 'behalf ledger off' gives them up",
				 old->version);
	return 0;
}

int ledger_old_map_all(struct ledger_old *old, const char *path, struct error *err)
{
	const uint32_t *head;

	old->book_fd = open_map(path, "book", err);
	if (old->book_fd < 0)
		return old->book_fd;
	if (map_array(old->book_fd, "book", &old->book, err) < 0)
		return -err->code;
	head = (const uint32_t *)old->book.memory;
	if (head[0] != WIRE_MAGIC)
		return error_set(err, EPROTO, "'%s/book' is no book of behalf", path);
	old->version = head[1];
	if (map_named(path, "cpus", &old->cpus, err) < 0 ||
	    map_named(path, "totals", &old->totals, err) < 0 ||
	    map_named(path, "slots", &old->slots, err) < 0 ||
	    ledger_layout_read(old->book_fd, old->version, &old->layout, err) < 0 ||
	    find_members(old, err) < 0)
		return -err->code;
	old->n_cpus = ledger_member_get(old->in_book.cpus, old->book.memory, 0);
	return check_sizes(old, err);
}

/* ---- reading ---- */

/* Reads one word of the shared memory, in order. */
static uint64_t load(struct ledger_member member, const char *object)
{
	const char *at = object + member.offset;

	return member.bytes == 8 ? __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE)
				 : __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}

const char *ledger_old_copy_row(const struct ledger_old *old, const struct ledger_old_copy *copy,
				size_t slot, size_t row)
{
	return copy->totals + (slot * copy->n_rows + row) * old->totals.value_bytes;
}

const char *ledger_old_copy_slot(const struct ledger_old *old, const struct ledger_old_copy *copy,
				 size_t slot)
{
	return copy->slots + slot * old->slots.value_bytes;
}

static void copy_row(const struct ledger_old *old, struct ledger_old_copy *copy, size_t row)
{
	for (size_t slot = 0; slot < copy->n_slots; slot++) {
		size_t at = (slot * copy->n_rows + row) * old->totals.value_bytes;

		memcpy(copy->totals + at, old->totals.memory + at, old->totals.value_bytes);
	}
}

/* Copies the cursor; false when it moved meanwhile, or is half way. */
static bool copy_cursor(const struct ledger_old *old, struct ledger_old_copy *copy, size_t number,
			uint64_t *ended)
{
	const char *cpu = old->cpus.memory + number * old->cpus.value_bytes;
	char *to = copy->cpus + number * old->cpus.value_bytes;
	bool moving = false;

	*ended = load(old->in_cpu.ended, cpu);
	for (size_t i = 0; i < old->in_cpu.moving.n; i++)
		moving |= ledger_member_get(old->in_cpu.moving, cpu, i) != 0;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	memcpy(to, cpu, old->cpus.value_bytes);
	copy->now_ns[number] = clock_monotonic_ns();
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !moving && load(old->in_cpu.begun, cpu) == *ended;
}

/* False: there are none left. */
static bool pause_once(unsigned int *pauses)
{
	const struct timespec pause = {.tv_nsec = 100000};

	if (*pauses == 0)
		return false;
	--*pauses;
	nanosleep(&pause, NULL);
	return true;
}

/* Tries until it is whole; waits for a CPU that stands half way, as ledger/reading.h tells. */
static uint64_t copy_whole_cursor(const struct ledger_old *old, struct ledger_old_copy *copy,
				  size_t number, unsigned int *pauses)
{
	uint64_t ended;

	do {
		for (int i = 0; i < ATTEMPTS_CURSOR; i++)
			if (copy_cursor(old, copy, number, &ended))
				return ended;
	} while (pause_once(pauses));
	return ended;
}

/* The cursor and the row of one CPU, at one moment if that can be had. */
static void copy_cpu(const struct ledger_old *old, struct ledger_old_copy *copy, size_t number,
		     unsigned int *pauses)
{
	const char *cpu = old->cpus.memory + number * old->cpus.value_bytes;

	for (int attempt = 0; attempt < ATTEMPTS_CPU; attempt++) {
		uint64_t ended = copy_whole_cursor(old, copy, number, pauses);

		copy_row(old, copy, number);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (load(old->in_cpu.begun, cpu) == ended)
			return;
	}
}

/* Waits while closed accounts are folded. Returns how often they were, to be held against fold_begun afterwards. */
static uint64_t folds_ended(const struct ledger_old *old, unsigned int *pauses)
{
	uint64_t folds;

	do
		folds = load(old->in_book.fold_ended, old->book.memory);
	while (load(old->in_book.fold_begun, old->book.memory) != folds && pause_once(pauses));
	return folds;
}

int ledger_old_copy(const struct ledger_old *old, struct ledger_old_copy *out, struct error *err)
{
	const size_t slots = ledger_member_get(old->in_book.slots, old->book.memory, 0);
	struct ledger_old_copy copy = {.n_rows = old->n_cpus + 1};
	unsigned int pauses = PAUSES;

	copy.n_slots = load(old->in_book.next_slot, old->book.memory);
	if (copy.n_slots > slots)
		copy.n_slots = slots;
	copy.cpus = calloc(old->n_cpus, old->cpus.value_bytes);
	copy.now_ns = calloc(old->n_cpus, sizeof(*copy.now_ns));
	copy.totals = calloc(copy.n_slots * copy.n_rows, old->totals.value_bytes);
	copy.slots = calloc(copy.n_slots, old->slots.value_bytes);
	if (!copy.cpus || !copy.now_ns || !copy.totals || !copy.slots) {
		ledger_old_copy_free(&copy);
		return error_oom(err);
	}
	for (int attempt = 0; attempt < ATTEMPTS_FOLD; attempt++) {
		uint64_t folds = folds_ended(old, &pauses);

		for (size_t number = 0; number < old->n_cpus; number++)
			copy_cpu(old, &copy, number, &pauses);
		copy_row(old, &copy, old->n_cpus);
		memcpy(copy.slots, old->slots.memory, copy.n_slots * old->slots.value_bytes);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (load(old->in_book.fold_begun, old->book.memory) == folds)
			break;
	}
	*out = copy;
	return 0;
}

void ledger_old_copy_free(struct ledger_old_copy *copy)
{
	free(copy->cpus);
	free(copy->now_ns);
	free(copy->totals);
	free(copy->slots);
	*copy = (struct ledger_old_copy){0};
}

uint64_t ledger_old_posted_until(const struct ledger_old *old, const char *cpu)
{
	const char *frames = cpu + old->in_cpu.frame.offset;
	uint64_t until_ns = ledger_member_get(old->in_frame.since, frames, 0) +
			    ledger_member_get(old->in_cpu.hard_ns, cpu, 0) +
			    ledger_member_get(old->in_cpu.soft_ns, cpu, 0);

	for (size_t level = WIRE_TASK + 1; level < WIRE_LEVELS; level++) {
		const char *frame = frames + level * old->in_cpu.frame.bytes;

		if (ledger_member_get(old->in_frame.active, frame, 0))
			until_ns += ledger_member_get(old->in_frame.since, frame, 0) -
				    ledger_member_get(old->in_frame.entered, frame, 0);
	}
	return until_ns - ledger_member_get(old->in_cpu.poll_ns, cpu, 0) -
	       ledger_member_get(old->in_cpu.packet_ns, cpu, 0);
}
