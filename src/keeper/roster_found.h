/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What others have set of a workspace that is taken up: its maker, for the very terms that are promised now, or somebody
 * else, for reasons of their own. roster.c's own.
 */
#include "keeper/roster.h"

/*
 * A quota that was found, and is not the limit itself as the container's maker has set it, is somebody else's. Who
 * changes the limit of a container sets it, too: by then (CHANGED) nothing else that was found is there any more.
 */
void found_take_quota(struct roster_entry *e, struct writer *writer, bool changed);
/* The same of the weight that the maker of a container has set for what its threads are promised. */
void found_take_weight(const struct roster_entry *e, struct writer *writer, bool changed);

bool weight_is_wanted(const struct roster_entry *e);
/* Of one that is promised neither CPU nor a share of it any more. */
int weight_give_back(struct writer *writer, struct roster_entry *e, struct error *err);
/* A weight that was not ours becomes so when CPU or a share of it is promised later, and the other way round. */
int weight_retake(struct writer *writer, struct roster_entry *e, struct error *err);
