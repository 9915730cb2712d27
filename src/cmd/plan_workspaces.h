/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The workspaces of a plan: those of a file, and what is promised or claimed on this host. */
#include <stddef.h>

#include "base/error.h"
#include "plan/plan.h"

struct plan_workspaces {
	struct plan_workspace *list;
	size_t n;
	char **names; /* what the list's names point to, printable */
};

void plan_workspaces_clear(struct plan_workspaces *workspaces);

/* Adds those of the file PATH, behalf-workspaces(5); "-" is standard input. */
int plan_workspaces_add_file(struct plan_workspaces *workspaces, const char *path,
			     struct error *err);

/*
 * Adds what the register has, by the names that engines give, and what groups of other runtimes claim: what admission
 * counts, too. A name that is in the plan already stays who has it: the other is called as in the register.
 */
int plan_workspaces_add_running(struct plan_workspaces *workspaces, struct error *err);
