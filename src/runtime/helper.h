/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"

/*
 * Runs a program of the host, found in PATH, with our environment and standard input from nowhere, and
 * waits for it. 0 when it succeeded; -ENOENT when there is none; else the sentence has its last line.
 */
int helper_run(char *const *argv, struct error *err);
