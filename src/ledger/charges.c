// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each slot of the ledger is given a seat: whose it is of the watched cgroups, found once by the path of its
 * cgroup, and looked up again only when the slot has got another id. A reading then copies the rows of
 * seated slots, closes the CPUs' open intervals as ledger/books.c does, and adds up.
 */
#include "ledger/charges.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "ledger/cgroups.h"
#include "ledger/hierarchy.h"
#include "ledger/pinned.h"
#include "ledger/pins.h"
#include "ledger/reading.h"

#define ATTEMPTS_CPU 4
#define ATTEMPTS_FOLD 16
/* of a round that comes ten times a second; what was missing once is in the next reading */
#define PATIENCE_NS 20000000u
#define SLOTS_TO_COME 64 /* opened while the books are read */
#define REQUESTS_AT_ONCE 1024

struct seat {
	uint64_t id; /* of the cgroup that it was found for, 0: not yet */
	size_t who;  /* index of a watched cgroup, or their number */
};

/* What one is charged, the one around it is charged too. */
struct nested {
	size_t inner, outer;
	size_t length; /* of the inner's path */
};

struct ledger_charges {
	struct ledger_pinned pinned;
	struct ledger_hierarchy hierarchy;
	int mount;
	dev_t book_dev;
	ino_t book_ino;
	char **paths;
	size_t n;
	struct nested *nested; /* watched cgroups in others, innermost first */
	size_t n_nested;
	struct seat *seats;	       /* by slot */
	struct ledger_charge *charges; /* n + 1 */
	uint64_t *cpu_ns;	       /* n + 1 rows of CPUs */
	struct reading *reading;
};

static int stat_book(dev_t *dev, ino_t *ino)
{
	struct stat st;

	if (stat(LEDGER_PATH "/book", &st) < 0)
		return -errno;
	*dev = st.st_dev;
	*ino = st.st_ino;
	return 0;
}

