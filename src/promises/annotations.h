/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Terms as a configuration says them, and what the runtime is told because of them. Pure.
 */
#include <stdbool.h>

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
 * What the kernel is to keep of TERMS, added to the resources of CONFIG. CPU_VERSION is that of the cgroup
 * hierarchy with the cpu controller. Where both say something the lower limit holds; the weight of a reserve
 * goes before any other.
 */
int annotations_apply_terms(const struct terms *terms, int cpu_version, struct oci_config *config,
			    struct error *err);

/*
 * The same for a living container, when BEFORE becomes NOW and somebody asks for what is in the resources of
 * HOLDER: what has to be set is added there, and what NOW does not allow is taken out.
 */
int annotations_change_terms(const struct terms *before, const struct terms *now, int cpu_version,
			     struct oci_config *holder, struct error *err);
