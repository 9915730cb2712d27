// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/burst_round.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"

#define LOOK_NS 30000000000ull	  /* between two looks at which disks there are, */
#define COUNT_NS 500000000ull	  /* at what one has done, */
#define AGAIN_NS 1000000000ull	  /* and at whether what was set is still there */
#define RELEASE_NS 60000000000ull /* without work in the way, after which a disk is let go */

#define WHOLE 0.9 /* of its CPUs: with less reserved one shares them, and waits for others anyway */
/* Of a CPU, for what a disk has completed: less is in nobody's way; and, as its requests are bounded, less than that. */
#define BUSY 0.002
#define STILL_BUSY 0.0005

struct burst_watch {
	struct burst_disk disk;
	uint64_t counted_ns, requests, kib; /* so far, as of the last count */
	double busy;	 /* what it has completed since the one before, in CPUs */
	uint64_t hot_ns; /* when it was last in the way */
	uint64_t due_ns;
	bool held; /* as was told */
};

/* ---- whose CPUs ---- */

struct wanted {
	struct cpus whole; /* reserved nearly whole by somebody, */
	struct cpus asked; /* and work of others is in the way there now */
};

static void add_cpus(struct cpus *all, const struct cpus *some, unsigned int n_cpus)
{
	for (unsigned int cpu = 0; cpu < n_cpus; cpu++) {
		if (cpus_has(some, cpu))
			cpus_add(all, cpu);
	}
}

static struct wanted what_is_wanted(const struct roster *roster, bool ledger_on)
{
	struct wanted wanted = {0};

	for (size_t i = 0; i < roster->control.n; i++) {
		const struct control_workspace *w = &roster->control.workspaces[i];
		unsigned int reserve = w->terms.reserve_mcores;

		if (w->gone || !reserve || reserve < WHOLE * 1000 * cpus_count(&w->cpus))
			continue;
		add_cpus(&wanted.whole, &w->cpus, roster->n_cpus);
		if (ledger_on)
			add_cpus(&wanted.asked, &w->disturbed, roster->n_cpus);
	}
	return wanted;
}

static bool meet(const struct cpus *a, const struct cpus *b)
{
	const struct cpus both = cpus_intersect(a, b);

	return cpus_count(&both) > 0;
}

/* ---- disks ---- */

static struct burst_watch *watch_of(const struct burst_round *round, const char *name)
{
	for (size_t i = 0; i < round->n; i++) {
		if (strcmp(round->disks[i].disk.at.name, name) == 0)
			return &round->disks[i];
	}
	return NULL;
}

