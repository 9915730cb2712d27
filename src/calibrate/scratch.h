/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The scratch file: it has no name (O_TMPFILE, or unlinked at once where that is not supported), so that
 * nothing of it is left however we end.
 */
#include "base/error.h"
#include "calibrate/flow.h"

/* What its buffered descriptor is to be read ahead by, in order: the kernel's VM_READAHEAD_PAGES. */
#define SCRATCH_PIECE_BYTES (128u << 10)

/*
 * In DIRECTORY, in the page cache as if read in order, filled to SIZE_BYTES. scratch->direct stays -EBADF
 * where the file system has no O_DIRECT. *STOP ends the filling: -EINTR, nothing said.
 */
int scratch_open(const char *directory, uint64_t size_bytes, const volatile int *stop,
		 struct flow_scratch *scratch, struct error *err);
void scratch_close(struct flow_scratch *scratch);

struct scratch_device {
	char target[64]; /* "254:0" */
	char name[64];	 /* "/dev/vda" */
};

/* -ENOTBLK with a sentence when the file's data is on no block device that can be told. */
int scratch_device(const struct flow_scratch *scratch, struct scratch_device *device,
		   struct error *err);
