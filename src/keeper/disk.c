// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An entry is a workspace on a disk. There is one for each disk that somebody has reserved something of, and each
 * workspace that is in the io controller, and for each workspace and disk that it has a limit of.
 */
#include "keeper/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/disk_control.h"
#include "keeper/disk_counts.h"
#include "keeper/rate.h"

#define LOOK_NS 250000000ull
#define PAST 5 /* looks: over a second */

/*
 * One who has its requests done while it does something else waits for no disk, and wants it all the same: there is
 * something under way whenever one looks. Of one that does little, there is not for so many looks.
 */
#define BUSY_LOOKS 3
#define BUSY_MOST 4

/* Of a time in which some thread waited for the disk, what is not by chance. */
#define WAITED_PART 0.05
#define WAITS_LOOKS 4
#define LACKS_BELOW 0.97
#define AT_LIMIT 0.5 /* of a limit that is used is one that may be in the way */
/* A change of a cap that is worth a write. */
#define CHANGE 0.05

struct disk_entry {
	char *directory;
	struct standing_disk disk;
	size_t i; /* in the roster */
	struct disk_user user;
	double drain; /* below which its own limit of writes is not to hold it now; 0: the limit holds */
	struct standing_caps set;
	/* the last looks */
	struct disk_counts past[PAST];
	uint64_t past_ns[PAST];
	unsigned int looks;
	uint64_t waited_ns;
	unsigned int waits; /* looks for which one that was seen to wait counts */
	unsigned int busy;  /* looks at which something was under way, less those without */
	bool wants, gone;
	unsigned int standing_writes; /* of what stands, when it was looked at last */
	bool again;		      /* limits may have been written over the cap */
	bool told;		      /* that it cannot be capped */
	struct rate_truth truths[DISK_TERMS][TERMS_ACCESSES];
};

static void entry_clear(struct disk_entry *e)
{
	free(e->directory);
	*e = (struct disk_entry){0};
}

void disks_clear(struct disks *disks)
{
	for (size_t i = 0; i < disks->n; i++)
		entry_clear(&disks->entries[i]);
	free(disks->entries);
	*disks = (struct disks){0};
}

/* ---- which there are ---- */

static bool reserves(const struct terms_disk *disk)
{
	for (int access = 0; access < TERMS_ACCESSES; access++) {
		if (disk->flow[access].reserve_bytes || disk->flow[access].reserve_iops)
			return true;
	}
	return false;
}

static bool any_terms(const struct roster *roster)
{
	for (size_t i = 0; i < roster->control.n; i++) {
		if (roster->items[i].terms.n_disks)
			return true;
	}
	return false;
}

static struct disk_entry *find(const struct disks *disks, const char *directory, const char *number)
{
	for (size_t i = 0; i < disks->n; i++) {
		struct disk_entry *e = &disks->entries[i];

		/* those that are taken over have none any more */
		if (e->directory && strcmp(e->directory, directory) == 0 &&
		    strcmp(e->disk.number, number) == 0)
			return e;
	}
	return NULL;
}

/* NULL: none. Whoever has changed a limit has written it where the cap was. */
static void take_terms(struct disk_entry *e, const struct terms_disk *terms)
{
	const struct terms_disk none = {0}, *now = terms ? terms : &none;

	e->again |= memcmp(now, &e->disk.terms, sizeof(*now)) != 0;
	e->disk.terms = *now;
}

