/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"

/*
 * The ids of containers under ROOT in which PATTERN, an extended regular expression (regex(7)), is found
 * anywhere, sorted. *IDS is the caller's to strv_free, NULL when there is none.
 */
int matching_ids(const char *root, const char *pattern, char ***ids, struct error *err);
