/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The workspaces that are kept: what the register promises, joined to what the kernel has of them. */
#include <stdbool.h>

#include "keeper/control.h"
#include "keeper/gauge.h"
#include "keeper/means_cpu.h"
#include "keeper/standing.h"
#include "keeper/writer.h"
#include "promises/promises.h"

struct roster_entry {
	char *name;    /* in the register, */
	char *promise; /* and of its file there */
	char *called;  /* for people: by its engine, as the ledger's views have it, or else that */
	char *path;    /* of its group, in the accounted hierarchy */
	char *directory; /* of the cpu controller */
	char **places;	 /* its groups of all hierarchies that limit or bill CPU */
	uint64_t inode;
	struct terms terms;
	struct gauge gauge;
	const struct means_cpu *means;
	struct control_setting applied;
	double others_quota; /* that somebody else has set, in cores; no term lifts it. 0: none */
	bool of_container;   /* the quota may have been set for its terms, before a keeper saw it */
	bool odd_quota;	     /* it was not what was set here, at the last look, */
	double odd_cores;    /* but this */
	bool switched_off; /* its controller was, at some look, and it was not seen on since then */
	struct standing standing;	    /* memory, pids, disks */
	uint32_t weighed_mcores;	    /* promise_weighed_mcores */
	bool weighed;			    /* its weight is ours to set */
	bool fails;			    /* the last write failed: told once */
	bool quota_told;		    /* the same of the last look at the quota */
	uint64_t waited_ns, waited_base_ns; /* so far, and as of the gauge's last reading */
	unsigned int broken;		    /* of which terms it was told, by enum truth_kind */
	uint64_t
		steer_due_ns; /* when it is worth looking at the steering in its namespaces again */
	uint32_t requests;    /* block requests of it that are under way */
};

struct roster {
	struct roster_entry *items;
	struct control control; /* its workspaces in the order of items */
	unsigned int n_cpus;
	unsigned int generation; /* another one after each update */
	bool reserves;		 /* somebody has a reserve of CPU */
	char **unreadable; /* names of files of promises that cannot be read; NULL: there are none */
	/*
	 * Promises whose workspaces could not be taken up, or changed, by name, as was told of each once: worth another update
	 * though the register stays as it is. NULL: none.
	 */
	char **refused;
};

/*
 * Brings the roster in line with LIST: those who are there stay as they are, newcomers are read and noted
 * in the writer's book, and what was set of those who have gone is put back if their group is still there.
 * A promise that cannot be kept (no group of the cpu controller) is told by a warning and left out. Whose promise
 * cannot be read any more is kept by what is known of it, as long as its group is there.
 */
int roster_update(struct roster *roster, const struct promise_list *list, struct writer *writer,
		  struct error *err);

/*
 * Looks whether somebody else has changed the quota of the entry at I since: that one holds then as one that was
 * found, and the book has it. Twice the same counts, as a change of terms may be on its way. What fails is tried again
 * by the next look.
 */
int roster_look_at_quota(struct roster *roster, size_t i, struct writer *writer, struct error *err);

/* Whether its group is: a file of it may be missing while a controller is switched off. */
bool roster_is_there(const struct roster_entry *entry);

/* Whether nothing that can be read of LIST is promised to the group in directory WHERE, of whatever hierarchy. */
bool roster_is_gone(const struct promise_list *list, const char *where);

void roster_end(struct roster *roster);
