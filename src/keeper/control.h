/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From terms and charges to quotas and weights. Pure: no I/O and no clock; what a workspace was charged and
 * for how long comes in, what should be set goes out. control.c tells how.
 *
 * Times are nanoseconds, CPU is counted in cores.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/cpus.h"
#include "plan/terms.h"

#define CONTROL_PERIOD_NS 100000000ull /* the usual time between two rounds */
#define CONTROL_WINDOW 10	       /* rounds that are looked back on */
#define CONTROL_LONG_ROUNDS 100	       /* over which a limit has to hold: 10 s */
#define CONTROL_FLOOR_CORES 0.01       /* no quota is lower: nobody is frozen */
/* All weights together count at most 64 times a task of the host's, on each CPU: its workers get their turn. */
#define CONTROL_HOST_WEIGHT 1024.0
#define CONTROL_WEIGHTS_MAX (64 * CONTROL_HOST_WEIGHT)

/* What a workspace has had since some beginning; all only grow. */
struct control_seen {
	uint64_t own_ns, behalf_ns, imposed_ns;
	uint64_t billed_ns; /* by the kernel: what its quota counts */
	uint64_t waited_ns; /* some thread was ready and had no CPU, be it for its own quota */
};

enum control_state { CONTROL_KEPT, CONTROL_BROKEN, CONTROL_NO_TERM };

/* How one term is kept. */
struct control_truth {
	enum control_state state;
	double promised, got;  /* cores */
	double wanted;	       /* of a reserve: as much of it as was asked for */
	double ratio;	       /* of a reserve got / wanted, of a limit charge / limit */
	uint64_t since_ns;     /* of the state; by the time given to control_round */
	uint64_t violation_ns; /* altogether */
	int by;		       /* who is most to blame: index, or one of CONTROL_BY_* */
};

#define CONTROL_BY_NOBODY (-1)
#define CONTROL_BY_HOST (-2)
#define CONTROL_BY_THREADS (-3) /* other threads on its CPUs */
#define CONTROL_BY_QUOTA (-4)	/* a quota of its own, which leaves it less */

/* What should be set now. */
struct control_setting {
	double quota_cores; /* of what the kernel bills; 0: none */
	double weight;	    /* a task of the host's counts CONTROL_HOST_WEIGHT; 0: leave it alone */
	/*
	 * What may be spent on receiving for it, by a gate before it: its debt is over its bound, or what
	 * arrives for it is in the way of a reserve, and there is no thread whose throttling would help.
	 * 0: it is within its terms, and nothing is dropped.
	 */
	double gate_cores;
};

struct control_workspace {
	/* in: the caller's */
	struct terms_cpu terms;
	/* What was planned for the I/O it is promised: of its own threads, and with what is done on its behalf. */
	uint32_t io_own_mcores, io_mcores;
	struct cpus cpus;	  /* that it may run on */
	double weight_of_core;	  /* what a core of reserve counts; 0: 64 tasks of the host's */
	double others_quota;	  /* that somebody else has set, in cores; 0: none */
	struct control_seen seen; /* up to now */
	const uint64_t *behalf_cpu_ns; /* of seen.behalf_ns, by CPU */
	bool gone;		       /* nothing is known of it in this round */

	/* out */
	struct control_setting setting;
	bool blamed; /* its work is in the way of a reserve */
	bool in_way; /* its work is on the disturbed CPUs of somebody else, whose reserve may be kept all the same */
	/* Of one with a reserve: CPUs from which kernel work for others should go elsewhere; empty: none. */
	struct cpus disturbed;
	struct control_truth reserve, limit;

	/* the controller's own */
	struct control_past *past;
};

struct control {
	unsigned int n_cpus;
	double weight_max;		      /* the highest that can be set, 0: any */
	struct control_workspace *workspaces; /* the caller's array */
	size_t n;
	const uint64_t *
		other_cpu_ns; /* on-behalf-of time of the host and of nobody, by CPU; may be NULL */
	bool steered;	      /* where work is done was just changed: wait for the effect */
	/*
	 * What is kept for the kernel's own workers, in cores, 0: nothing; what they had of late; and by CPU what those
	 * waited that hardly ran, in cores. The latter is for one round, and NULL in those in which nobody looked.
	 */
	double host_reserve, host_got;
	const double *host_lost;
	/* the controller's own */
	uint64_t *others_past;
	double *work;	    /* everybody's recent on-behalf-of time by CPU, in cores: */
	bool work_is_known; /* in this round */
	unsigned int
		host_rest; /* rounds for which those who are held for the host are not let go; 0: nobody is */
};

/* Gives a workspace a past of its own. 0 or -ENOMEM. N_CPUS as control's. */
int control_admit(struct control_workspace *workspace, unsigned int n_cpus);
void control_forget(struct control_workspace *workspace);

/*
 * One round: NOW_NS is the time of the charges in SEEN. A round that comes too soon (1 ms) or far too
 * late (a suspended machine) only takes note.
 */
int control_round(struct control *control, uint64_t now_ns);
void control_end(struct control *control);

/* What it was charged in the last rounds, in cores. */
double control_recent(const struct control_workspace *workspace);

/* What should be set of TERMS when nothing is known of charges: the static limits. */
struct control_setting control_static(const struct control_workspace *workspace);

/* What of a control_past outlives a keeper: the debt and the gain. */
struct control_carried {
	double debt_s, gain, squeeze;
};
struct control_carried control_carry(const struct control_workspace *workspace);
void control_resume(struct control_workspace *workspace, struct control_carried carried);
