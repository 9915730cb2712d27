/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "base/error.h"

/*
 * Runs a program of the host, found in PATH, with our environment and standard input from nowhere, and
 * waits for it. 0 when it succeeded; -ENOENT when there is none; else the sentence has what it said.
 */
int helper_run(char *const *argv, struct error *err);

/* The same; *SAID, the caller's to free, is all that it said. -EFBIG when that is more than LIMIT_BYTES. */
int helper_read(char *const *argv, size_t limit_bytes, char **said, struct error *err);
