/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reserves of one disk, kept by throttling who is in the way. Pure.
 *
 * Nobody is throttled while every reserve that is asked for is got. When one is not, those who use more than they
 * have reserved are held to less of what is over it, look by look, until it is; when it is got, or nobody
 * asks for it, they get more again, and soon all. So the disk is never left idle for long.
 *
 * Others may wait for what a throttled one writes: a journal commits what all have written, and must first have the
 * data that belong to it on the disk. So writes are never held to less than what would have everything
 * that the throttled one has dirty or under way on the disk within DISK_STALL_S.
 */
#include <stdbool.h>
#include <stddef.h>

#include "keeper/rate.h"
#include "plan/terms.h"

#define DISK_STALL_S 0.1
/* No cap is lower, in bytes per second: nobody is stopped. */
#define DISK_FLOOR_BYTES (256 * 1024.0)

struct disk_user {
	/* in */
	double rate[TERMS_ACCESSES];	/* bytes/s over the last second */
	double reserve[TERMS_ACCESSES]; /* bytes/s, 0: none */
	bool lacks
		[TERMS_ACCESSES]; /* wants more, and has less than its reserve (also of requests) */
	double dirty_bytes;	  /* of its page cache that is to be written, or is just written */
	uint32_t share;		  /* 0: TERMS_SHARE */
	/* out, and the controller's own */
	double cap[TERMS_ACCESSES];	    /* bytes/s, 0: none */
	unsigned int slack[TERMS_ACCESSES]; /* looks at which the cap was not in its way */
};

/* One look, about four a second. */
void disk_control(struct disk_user *users, size_t n);
