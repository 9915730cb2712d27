// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/classes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keeper/contention.h"
#include "plan/terms.h"

#define QDISC QDISC_HANDLE(SHAPE_MAJOR, 0)
#define CLASS_ALL 1
#define CLASS_FIRST 0x10 /* of workspaces, by number */

/* What is left to lend is lent in portions of this for a share of 100; the kernel's bounds (net/sched/sch_htb.c). */
#define QUANTUM_BYTES 15140
#define QUANTUM_MIN_BYTES 1514
#define QUANTUM_MAX_BYTES 200000

/*
 * Who sends by TCP does not ask for all of its rate at every moment: what it left may be had later, or over a second
 * it would never get its reserve.
 */
#define BURST_NS 30000000u

/* Of the link there is at least so much for everybody else, and for one who has a share and no reserve. */
#define REST_LEAST 0.01
#define SHARE_BPS 8000

/* Who has so much of a reserve uses it; for so long after that nothing of it is lent. */
#define USE_PART 0.8
#define USE_REST_NS 1000000000ull

struct class_set {
	struct class_terms terms;
	struct contention use;
	uint64_t withheld_bps; /* of its reserve, from the others */
	bool listed;
};

static uint32_t handle_of(int number)
{
	return QDISC_HANDLE(SHAPE_MAJOR, CLASS_FIRST + number);
}

/* What is withheld from it: nobody is held to less than it has for certain, since all reserves together leave that. */
static int set_class(const struct classes *classes, const struct shaper *shaper, uint32_t minor,
		     uint64_t rate_bps, uint64_t withheld_bps, uint32_t share, struct error *err)
{
	uint32_t quantum = QUANTUM_BYTES / TERMS_SHARE * (share ? share : TERMS_SHARE);
	struct qdisc_htb_class class = {
		.parent = minor == CLASS_ALL ? QDISC : QDISC_HANDLE(SHAPE_MAJOR, CLASS_ALL),
		.handle = QDISC_HANDLE(SHAPE_MAJOR, minor),
		.rate_bytes = rate_bps / 8,
		.ceil_bytes = (classes->rate_bps - withheld_bps) / 8,
		.quantum = quantum,
		.burst_ns = minor >= CLASS_FIRST ? BURST_NS : 0,
	};

	if (quantum < QUANTUM_MIN_BYTES)
		class.quantum = QUANTUM_MIN_BYTES;
	if (quantum > QUANTUM_MAX_BYTES)
		class.quantum = QUANTUM_MAX_BYTES;
	return netlink_class_set_htb(shaper->netlink, classes->index, &class, err);
}

static int set_rest(struct classes *classes, const struct shaper *shaper, uint64_t rest_bps,
		    struct error *err)
{
	int r;

	if (classes->rest_bps == rest_bps)
		return 0;
	r = set_class(classes, shaper, CLASSES_REST, rest_bps, classes->withheld_bps, 0, err);
	if (r == 0)
		classes->rest_bps = rest_bps;
	return r;
}

static struct class_set *find(const struct classes *classes, int number)
{
	size_t at = classes->at && number < GATES_MAX ? classes->at[number] : 0;

	return at ? &classes->set[at - 1] : NULL;
}

static int drop_unlisted(struct classes *classes, const struct shaper *shaper,
			 const struct class_terms *list, size_t n, struct error *err)
{
	size_t kept = 0;
	int result = 0;

	for (size_t i = 0; i < classes->n_set; i++)
		classes->set[i].listed = false;
	for (size_t i = 0; i < n; i++) {
		struct class_set *set = find(classes, list[i].number);

		if (set)
			set->listed = true;
	}
	for (size_t i = 0; i < classes->n_set; i++) {
		int number = classes->set[i].terms.number, r;

		if (classes->set[i].listed) {
			classes->set[kept++] = classes->set[i];
			classes->at[number] = (uint16_t)kept;
			continue;
		}
		classes->at[number] = 0;
		gates_set_class(shaper->gates, classes->direction, number, 0);
		r = netlink_class_delete(shaper->netlink, classes->index, handle_of(number), err);
		result = r < 0 ? r : result;
	}
	classes->n_set = kept;
	return result;
}

