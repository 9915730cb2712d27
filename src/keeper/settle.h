/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is put back while the keeper runs, since nobody has a use for it any more. */
#include <stdbool.h>

#include "keeper/roster.h"
#include "keeper/writer.h"

/*
 * Before anything else: what a killed keeper has set for the moment, beside what stands. Whoever needs that will have it
 * again in the first round.
 */
void settle_moments(struct writer *writer);

/* What a killed keeper has set of those who are not kept any more; what LIST promises them stays. */
void settle_estates(const struct roster *roster, const struct promise_list *list,
		    struct writer *writer);

/* With no reserve there is nothing that work has to keep out of the way of: true. */
bool settle_steering(const struct roster *roster, struct writer *writer);
