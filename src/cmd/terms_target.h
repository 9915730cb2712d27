/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "promises/promises.h"

/*
 * Whom NAME means: the path of a control group; or a container that has a promise, by its id; or any
 * container that runs, by its id or the beginning of it, as the path of its group tells. *PROMISE is what
 * is promised to it, the caller's to promise_clear; `since` is NULL when that is nothing yet.
 */
int terms_target_find(const char *state_root, const char *name, struct promise *promise,
		      struct error *err);