static int open_all(struct ledger_charges *c, struct error *err)
{
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	/* first: when another ledger is published meanwhile, the first reading finds out */
	if (stat_book(&c->book_dev, &c->book_ino) < 0)
		return error_set(err, ENOENT,
				 "the ledger is off (behalf ledger on switches it on)");
	r = ledger_pinned_open(&c->pinned, err);
	if (r == 0)
		r = ledger_hierarchy_find(proc, &c->hierarchy, err);
	if (r < 0)
		return r;
	if (c->hierarchy.mount)
		c->mount = open(c->hierarchy.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->seats = calloc(c->pinned.book->slots, sizeof(*c->seats));
	c->reading = calloc(1, sizeof(*c->reading));
	if (!c->seats || !c->reading)
		return error_oom(err);
	c->reading->totals = aligned_alloc(64, c->pinned.book->slots * sizeof(*c->reading->totals));
	if (!c->reading->totals)
		return error_oom(err);
	return ledger_charges_watch(c, NULL, 0, err);
}

int ledger_charges_open(struct ledger_charges **charges, struct error *err)
{
	_cleanup_(cleanup_ledger_charges) struct ledger_charges *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return error_oom(err);
	c->pinned = (struct ledger_pinned)LEDGER_PINNED_CLOSED;
	c->mount = -EBADF;
	r = open_all(c, err);
	if (r < 0)
		return r;
	*charges = take_ptr(c);
	return 0;
}

void ledger_charges_close(struct ledger_charges *c)
{
	if (!c)
		return;
	ledger_pinned_close(&c->pinned);
	ledger_hierarchy_free(&c->hierarchy);
	cleanup_close(&c->mount);
	strv_free(c->paths);
	free(c->seats);
	free(c->nested);
	free(c->charges);
	free(c->cpu_ns);
	if (c->reading)
		free(c->reading->totals);
	free(c->reading);
	free(c);
}

void cleanup_ledger_charges(struct ledger_charges **charges)
{
	ledger_charges_close(*charges);
}

unsigned int ledger_charges_cpus(const struct ledger_charges *c)
{
	return c->pinned.book->cpus;
}

int ledger_charges_irq_time(const struct ledger_charges *c)
{
	return c->pinned.book->irq_time != 0;
}

static bool is_in(const char *path, const char *cgroup)
{
	size_t length = strlen(cgroup);

	return strncmp(path, cgroup, length) == 0 && (path[length] == '/' || !path[length]);
}

/* The watched cgroup that PATH is in, the innermost one; their number: none. */
static size_t find_watched(const struct ledger_charges *c, const char *path)
{
	size_t found = c->n;

	for (size_t i = 0; i < c->n; i++) {
		if (is_in(path, c->paths[i]) &&
		    (found == c->n || strlen(c->paths[i]) > strlen(c->paths[found])))
			found = i;
	}
	return found;
}

static int compare_nested(const void *a, const void *b)
{
	const struct nested *x = a, *y = b;

	return (x->length < y->length) - (x->length > y->length);
}

static int find_nested(struct ledger_charges *c, struct error *err)
{
	struct nested *nested = calloc(c->n + 1, sizeof(*nested));

	if (!nested)
		return error_oom(err);
	free(c->nested);
	c->nested = nested;
	c->n_nested = 0;
	for (size_t i = 0; i < c->n; i++) {
		_cleanup_free_ char *parent = strdup(c->paths[i]);
		char *slash = parent ? strrchr(parent, '/') : NULL;
		size_t outer;

		if (!slash)
			return error_oom(err);
		*slash = '\0';
		outer = find_watched(c, parent);
		if (outer < c->n)
			nested[c->n_nested++] = (struct nested){i, outer, strlen(c->paths[i])};
	}
	qsort(nested, c->n_nested, sizeof(*nested), compare_nested);
	return 0;
}

int ledger_charges_watch(struct ledger_charges *c, const char *const *paths, size_t n,
			 struct error *err)
{
	const size_t cpus = c->pinned.book->cpus;
	_cleanup_free_ struct ledger_charge *charges = calloc(n + 1, sizeof(*charges));
	_cleanup_free_ uint64_t *cpu_ns = calloc((n + 1) * cpus, sizeof(*cpu_ns));
	_cleanup_strv_ char **copies = NULL;

	if (!charges || !cpu_ns)
		return error_oom(err);
	for (size_t i = 0; i < n; i++) {
		if (strv_append(&copies, paths[i]) < 0)
			return error_oom(err);
	}
	for (size_t i = 0; i <= n; i++)
		charges[i].behalf_cpu_ns = &cpu_ns[i * cpus];
	free(c->charges);
	free(c->cpu_ns);
	strv_free(c->paths);
	c->charges = take_ptr(charges);
	c->cpu_ns = take_ptr(cpu_ns);
	c->paths = take_ptr(copies);
	c->n = n;
	memset(c->seats, 0, c->pinned.book->slots * sizeof(*c->seats));
	return find_nested(c, err);
}

static uint32_t slots_in_use(const struct ledger_charges *c)
{
	const struct wire_book *book = c->pinned.book;
	uint32_t n = __atomic_load_n(&book->next_slot, __ATOMIC_ACQUIRE);

	return n < book->slots ? n : book->slots;
}

/* Whose a slot is. One that closed keeps its seat until it is another's: its total is still there. */
static void find_seats(struct ledger_charges *c)
{
	const uint32_t n_slots = slots_in_use(c);

	for (uint32_t slot = WIRE_SLOT_FIRST; slot < n_slots; slot++) {
		const struct wire_slot_info *info = &c->pinned.slots[slot];
		uint64_t id = __atomic_load_n(&info->id, __ATOMIC_ACQUIRE);
		_cleanup_free_ char *path = NULL;

		if (!id || id == c->seats[slot].id || info->state != WIRE_OPEN)
			continue;
		path = ledger_slot_path(c->mount, c->hierarchy.mount, c->pinned.slots, n_slots,
					slot);
		if (path)
			c->seats[slot] = (struct seat){id, find_watched(c, path)};
	}
}

/* Seats of a slot that is nobody's any more count for nobody. */
static size_t seat_of(const struct ledger_charges *c, uint32_t slot)
{
	const struct wire_slot_info *info = &c->pinned.slots[slot];

	if (slot < WIRE_SLOT_FIRST || c->seats[slot].id != info->id || info->state == WIRE_FREE)
		return c->n;
	return c->seats[slot].id ? c->seats[slot].who : c->n;
}

static void add_row(struct ledger_charge *to, const struct wire_totals *row, uint64_t *cpu_ns)
{
	uint64_t behalf_ns = 0;

	for (size_t i = 0; i < (size_t)WIRE_LEVELS * WIRE_CLASSES; i++)
		behalf_ns += row->behalf_ns[i];
	to->own_ns += row->own_ns;
	to->behalf_ns += behalf_ns;
	to->imposed_ns += row->imposed_soft_ns + row->imposed_hard_ns;
	if (cpu_ns)
		*cpu_ns += behalf_ns;
}

static void read_once(struct ledger_charges *c)
{
	const struct ledger_pinned *p = &c->pinned;
	const uint32_t cpus = p->book->cpus;

	memset(c->cpu_ns, 0, (c->n + 1) * cpus * sizeof(*c->cpu_ns));
	for (size_t i = 0; i <= c->n; i++)
		c->charges[i] =
			(struct ledger_charge){.behalf_cpu_ns = c->charges[i].behalf_cpu_ns};
	for (uint32_t number = 0; number < cpus; number++) {
		read_cpu(p, number, c->reading);
		if (!c->reading->cpu.started_ns)
			continue;
		for (uint32_t slot = 0; slot < c->reading->n_slots; slot++) {
			struct ledger_charge *to = &c->charges[seat_of(c, slot)];

			add_row(to, &c->reading->totals[slot], &to->behalf_cpu_ns[number]);
		}
	}
	for (uint32_t slot = 0; slot < c->reading->n_slots; slot++)
		add_row(&c->charges[seat_of(c, slot)], &p->totals[slot * (cpus + 1) + cpus], NULL);
}

static void add_nested(struct ledger_charges *c)
{
	for (size_t i = 0; i < c->n_nested; i++) {
		const struct ledger_charge *inner = &c->charges[c->nested[i].inner];
		struct ledger_charge *outer = &c->charges[c->nested[i].outer];

		outer->own_ns += inner->own_ns;
		outer->behalf_ns += inner->behalf_ns;
		outer->imposed_ns += inner->imposed_ns;
		for (uint32_t cpu = 0; cpu < c->pinned.book->cpus; cpu++)
			outer->behalf_cpu_ns[cpu] += inner->behalf_cpu_ns[cpu];
	}
}

int ledger_charges_read(struct ledger_charges *c, struct error *err)
{
	const struct wire_book *book = c->pinned.book;
	dev_t dev;
	ino_t ino;

	if (stat_book(&dev, &ino) < 0 || dev != c->book_dev || ino != c->book_ino)
		return error_set(err, ESTALE, "the ledger has been switched off");
	find_seats(c);
	c->reading->n_slots = slots_in_use(c) + SLOTS_TO_COME;
	if (c->reading->n_slots > book->slots)
		c->reading->n_slots = book->slots;
	c->reading->attempts = ATTEMPTS_CPU;
	c->reading->patience_ns = PATIENCE_NS;
	c->reading->waited_ns = 0;
	for (int i = 0; i < ATTEMPTS_FOLD; i++) {
		uint32_t folds = reading_folds(book, c->reading);

		read_once(c);
		if (__atomic_load_n(&book->fold_begun, __ATOMIC_ACQUIRE) == folds)
			break;
	}
	add_nested(c);
	return 0;
}

static void count_requests(const struct ledger_charges *c, const struct owner_note *notes, size_t n,
			   uint32_t *requests)
{
	for (size_t i = 0; i < n; i++) {
		size_t who;

		if (notes[i].kind != WIRE_BLOCK || notes[i].slot >= c->pinned.book->slots ||
		    notes[i].id != c->pinned.slots[notes[i].slot].id)
			continue;
		who = seat_of(c, notes[i].slot);
		if (who < c->n)
			requests[who]++;
	}
}

void ledger_charges_requests(struct ledger_charges *c, uint32_t *requests)
{
	uint64_t keys[REQUESTS_AT_ONCE], from = 0;
	struct owner_note notes[REQUESTS_AT_ONCE];
	bool first = true;
	int r = 0;

	memset(requests, 0, c->n * sizeof(*requests));
	while (c->pinned.requests >= 0 && r == 0) {
		__u32 n = REQUESTS_AT_ONCE;

		r = bpf_map_lookup_batch(c->pinned.requests, first ? NULL : &from, &from, keys,
					 notes, &n, NULL);
		/* -ENOENT: these are the last */
		if (r == 0 || r == -ENOENT)
			count_requests(c, notes, n, requests);
		first = false;
	}
	for (size_t i = 0; i < c->n_nested; i++)
		requests[c->nested[i].outer] += requests[c->nested[i].inner];
}

const struct ledger_charge *ledger_charges_of(const struct ledger_charges *c, size_t i)
{
	return &c->charges[i];
}
