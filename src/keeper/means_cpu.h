/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The means for CPU: quota and weight of a control group, v1 (means_cpu_v1.c) or v2 (means_cpu_v2.c).
 * A quota is of what the kernel bills, a weight as in struct control_setting.
 */
#include "base/error.h"
#include "keeper/control.h"
#include "keeper/writer.h"
#include "kernel/cgroup.h"

struct means_cpu {
	/* Notes what is set, and gives it; of a weight that was not asked to be kept nothing is noted. */
	int (*find)(struct writer *writer, const char *directory, bool weight,
		    struct control_setting *now, struct error *err);
	/* What differs from *NOW, which follows. */
	int (*set)(struct writer *writer, const char *name, const char *directory,
		   const struct control_setting *wanted, struct control_setting *now,
		   struct error *err);
	double weight_max, weight_of_core;
};

/* By version of the hierarchy; NULL: there is none. */
const struct means_cpu *means_cpu_of(int version);
extern const struct means_cpu means_cpu_v1, means_cpu_v2;
