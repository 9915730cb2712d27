/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The part of the keeper's round that is about the kernel's own workers. */
#include <stdint.h>

#include "keeper/control.h"
#include "keeper/host_threads.h"

struct host_round {
	struct host_threads threads;
	uint64_t due_ns; /* when they are looked at next */
};

/* Once a second, while so much is charged that somebody can be in their way, CONTROL is told how they fare. */
void host_round_look(struct host_round *round, struct control *control, uint64_t now_ns);

/* What was seen of them, and what follows from it, is of no use without charges. */
void host_round_forget(struct host_round *round, struct control *control);