/* TERMS NULL: it has none of this disk. */
static int add(struct disks *next, struct disks *disks, const struct roster *roster, size_t i,
	       const char *number, const struct terms_disk *terms)
{
	const char *directory = roster->items[i].directory;
	struct disk_entry *e = find(next, directory, number), *known, *more;

	if (e) {
		if (terms)
			take_terms(e, terms);
		return 0;
	}
	more = realloc(next->entries, (next->n + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	next->entries = more;
	e = &more[next->n];
	*e = (struct disk_entry){0};
	known = find(disks, directory, number);
	if (known) {
		*e = *known;
		known->directory = NULL;
	} else {
		e->directory = strdup(directory);
		strncpy(e->disk.number, number, sizeof(e->disk.number) - 1);
	}
	if (!e->directory)
		return -ENOMEM;
	take_terms(e, terms);
	e->i = i;
	next->n++;
	return 0;
}

static bool is_first_of_disk(const struct disks *disks, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (strcmp(disks->entries[j].disk.number, disks->entries[i].disk.number) == 0)
			return false;
	}
	return true;
}

/* Everybody is on a disk of which something is reserved. */
static int add_everybody(struct disks *next, struct disks *disks, const struct roster *roster,
			 const char *number)
{
	int r = 0;

	for (size_t i = 0; i < roster->control.n && r == 0; i++) {
		if (roster->items[i].standing.io.directory)
			r = add(next, disks, roster, i, number, NULL);
	}
	return r;
}

static int add_of(struct disks *next, struct disks *disks, const struct roster *roster, size_t i)
{
	const struct roster_entry *entry = &roster->items[i];
	int r = 0;

	for (unsigned int d = 0; d < entry->terms.n_disks && r == 0; d++) {
		const struct terms_disk *terms = &entry->terms.disks[d];
		struct standing_disk disk;

		if (!entry->standing.io.directory ||
		    standing_find_disk(terms->device, &disk, NULL) < 0)
			continue;
		r = add(next, disks, roster, i, disk.number, terms);
		if (r == 0 && reserves(terms))
			r = add_everybody(next, disks, roster, disk.number);
	}
	return r;
}

static void release(struct disk_entry *e, struct writer *writer, const struct roster *roster);

/* Of those that are no more, caps go; what their terms were is no more either. */
static void let_go(struct disks *disks, struct writer *writer, const struct roster *roster)
{
	for (size_t i = 0; i < disks->n; i++) {
		struct disk_entry *e = &disks->entries[i];

		for (size_t w = 0; e->directory && w < roster->control.n; w++) {
			if (strcmp(roster->items[w].directory, e->directory) != 0)
				continue;
			e->i = w;
			e->disk.terms = (struct terms_disk){0};
			release(e, writer, roster);
		}
	}
}

/*
 * v1 counts only where something is throttled (block/blk-throttle.c, blk_throtl_init, since 6.10 on the first
 * configuration of a disk): one that is beyond any disk, and taken back at once, is enough.
 */
static void have_counted(struct disk_entry *e, struct writer *writer, const struct roster *roster)
{
	const struct standing_caps beyond = {.cap = {1e15, 1e15}}, none = {0};
	const struct roster_entry *entry = &roster->items[e->i];

	if (entry->standing.io.version != 1 || writer->dry)
		return;
	standing_cap_disk(writer, entry->called, &entry->standing, &e->disk, &beyond, NULL);
	standing_cap_disk(writer, entry->called, &entry->standing, &e->disk, &none, NULL);
}

static int follow_roster(struct disks *disks, struct writer *writer, const struct roster *roster)
{
	struct disks next = {.generation = roster->generation, .due_ns = disks->due_ns};
	int r = 0;

	if (disks->generation == roster->generation)
		return 0;
	for (size_t i = 0; i < roster->control.n && r == 0; i++)
		r = add_of(&next, disks, roster, i);
	let_go(disks, writer, roster);
	disks_clear(disks);
	*disks = next;
	if (r < 0)
		disks->generation = 0; /* to be tried again */
	for (size_t i = 0; i < disks->n; i++) {
		if (!disks->entries[i].looks && is_first_of_disk(disks, i))
			have_counted(&disks->entries[i], writer, roster);
	}
	return r;
}

/* ---- looking ---- */

static void see_wants(struct disk_entry *e, const struct roster_entry *entry, uint64_t elapsed_ns)
{
	uint64_t waited_ns;

	if (entry->requests)
		e->busy += e->busy < BUSY_MOST;
	else
		e->busy -= e->busy > 0;
	if (disk_counts_waited_ns(entry->standing.pressure_directory, &waited_ns) < 0) {
		/* a moment's sample: a fast disk is waited for in most of them, and not in all */
		if (disk_counts_anybody_waits(entry->standing.io.directory))
			e->waits = WAITS_LOOKS;
		else
			e->waits -= e->waits > 0;
		e->wants = e->waits > 0 || e->busy >= BUSY_LOOKS;
		return;
	}
	e->wants = e->looks > 1 && waited_ns > e->waited_ns &&
		   (double)(waited_ns - e->waited_ns) > WAITED_PART * (double)elapsed_ns;
	e->wants |= e->busy >= BUSY_LOOKS;
	e->waited_ns = waited_ns;
}

static double per_second(const struct disk_entry *e, enum terms_access access, bool requests)
{
	const struct disk_counts *last = &e->past[(e->looks - 1) % PAST];
	unsigned int first = e->looks > PAST ? e->looks % PAST : 0;
	double s = (double)(e->past_ns[(e->looks - 1) % PAST] - e->past_ns[first]) / 1e9;
	uint64_t now = requests ? last->requests[access] : last->bytes[access];
	uint64_t then = requests ? e->past[first].requests[access] : e->past[first].bytes[access];

	/* a group made anew counts anew */
	return s > 0 && now > then ? (double)(now - then) / s : 0;
}

/* One who does nothing of this kind at all wants something else. */
static void see_lacks(struct disk_entry *e, enum terms_access access)
{
	const struct terms_disk_flow *flow = &e->disk.terms.flow[access];
	double requests = per_second(e, access, true);

	e->user.rate[access] = per_second(e, access, false);
	e->user.reserve[access] = (double)flow->reserve_bytes;
	e->user.lacks[access] = e->wants && requests > 0 &&
				((double)flow->reserve_bytes * LACKS_BELOW > e->user.rate[access] ||
				 (double)flow->reserve_iops * LACKS_BELOW > requests);
	if (flow->share)
		e->user.share = flow->share;
}

/* Whether its own limit of writes is in its way. */
static bool writes_at_limit(const struct disk_entry *e)
{
	const struct terms_disk_flow *flow = &e->disk.terms.flow[TERMS_WRITE];

	if (flow->buffered || !(flow->limit_bytes || flow->limit_iops))
		return false;
	return e->drain > 0 ||
	       (flow->limit_bytes &&
		e->user.rate[TERMS_WRITE] > AT_LIMIT * (double)flow->limit_bytes) ||
	       (flow->limit_iops && per_second(e, TERMS_WRITE, true) > AT_LIMIT * flow->limit_iops);
}

/*
 * What it has dirty costs more to ask than the rest, and is asked of those only who are, or may soon be, held. A
 * limit holds what goes past the page cache; of what is in it a journal may wait, and with it others, for no longer
 * than for that of one that is held (disk_control.h).
 */
static void look_at_dirty(struct disk_entry *e, const struct standing *standing)
{
	const struct terms_disk_flow *flow = &e->disk.terms.flow[TERMS_WRITE];
	bool at_limit = writes_at_limit(e);

	e->user.dirty_bytes = 0;
	if (at_limit || e->user.rate[TERMS_WRITE] > DISK_FLOOR_BYTES ||
	    e->user.cap[TERMS_WRITE] > 0)
		e->user.dirty_bytes = (double)disk_counts_dirty_bytes(standing->memory.directory,
								      standing->memory.version);
	e->drain = at_limit ? e->user.dirty_bytes / DISK_STALL_S : 0;
	if (e->drain < DISK_FLOOR_BYTES ||
	    (!flow->limit_iops && e->drain <= (double)flow->limit_bytes))
		e->drain = 0;
}

static void look(struct disk_entry *e, const struct roster *roster, uint64_t now_ns)
{
	const struct roster_entry *entry = &roster->items[e->i];
	const struct standing *standing = &entry->standing;
	unsigned int at = e->looks % PAST;
	uint64_t before_ns = e->looks ? e->past_ns[(e->looks - 1) % PAST] : now_ns;

	e->gone = disk_counts_read(standing->io.directory, standing->io.version, e->disk.number,
				   &e->past[at]) < 0;
	if (e->gone) {
		/* nobody is held for one that is not there */
		memset(e->user.lacks, 0, sizeof(e->user.lacks));
		memset(e->user.rate, 0, sizeof(e->user.rate));
		return;
	}
	e->past_ns[at] = now_ns;
	e->looks++;
	if (reserves(&e->disk.terms))
		see_wants(e, entry, now_ns - before_ns);
	for (int access = 0; access < TERMS_ACCESSES; access++)
		see_lacks(e, access);
	look_at_dirty(e, standing);
}

/* ---- judging ---- */

/* Who else does most on the disk. */
static int culprit(const struct disks *disks, const struct disk_entry *victim)
{
	double most = 0;
	int by = CONTROL_BY_HOST;

	for (size_t i = 0; i < disks->n; i++) {
		const struct disk_entry *e = &disks->entries[i];
		double rate = e->user.rate[TERMS_READ] + e->user.rate[TERMS_WRITE];

		if (e == victim || strcmp(e->disk.number, victim->disk.number) != 0 || rate <= most)
			continue;
		most = rate;
		by = (int)e->i;
	}
	return by;
}

static void judge(const struct disks *disks, struct disk_entry *e, uint64_t now_ns)
{
	const struct disk_counts *last = &e->past[(e->looks - 1) % PAST];

	for (int access = 0; access < TERMS_ACCESSES; access++) {
		const struct terms_disk_flow *flow = &e->disk.terms.flow[access];
		bool lacks = e->user.lacks[access];

		rate_reserve(&e->truths[DISK_RESERVE][access], (double)flow->reserve_bytes,
			     last->bytes[access], lacks, now_ns);
		rate_reserve(&e->truths[DISK_RESERVE_IOPS][access], flow->reserve_iops,
			     last->requests[access], lacks, now_ns);
		/* writes through the page cache have none at the disk */
		rate_limit(&e->truths[DISK_LIMIT][access],
			   access == TERMS_WRITE && flow->buffered ? 0 : (double)flow->limit_bytes,
			   last->bytes[access], now_ns);
		for (int term = DISK_RESERVE; term <= DISK_RESERVE_IOPS; term++) {
			struct control_truth *t = &e->truths[term][access].truth;

			t->by = t->state == CONTROL_BROKEN ? culprit(disks, e) : CONTROL_BY_NOBODY;
		}
	}
}

const struct control_truth *disks_truth(const struct disks *disks, const char *directory,
					enum terms_access access, enum disk_term term)
{
	const struct control_truth *worst = NULL;

	for (size_t i = 0; i < disks->n; i++) {
		const struct disk_entry *e = &disks->entries[i];
		const struct control_truth *t = &e->truths[term][access].truth;

		if (strcmp(e->directory, directory) != 0 || t->promised <= 0)
			continue;
		if (!worst || (t->state == CONTROL_BROKEN && worst->state != CONTROL_BROKEN))
			worst = t;
	}
	return worst;
}

/* ---- setting ---- */

static bool differs(double a, double b)
{
	return (a > 0) != (b > 0) || a > b * (1 + CHANGE) || a < b * (1 - CHANGE);
}

static bool is_held(const struct standing_caps *caps)
{
	return caps->cap[TERMS_READ] > 0 || caps->cap[TERMS_WRITE] > 0 || caps->drain > 0;
}

static bool is_due(const struct disk_entry *e)
{
	return differs(e->user.cap[TERMS_READ], e->set.cap[TERMS_READ]) ||
	       differs(e->user.cap[TERMS_WRITE], e->set.cap[TERMS_WRITE]) ||
	       differs(e->drain, e->set.drain) || (e->again && is_held(&e->set));
}

static void apply(struct disk_entry *e, struct writer *writer, const struct roster *roster)
{
	const struct roster_entry *entry = &roster->items[e->i];
	struct standing_caps wanted = {.drain = e->drain};
	struct error err = {0};
	int r;

	e->again |= entry->standing.disk_writes != e->standing_writes;
	e->standing_writes = entry->standing.disk_writes;
	if (!is_due(e))
		return;
	memcpy(wanted.cap, e->user.cap, sizeof(wanted.cap));
	r = standing_cap_disk(writer, entry->called, &entry->standing, &e->disk, &wanted, &err);
	/* what is not lifted now has to be later */
	if (r < 0 && r != -ENOENT && r != -ENODEV) {
		if (!e->told)
			log_warning("what '%s' does on a disk cannot be held: %s", entry->called,
				    err.text);
		e->told = true;
		return;
	}
	e->told = e->again = false;
	e->set = wanted;
}

static void release(struct disk_entry *e, struct writer *writer, const struct roster *roster)
{
	memset(e->user.cap, 0, sizeof(e->user.cap));
	e->drain = 0;
	apply(e, writer, roster);
}

/* All users of one disk side by side, as disk_control wants them. */
static int control_disk(struct disks *disks, const char *number)
{
	_cleanup_free_ struct disk_user *users = calloc(disks->n + 1, sizeof(*users));
	size_t n = 0;

	if (!users)
		return -ENOMEM;
	for (size_t i = 0; i < disks->n; i++) {
		if (strcmp(disks->entries[i].disk.number, number) == 0)
			users[n++] = disks->entries[i].user;
	}
	disk_control(users, n);
	n = 0;
	for (size_t i = 0; i < disks->n; i++) {
		if (strcmp(disks->entries[i].disk.number, number) == 0)
			disks->entries[i].user = users[n++];
	}
	return 0;
}

static int look_and_set(struct disks *disks, struct writer *writer, const struct roster *roster,
			uint64_t now_ns)
{
	int r = 0;

	for (size_t i = 0; i < disks->n; i++)
		look(&disks->entries[i], roster, now_ns);
	for (size_t i = 0; i < disks->n && r == 0; i++) {
		if (is_first_of_disk(disks, i))
			r = control_disk(disks, disks->entries[i].disk.number);
	}
	for (size_t i = 0; i < disks->n && r == 0; i++) {
		struct disk_entry *e = &disks->entries[i];

		if (e->gone)
			continue;
		judge(disks, e, now_ns);
		apply(e, writer, roster);
	}
	return r;
}

bool disks_are_due(const struct disks *disks, uint64_t now_ns)
{
	return disks->n && now_ns >= disks->due_ns;
}

void disks_round(struct disks *disks, struct writer *writer, const struct roster *roster,
		 uint64_t now_ns)
{
	int r;

	if (now_ns < disks->due_ns || (!disks->n && !any_terms(roster)))
		return;
	disks->due_ns = now_ns + LOOK_NS;
	r = follow_roster(disks, writer, roster);
	if (r == 0)
		r = look_and_set(disks, writer, roster, now_ns);
	if (r < 0 && !disks->failed)
		log_warning("reserves of disks are not kept: out of memory");
	disks->failed = r < 0;
}