static int add_disk(struct burst_round *round, const struct disk_interrupts *at)
{
	struct burst_watch *grown = realloc(round->disks, (round->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	round->disks = grown;
	grown[round->n++] = (struct burst_watch){.disk.at = *at};
	return 0;
}

/* What is known of one goes on; one whose interrupts are elsewhere by now comes to no CPU, and is let go. */
static int take_up(struct burst_round *round, const struct disk_interrupts *found, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < round->n; i++)
		round->disks[i].disk.at.cpus = (struct cpus){0};
	for (size_t i = 0; i < n && r == 0; i++) {
		struct burst_watch *known = watch_of(round, found[i].name);

		if (known)
			known->disk.at = found[i];
		else
			r = add_disk(round, &found[i]);
	}
	return r;
}

/* The same of one that a killed keeper has bounded, and that is not found any more. */
static int take_up_left(struct burst_round *round, const struct book *book)
{
	int r = 0;

	for (size_t i = 0; book && i < book_entries(book) && r == 0; i++) {
		const struct found found = book_entry(book, i);
		struct disk_interrupts at;

		if (burst_disk_of(&found, &at) && !watch_of(round, at.name))
			r = add_disk(round, &at);
	}
	return r;
}

static void look(struct burst_round *round, const struct writer *writer, uint64_t now_ns)
{
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ struct disk_interrupts *found = NULL;
	struct error err = {0};
	size_t n;
	int r = root < 0 ? -errno : disk_interrupts_find(root, &found, &n, &err);

	if (r == 0)
		r = take_up(round, found, n);
	if (r == 0)
		r = take_up_left(round, writer->book);
	if (r < 0 && !round->looked)
		log_warning("disks whose work may be in the way are not looked for: %s",
			    strerror(-r));
	round->looked = true;
	round->look_due_ns = now_ns + LOOK_NS;
}

/* Documentation/block/stat.rst: reads, merged, sectors, ms, writes, merged, sectors, ms, ... flushes. */
static bool read_done(const char *name, uint64_t *requests, uint64_t *kib)
{
	_cleanup_free_ char *path = string_format("/sys/block/%s/stat", name), *text = NULL;
	uint64_t reads, read, writes, written, flushes = 0;

	if (!path || file_read_at(AT_FDCWD, path, 4096, &text, NULL, NULL) < 0 ||
	    sscanf(text,
		   "%" SCNu64 "%*u %" SCNu64 "%*u %" SCNu64 "%*u %" SCNu64
		   "%*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
		   &reads, &read, &writes, &written, &flushes) < 4)
		return false;
	*requests = reads + writes + flushes;
	*kib = (read + written) / 2;
	return true;
}

static void count(struct burst_watch *watch, uint64_t now_ns)
{
	uint64_t requests, kib;
	double seconds = (double)(now_ns - watch->counted_ns) / 1e9;

	if (now_ns - watch->counted_ns < COUNT_NS)
		return;
	watch->busy = 0;
	if (!read_done(watch->disk.at.name, &requests, &kib))
		return;
	/* one after a pause begins */
	if (watch->counted_ns && seconds < 4e-9 * COUNT_NS && requests >= watch->requests &&
	    kib >= watch->kib)
		watch->busy = burst_cost_s(requests - watch->requests, kib - watch->kib) / seconds;
	watch->requests = requests;
	watch->kib = kib;
	watch->counted_ns = now_ns;
}

/* ---- telling ---- */

static void add_values(struct json_object *o, const struct burst_watch *watch,
		       const struct writer *writer)
{
	static const char *const keys[BURST_SETTINGS] = {"max_sectors_kb", "nr_requests"};
	struct json_object *found = NULL;

	for (enum burst_setting i = 0; i < BURST_SETTINGS; i++) {
		struct burst_held held = burst_held(writer, &watch->disk, i);

		if (!held.held)
			continue;
		if (!found)
			found = json_add_object(o, "found");
		json_add_u64(o, keys[i], held.set);
		json_add_u64(found, keys[i], held.found);
	}
}

void burst_round_tell(const struct burst_round *round, const struct writer *writer,
		      struct json_object *list)
{
	for (size_t i = 0; i < round->n; i++) {
		const struct burst_watch *watch = &round->disks[i];
		_cleanup_free_ char *cpus = cpus_format(&watch->disk.at.cpus);
		struct json_object *o;

		if (!watch->held)
			continue;
		o = json_object_new_object();
		json_add_string(o, "disk", watch->disk.at.name);
		json_add_string(o, "cpus", cpus);
		json_add_double(o, "busy", watch->busy);
		add_values(o, watch, writer);
		json_object_array_add(list, o);
	}
}

static void tell(struct burst_watch *watch, const struct writer *writer, struct events *events)
{
	bool held = burst_is_held(writer, &watch->disk);
	_cleanup_free_ char *cpus = NULL, *text = NULL;
	struct json_object *o;

	/* while one writes it is neither the one nor the other */
	if (watch->disk.child || held == watch->held)
		return;
	watch->held = held;
	cpus = cpus_format(&watch->disk.at.cpus);
	o = events_new();
	json_add_string(o, "disk", watch->disk.at.name);
	json_add_string(o, "state", held ? "bounded" : "free");
	json_add_string(o, "cpus", cpus);
	add_values(o, watch, writer);
	text = string_format(
		held ? "disk %s: its requests are smaller and fewer, since it completes them on a CPU that is reserved"
		     : "disk %s: its requests are as they were",
		watch->disk.at.name);
	events_add(events, o, text ? text : watch->disk.at.name);
}

/* ---- the round ---- */

static void step(struct burst_watch *watch, struct writer *writer, const struct wanted *wanted,
		 const struct burst_bounds *bounds, uint64_t now_ns)
{
	bool whole = meet(&watch->disk.at.cpus, &wanted->whole);
	struct error err = {0};
	bool hold;

	if (meet(&watch->disk.at.cpus, &wanted->asked))
		count(watch, now_ns);
	else
		watch->busy = 0;
	/* what one that was killed has left is held as if by this one, from now on */
	if (watch->busy >= (watch->held ? STILL_BUSY : BUSY) ||
	    (!watch->hot_ns && burst_is_held(writer, &watch->disk)))
		watch->hot_ns = now_ns;
	hold = bounds && whole && watch->hot_ns && now_ns - watch->hot_ns < RELEASE_NS;
	if (now_ns < watch->due_ns)
		return;
	if (!hold && !watch->disk.child && !burst_is_held(writer, &watch->disk)) {
		burst_forget_others(&watch->disk);
		return;
	}
	watch->due_ns = now_ns + AGAIN_NS;
	if ((hold ? burst_hold(writer, &watch->disk, bounds, &err)
		  : burst_let_go(writer, &watch->disk, &err)) < 0 &&
	    err.code)
		log_warning("the requests of disk '%s' cannot be bounded: %s", watch->disk.at.name,
			    err.text);
}

void burst_round(struct burst_round *round, struct writer *writer, const struct roster *roster,
		 struct events *events, bool ledger_on, uint64_t now_ns)
{
	struct burst_bounds bounds =
		burst_bounds(round->most_us > 0 ? (unsigned int)round->most_us : BURST_MOST_US);
	struct wanted wanted;

	if (now_ns >= round->look_due_ns)
		look(round, writer, now_ns);
	if (round->n == 0)
		return;
	wanted = what_is_wanted(roster, ledger_on);
	for (size_t i = 0; i < round->n; i++) {
		step(&round->disks[i], writer, &wanted, round->most_us < 0 ? NULL : &bounds,
		     now_ns);
		tell(&round->disks[i], writer, events);
	}
}

void burst_round_clear(struct burst_round *round)
{
	uint64_t due_ns = clock_monotonic_ns() + BURST_WAIT_NS;

	for (size_t i = 0; i < round->n; i++)
		burst_end(&round->disks[i].disk, due_ns);
	free(round->disks);
	round->disks = NULL;
	round->n = 0;
}
