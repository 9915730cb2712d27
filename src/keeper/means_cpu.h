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
	/* The quota that these texts of its files say, in cores, 0: none; below 0: they say none. */
	double (*quota)(const char *quota, const char *period);
	/* The quota that the book has as found; 0: none, or no entry. *TERM: it is the term itself. */
	double (*found_quota)(const struct book *book, const char *directory, bool *term);
	/*
	 * What whoever makes or changes a container sets for these terms (promises/annotations.c); 0: for none. The
	 * caller's to free, NULL: memory is out.
	 */
	char *(*quota_text)(uint32_t limit_mcores);
	char *(*weight_text)(uint32_t mcores);
	double weight_max, weight_of_core;
	const char *quota_file, *period_file, *weight_file; /* NULL: the first file has both */
	const char *weight_default;			    /* as every group begins */
};

/* By version of the hierarchy; NULL: there is none. */
const struct means_cpu *means_cpu_of(int version);
extern const struct means_cpu means_cpu_v1, means_cpu_v2;