static uint64_t rate_of(const struct class_terms *terms)
{
	return terms->reserve_bps ? terms->reserve_bps : SHARE_BPS;
}

/* KNOWN is its own, NULL if it is new. */
static int set_reserve(const struct classes *classes, const struct shaper *shaper,
		       const struct class_terms *terms, const struct class_set *known,
		       struct error *err)
{
	uint64_t own_bps = known ? known->withheld_bps : 0;

	return set_class(classes, shaper, CLASS_FIRST + (uint32_t)terms->number, rate_of(terms),
			 classes->withheld_bps - own_bps, terms->share, err);
}

static int set_one(struct classes *classes, const struct shaper *shaper,
		   const struct class_terms *terms, struct error *err)
{
	struct class_set *known = find(classes, terms->number);
	int r;

	if (known && known->terms.reserve_bps == terms->reserve_bps &&
	    known->terms.share == terms->share)
		return 0;
	r = set_reserve(classes, shaper, terms, known, err);
	if (r < 0)
		return r;
	gates_set_class(shaper->gates, classes->direction, terms->number, handle_of(terms->number));
	if (!known) {
		known = &classes->set[classes->n_set++];
		*known = (struct class_set){0};
		classes->at[terms->number] = (uint16_t)classes->n_set;
	}
	known->terms = *terms;
	return 0;
}

/* Room for N more. */
static int make_room(struct classes *classes, size_t n, struct error *err)
{
	struct class_set *more =
		realloc(classes->set, (classes->n_set + n) * sizeof(*classes->set));

	if (!more)
		return error_oom(err);
	classes->set = more;
	if (!classes->at)
		classes->at = calloc(GATES_MAX, sizeof(*classes->at));
	return classes->at ? 0 : error_oom(err);
}

static uint64_t sum_of(const struct class_terms *list, size_t n)
{
	uint64_t sum_bps = 0;

	for (size_t i = 0; i < n; i++) {
		if (__builtin_add_overflow(sum_bps, rate_of(&list[i]), &sum_bps))
			return UINT64_MAX;
	}
	return sum_bps;
}

int classes_check(const char *link, uint64_t rate_bps, const struct class_terms *list, size_t n,
		  struct error *err)
{
	uint64_t least_bps = (uint64_t)((double)rate_bps * REST_LEAST);

	if (least_bps > rate_bps || sum_of(list, n) > rate_bps - least_bps)
		return error_set(err, ERANGE, "more is reserved than '%s' carries", link);
	return 0;
}

/* ---- what of the reserves is lent ---- */

/* All of them once more, with what they may borrow now; what fails is tried again with the next look. */
static int set_again(struct classes *classes, const struct shaper *shaper, struct error *err)
{
	int r = set_class(classes, shaper, CLASSES_REST, classes->rest_bps, classes->withheld_bps,
			  0, err);

	for (size_t i = 0; i < classes->n_set && r == 0; i++)
		r = set_reserve(classes, shaper, &classes->set[i].terms, &classes->set[i], err);
	classes->half_set = r < 0;
	return r;
}

static bool is_withheld_as_used(const struct classes *classes)
{
	for (size_t i = 0; i < classes->n_set; i++) {
		if (contention_is(&classes->set[i].use) != (classes->set[i].withheld_bps != 0))
			return false;
	}
	return !classes->half_set;
}

static int withhold(struct classes *classes, const struct shaper *shaper, struct error *err)
{
	if (is_withheld_as_used(classes))
		return 0;
	classes->withheld_bps = 0;
	for (size_t i = 0; i < classes->n_set; i++) {
		struct class_set *set = &classes->set[i];

		set->withheld_bps = contention_is(&set->use) ? set->terms.reserve_bps : 0;
		classes->withheld_bps += set->withheld_bps;
	}
	return set_again(classes, shaper, err);
}

