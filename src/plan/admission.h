/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether one more can be promised what it wants. Pure: the caller says who has what already.
 */
#include "base/error.h"
#include "plan/plan.h"

/*
 * The workspaces of REQUEST are those that are promised already, and a new one, the last. 0, or -EBUSY with
 * a sentence that says what is missing and what would fit. What is missing without the new one already
 * (where somebody insisted) is not held against it. -ENOMEM. *NEED, but for the latter, is what the new one needs.
 */
int plan_admit(const struct plan_request *request, struct extrapolate_need *need,
	       struct error *err);
