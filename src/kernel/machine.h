/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which machine this is: what decides whether figures measured here hold elsewhere. */
#include <stdint.h>

#include "base/error.h"

struct machine {
	char name[65];	     /* host name */
	char kernel[65];     /* release, as uname -r */
	char cpu_model[128]; /* of /proc/cpuinfo; empty where that says nothing */
	uint32_t cpus;	     /* online */
};

int machine_read(struct machine *machine, struct error *err);

/* As machine_read, with the proc file system PROC is open on. */
int machine_read_at(int proc, struct machine *machine, struct error *err);
