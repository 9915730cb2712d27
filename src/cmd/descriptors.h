/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"

/*
 * --preserve-fds: N descriptors from 3 on belong to the container. One that is not open would be taken
 * by a file of our own, which must never get in: -EBADF, with a sentence.
 */
int descriptors_check_preserved(unsigned int n, struct error *err);

/* Opens /dev/null in place of what is closed of descriptors 0 to 2, for the same reason. */
int descriptors_open_standard(struct error *err);
