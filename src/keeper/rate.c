// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/rate.h"

#define BROKEN_BELOW 0.95
#define KEPT_FROM 0.97
#define BROKEN_ABOVE 1.05

/* Takes a look; whether there is enough to judge by. */
static bool look(struct rate_truth *rate, double promised, uint64_t count, bool wants,
		 uint64_t now_ns)
{
	unsigned int at = rate->looks % RATE_LOOKS;
	unsigned int last = (rate->looks + RATE_LOOKS - 1) % RATE_LOOKS;

	if (promised <= 0) {
		*rate = (struct rate_truth){.truth.state = CONTROL_NO_TERM};
		return false;
	}
	if (rate->looks && count < rate->counts[last]) {
		rate->looks = 0;
		at = 0;
	}
	if (rate->truth.promised != promised)
		rate->truth = (struct control_truth){.state = CONTROL_KEPT,
						     .promised = promised,
						     .ratio = 1,
						     .since_ns = now_ns,
						     .by = CONTROL_BY_NOBODY};
	rate->counts[at] = count;
	rate->at_ns[at] = now_ns;
	rate->wants[at] = wants;
	rate->looks++;
	return rate->looks > 1;
}

static unsigned int oldest(const struct rate_truth *rate)
{
	return rate->looks > RATE_LOOKS ? rate->looks % RATE_LOOKS : 0;
}

static double per_second(const struct rate_truth *rate)
{
	unsigned int last = (rate->looks - 1) % RATE_LOOKS, first = oldest(rate);
	double s = (double)(rate->at_ns[last] - rate->at_ns[first]) / 1e9;

	return s > 0 ? (double)(rate->counts[last] - rate->counts[first]) / s : 0;
}

static bool wanted_always(const struct rate_truth *rate)
{
	if (rate->looks < RATE_LOOKS)
		return false;
	for (unsigned int i = 0; i < RATE_LOOKS; i++) {
		if (!rate->wants[i])
			return false;
	}
	return true;
}

static void become(struct rate_truth *rate, enum control_state state, uint64_t now_ns)
{
	struct control_truth *t = &rate->truth;
	unsigned int before = (rate->looks - 2) % RATE_LOOKS;

	if (t->state == CONTROL_BROKEN)
		t->violation_ns += now_ns - rate->at_ns[before];
	if (t->state != state)
		t->since_ns = now_ns;
	t->state = state;
}

void rate_reserve(struct rate_truth *rate, double promised, uint64_t count, bool wants,
		  uint64_t now_ns)
{
	struct control_truth *t = &rate->truth;
	double least;

	if (!look(rate, promised, count, wants, now_ns))
		return;
	t->got = per_second(rate);
	t->wanted = wanted_always(rate) || t->got > promised ? promised : t->got;
	t->ratio = t->wanted > 0 ? t->got / t->wanted : 1;
	least = t->state == CONTROL_BROKEN ? KEPT_FROM : BROKEN_BELOW;
	become(rate, t->ratio < least ? CONTROL_BROKEN : CONTROL_KEPT, now_ns);
}

void rate_limit(struct rate_truth *rate, double promised, uint64_t count, uint64_t now_ns)
{
	struct control_truth *t = &rate->truth;

	if (!look(rate, promised, count, false, now_ns))
		return;
	t->got = per_second(rate);
	t->wanted = promised;
	t->ratio = t->got / promised;
	become(rate, t->ratio > BROKEN_ABOVE ? CONTROL_BROKEN : CONTROL_KEPT, now_ns);
}
