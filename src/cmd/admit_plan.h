/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "promises/promises.h"

/*
 * Whether WANTED fits beside KEPT, and beside what groups of others claim, on this host, by its profile. 0, or
 * -EBUSY with a sentence that tells what is missing and what would fit. What its I/O needs is noted in it.
 */
int admit_plan(const struct promise_list *kept, struct promise *wanted, struct error *err);
