/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What groups of other runtimes claim, as far as cgroup files tell. Only the groups at the top compete with
 * reserves, and there
 *
 *	the pods of Kubernetes below "kubepods" claim what they request: their shares are 1024 for each
 *	core (kubelet's MilliCPUToShares), and weights on v2 are made of these;
 *
 *	any other group to which somebody has given more than the weight that all begin with claims what
 *	that weight takes beside a reserve, whose weight is 64 times as much for each core (terms.h).
 *
 * A claim is never more than the group's own limit, and nothing while nobody is in the group. A group that
 * nobody has weighted claims nothing: it gets what is left. On v2 memory.min is claimed too.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/cgroup.h"
#include "plan/cpus.h"
#include "plan/plan.h"
#include "promises/promises.h"

struct foreign_claim {
	char *path; /* "/kubepods/pod1" */
	uint32_t reserve_mcores;
	uint64_t memory_bytes;
	bool has_cpus;
	struct cpus cpus;
};

struct foreign_claims {
	struct foreign_claim *items;
	size_t n;
};

/*
 * Those of LAYOUT's hierarchies, which are looked for below ROOT (-EBADF: "/"), without the groups of OWN.
 * *CLAIMS is the caller's to foreign_clear. -ENOMEM.
 */
int foreign_read(int root, const struct cgroup_layout *layout, const struct promise_list *own,
		 struct foreign_claims *claims, struct error *err);

void foreign_clear(struct foreign_claims *claims);

/* As the planner takes it; the name is CLAIM's. */
struct plan_workspace foreign_workspace(const struct foreign_claim *claim);
