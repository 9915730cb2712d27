/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the files of the controller share, and nobody else includes: what it remembers of a workspace. */
#include <stdbool.h>
#include <stdint.h>

#include "keeper/control.h"

#define PAST_RECENT 3		   /* rounds that tell a rate that is not yet smooth */
#define CONTROL_QUOTA_MAX 3.0	   /* of the limit, for one that has much imposed on it */
#define CONTROL_RESERVE_REST 0.003 /* as little missing is nothing */
#define CONTROL_STEER_ROUNDS 5
#define CONTROL_TRIM_MAX 4.0
#define PAST_NS_PER_S 1e9
#define CONTROL_DEBT_MAX_S 3.0 /* of the limit: what is above is forgiven */

struct past_moment {
	uint64_t at_ns;
	struct control_seen seen;
};

/* Sums since admission, for what has to hold over ten seconds. */
struct past_sums {
	double wall_s, charge_s;
};

/* In cores. */
struct past_rates {
	double charge, own, billed, waited, imposed;
};

struct control_past {
	struct past_moment ring[CONTROL_WINDOW + 1];
	uint64_t *cpu_ring;	      /* behalf by CPU, CONTROL_WINDOW + 1 rows */
	unsigned int n_cpus, n, head; /* moments there are, and the newest */
	struct past_sums sums, sums_ring[CONTROL_LONG_ROUNDS / CONTROL_WINDOW + 1];
	unsigned int n_sums, sums_head, rounds;
	double debt_s, gain;
	double squeeze; /* cores billed, INFINITY: not squeezed */
	double gate;	/* cores of receiving, because of a reserve; INFINITY: open */
	bool shut;	/* because of its debt */
	double trim;
	unsigned int squeeze_rest, steer_rest, blamed_rounds, since_quota;
	bool held; /* its work is near to being in the way: do not grow */
	/* computed once a round */
	double window_s, round_s;
	struct past_rates rates, recent; /* of the window, and of its last PAST_RECENT rounds */
	double lost;			 /* of the reserve, recently; cores */
};

static inline double control_cores(uint32_t mcores)
{
	return mcores / 1000.0;
}

/* What may be charged to it, the I/O it is promised included, before anything is more than was promised. */
static inline double control_promised(const struct control_workspace *w)
{
	return control_cores(w->terms.reserve_mcores) + control_cores(w->io_mcores);
}

static inline double control_share_weight(const struct terms_cpu *terms)
{
	return CONTROL_HOST_WEIGHT * (terms->share ? terms->share : TERMS_SHARE) / TERMS_SHARE;
}

static inline double control_between(double low, double value, double high)
{
	return !(value >= low) ? low : value > high ? high : value;
}

/* Figures may go back by a little: an open interval was settled on somebody else. */
static inline double past_grown_s(uint64_t now, uint64_t then)
{
	return now > then ? (double)(now - then) / PAST_NS_PER_S : 0;
}

/* The moment so many ROUNDS ago, or the oldest; and its on-behalf-of time by CPU. */
struct past_moment *past_before(struct control_past *p, unsigned int rounds);
uint64_t *past_cpus_before(struct control_past *p, unsigned int rounds);

/* Takes down what is seen now. */
void past_note(struct control_workspace *w, uint64_t now_ns);

/* What was charged between two moments, in core-seconds. */
double past_charge_s(const struct past_moment *now, const struct past_moment *then);

/* Over the last ROUNDS; returns how long that was, 0 when nothing is known yet. */
double past_measure(struct control_past *p, unsigned int rounds, struct past_rates *rates);

/* As much of the reserve as was asked for, */
double past_wanted(const struct control_workspace *w, const struct past_rates *rates);
/*
 * and what the quota that is set leaves it, which the kernel holds against what it bills. INFINITY: all. Ours makes up for
 * what is imposed; for what that takes of a quota of somebody else's, those who impose it are to blame.
 */
double past_allowed(const struct control_workspace *w, const struct past_rates *rates);

/* The least quota with which it is charged all that it is promised: its reserve, and what its I/O takes. */
double control_promise_quota(const struct control_workspace *w);

/* One round into the sums of ten seconds; and the sums as of then, NULL: it is not so long yet. */
void past_add_up(struct control_workspace *w);
const struct past_sums *past_sums_before(const struct control_past *p);

/* The parts of a round, each in the file of its name. */
void control_set_quota(struct control_workspace *w, unsigned int n_cpus);
void control_set_gate(struct control_workspace *w);
void control_protect(struct control *c, struct control_workspace *victim);
void control_keep_host(struct control *c);
void control_relax(struct control_workspace *w);
void control_set_weights(struct control *c);