int classes_lend(struct classes *classes, const struct shaper *shaper, struct error *err)
{
	for (size_t i = 0; i < classes->n_set; i++)
		classes->set[i].use = (struct contention){0};
	return withhold(classes, shaper, err);
}

static bool is_changed(const struct classes *classes, const struct class_terms *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct class_set *set = find(classes, list[i].number);

		if (!set || set->terms.reserve_bps != list[i].reserve_bps)
			return true;
	}
	return n != classes->n_set;
}

struct looks {
	struct classes *classes;
	uint64_t now_ns;
};

static void look_at(void *data, uint32_t handle, const struct qdisc_counts *counts)
{
	struct looks *looks = data;
	struct class_set *set = NULL;
	struct contention_bounds bounds = {.rest_ns = USE_REST_NS};

	if (handle >> 16 == SHAPE_MAJOR && (handle & 0xffff) >= CLASS_FIRST)
		set = find(looks->classes, (int)((handle & 0xffff) - CLASS_FIRST));
	if (!set || !set->terms.reserve_bps)
		return;
	bounds.above_bps = (uint64_t)(USE_PART * (double)set->terms.reserve_bps);
	contention_look(&set->use, &bounds, counts->bytes, looks->now_ns);
}

int classes_withhold(struct classes *classes, const struct shaper *shaper, uint64_t now_ns,
		     struct error *err)
{
	struct looks looks = {classes, now_ns};
	int r;

	if (!classes->index)
		return 0;
	r = netlink_class_all_counts(shaper->netlink, classes->index, look_at, &looks, err);
	return r == 0 ? withhold(classes, shaper, err) : r;
}

int classes_set(struct classes *classes, const struct shaper *shaper, int index, uint64_t rate_bps,
		const struct class_terms *list, size_t n, struct error *err)
{
	int r = make_room(classes, n, err);

	/* with another interface, our classes of before have gone */
	if (r == 0 && (classes->index != index || classes->rate_bps != rate_bps)) {
		classes_forget(classes, shaper);
		classes->rate_bps = rate_bps;
		classes->index = index;
		r = set_class(classes, shaper, CLASS_ALL, rate_bps, 0, 0, err);
		/* without it there can be no other: again the next time */
		if (r < 0)
			classes->index = 0;
	}
	/* of other reserves, other parts are withheld: that is seen anew */
	if (r == 0 && is_changed(classes, list, n))
		r = classes_lend(classes, shaper, err);
	if (r == 0)
		r = drop_unlisted(classes, shaper, list, n, err);
	if (r == 0)
		r = set_rest(classes, shaper, rate_bps - sum_of(list, n), err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = set_one(classes, shaper, &list[i], err);
	return r;
}

void classes_forget(struct classes *classes, const struct shaper *shaper)
{
	for (size_t i = 0; i < classes->n_set; i++) {
		int number = classes->set[i].terms.number;

		gates_set_class(shaper->gates, classes->direction, number, 0);
		classes->at[number] = 0;
	}
	classes->n_set = 0;
	classes->rest_bps = 0;
	classes->withheld_bps = 0;
	classes->half_set = false;
	classes->index = 0;
}

void classes_clear(struct classes *classes)
{
	free(classes->set);
	free(classes->at);
	classes->set = NULL;
	classes->at = NULL;
	classes->n_set = 0;
}

struct places {
	struct qdisc_counts *counts;
	size_t n;
};

static void take_counts(void *data, uint32_t handle, const struct qdisc_counts *counts)
{
	struct places *places = data;
	uint32_t minor = handle & 0xffff;

	if (handle >> 16 == SHAPE_MAJOR && minor >= CLASS_FIRST && minor - CLASS_FIRST < places->n)
		places->counts[minor - CLASS_FIRST] = *counts;
}

int classes_counts(const struct classes *classes, const struct shaper *shaper,
		   struct qdisc_counts *counts, size_t n, struct error *err)
{
	struct places places = {counts, n};

	return classes->index ? netlink_class_all_counts(shaper->netlink, classes->index,
							 take_counts, &places, err)
			      : 0;
}
