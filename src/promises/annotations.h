/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Terms as a configuration says them, and what the runtime is told because of them. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "oci/config.h"
#include "plan/cpus.h"
#include "plan/terms.h"

/*
 * Adds up the terms of CONFIG's annotations, and checks them. *ANY: there are some. Annotations that look
 * like terms and are none are refused; others are nobody's business here.
 */
int annotations_read_terms(const struct oci_config *config, struct terms *terms, bool *any,
			   struct error *err);

/* A limit of RESOURCES that leaves less than TERMS reserve is a contradiction: -EINVAL. */
int annotations_check_limits(const struct terms *terms, const struct oci_resources *resources,
			     struct error *err);

/*
 * What the kernel is to keep of the limits in TERMS, added to the resources of CONFIG. Where both say something the
 * lower limit holds.
 */
void annotations_apply_limits(const struct terms *terms, struct oci_config *config);

/*
 * The same for a living container, when BEFORE becomes NOW and somebody asks for what is in the resources of
 * HOLDER: what has to be set is added there, and what NOW does not allow is taken out.
 */
void annotations_change_limits(const struct terms *before, const struct terms *now,
			       struct oci_config *holder);

/*
 * The weight of one whose threads are promised MCORES (promise_weighed_mcores), which goes before any other; 0: that is
 * not ours to say. CPU_VERSION is that of the cgroup hierarchy with the cpu controller.
 */
int annotations_apply_weight(uint32_t mcores, int cpu_version, struct oci_config *config,
			     struct error *err);
int annotations_change_weight(uint32_t before_mcores, uint32_t mcores, int cpu_version,
			      struct oci_config *holder, struct error *err);
