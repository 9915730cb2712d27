/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "oci/config.h"
#include "runtime/container.h"

/*
 * Updates a container that has terms, or is to get some: CHANGES are "NAME=VALUE" (behalf-terms(5)), HOLDER has
 * what else is to change. What it is promised then is planned again, and *REFUSED when there is no room,
 * unless FORCE. Without terms, before and after, it is container_update.
 */
struct terms_update {
	char *const *changes; /* NULL: none */
	bool force;
	bool *refused;
};
int update_terms(const char *root, struct container *container, const struct terms_update *update,
		 struct oci_config *holder, struct error *err);
